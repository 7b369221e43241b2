"""Reader of ninjs: generations 1.0 to 3.2, partial and canceled items, associations, hostile input."""

from __future__ import annotations

import datetime as dt
import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as some
from tests.support.source_files import (
    messages_of,
    read_items,
    record_of,
    tags_of,
    texts_of,
)

from contentql.content import blocks
from contentql.content.enums import ContentType, MediaRole, TagType
from contentql.content.import_item import ImportItem, SourceStatus
from contentql.content.records import AuthorRecord, CategoryRecord
from contentql.formats.agency.ninjs_properties import NAMES
from contentql.formats.agency.ninjs_reader import sniff

FIXTURES = Path(__file__).parents[2] / "fixtures"


def read(*items: Any, **options: Any) -> list[ImportItem]:
    """The import items of a file with these JSON values in lines."""
    content = b"\n".join(json.dumps(item).encode() for item in items)
    return read_items("feed.ninjs", content, **{"language": "en", **options})


def read_one(**properties: Any) -> ImportItem:
    """The import item of a ninjs item with a headline and a body, unless `properties` say otherwise."""
    values = {"uri": "urn:a:1", "headline": "A", "body_text": "One.", **properties}
    (item,) = read({name: value for name, value in values.items() if value is not None})
    return item


def test_story_is_read_with_everything_that_the_format_carries() -> None:
    """Texts, times, sections, tags, author, the main picture with its facts, the note, the status."""
    (item,) = read_items("a.json", (FIXTURES / "stories/ninjs/tram-line-reopens.json").read_bytes())
    (story,) = [
        story
        for story in json.loads((FIXTURES / "stories/stories.json").read_text())["stories"]
        if story["slug"] == "tram-line-reopens"
    ]
    record = record_of(item)
    assert (record.slug, record.headline, record.kicker) == (story["slug"], story["title"], story["kicker"])
    assert (record.summary, record.language, record.urgency) == (story["summary"], "en", 4)
    assert record.published_at == dt.datetime.fromisoformat(story["published"])
    assert record.updated_at == dt.datetime.fromisoformat(story["updated"])
    assert (item.source_version, item.source_modified_at) == (2, record.updated_at)
    assert item.source_status is SourceStatus.PUBLIC
    assert (record.category, record.sections) == ("local/transport", ())
    names = [each.name for each in item.references if isinstance(each, CategoryRecord)]
    assert names == story["category"]
    assert [mention.tag for mention in record.tags] == ["TOPIC:trams", "PLACE:heron-city"]
    assert [each.name for each in item.references if isinstance(each, AuthorRecord)] == ["Lena Voss"]
    assert (record.byline, record.dateline_place) == ("By Lena Voss", "Heron City")
    assert item.addresses == (story["url"],)
    assert record.canonical_url is None
    (picture,) = item.media
    expected = story["media"][0]
    for name in ("alt", "caption", "credit", "copyright", "usage_terms"):
        assert getattr(picture, name) == expected[name], name
    assert (picture.url, picture.focal_x, picture.focal_y) == (expected["href"], 0.6, 0.4)
    assert [(each.name, each.url) for each in picture.renditions] == [
        (each["name"], each["href"]) for each in expected["renditions"]
    ]
    assert [block.type for block in record.blocks] == ["PARAGRAPH", "IMAGE", "PARAGRAPH", "HEADING", "LIST"]
    image = record.blocks[1]
    assert isinstance(image, blocks.Image)
    assert (image.media, image.caption) == (record.lead_media, expected["caption"])
    assert record.ed_note == "CORRECTION: An earlier version gave the day fare as 5.00."
    assert not record.corrections
    assert [source["name"] for source in record.extra["ninjs"]["infoSources"]] == [
        source["name"] for source in story["sources"]
    ]
    assert not record.attributions


def test_withheld_story_is_hidden() -> None:
    """Its section is the one that its relation names; it has no time of publication."""
    (item,) = read_items("a.json", (FIXTURES / "stories/ninjs/lab-closure.json").read_bytes())
    record = record_of(item)
    assert item.source_status is SourceStatus.HIDDEN
    assert (record.published_at, record.category) == (None, "local")


@pytest.mark.parametrize(
    ("name", "headline", "paragraphs", "media"),
    [
        ("001_simple_example.json", "Captain of wrecked cruise ship on trial in Italy", 1, 0),
        ("003_associations_example.json", "Dell Redefines Workstation Computing Boundaries", 1, 2),
        ("004_simple_text_article.json", "Captain of wrecked cruise ship on trial in Italy", 4, 0),
        ("005_complex_text_article.json", "Captain of wrecked cruise ship on trial in Italy", 4, 0),
        ("006_photo_only.json", "Costa Concordia cruise ship", 1, 1),
        ("007_multimedia.json", "Captain of wrecked cruise ship on trial in Italy", 4, 2),
        ("ninjsExSimpleText_3.json", "Captain of wrecked cruise ship on trial in Italy", 4, 0),
    ],
)
def test_examples_of_the_standard(name: str, headline: str, paragraphs: int, media: int) -> None:
    """The HTML is read where an item has its text as HTML and as plain text."""
    (item,) = read_items(name, (FIXTURES / "ninjs" / name).read_bytes())
    assert record_of(item).headline.startswith(headline)
    assert len(record_of(item).blocks) == paragraphs
    assert len(item.media) == media


def test_event_is_skipped_with_a_reason() -> None:
    (item,) = read_items("a.json", (FIXTURES / "ninjs/008_event.json").read_bytes())
    assert item.skipped == "an event, not an article"


def test_embargo_is_obeyed() -> None:
    """Its end is kept; one that cannot be read makes the item withheld."""
    (item,) = read_items("a.json", (FIXTURES / "edge/ninjs/embargo.json").read_bytes())
    assert record_of(item).embargo_until == dt.datetime(2099, 1, 1, tzinfo=dt.UTC)
    unreadable = read_one(embargoed="soon")
    assert unreadable.source_status is SourceStatus.HIDDEN
    assert "the end of the embargo cannot be read" in messages_of(unreadable)


NITF = "<nitf><body><body.content><p>A</p></body.content></body></nitf>"
GENERATION_1 = {
    "uri": "urn:a:1",
    "type": "text",
    "representationtype": "complete",
    "version": "3",
    "firstcreated": "2026-01-02T03:04:05Z",
    "versioncreated": "2026-01-03T03:04:05Z",
    "pubstatus": "usable",
    "urgency": 2,
    "byline": "By Lena Voss",
    "headline": "Main",
    "headline_short": "Short",
    "body_text": "One.",
    "body_html": "<p>One.</p><p>Two.</p>",
    "description_text": "Summary.",
    "usageterms": "None",
    "copyrightnotice": "© A",
    "ednote": "Note.",
    "located": "Heron City",
    "person": [
        {"name": "Ada Rehn", "rel": "about", "scheme": "http://www.wikidata.org/entity/", "code": "Q7"}
    ],
    "place": [{"name": "Coast"}],
    "subject": [{"name": "Trams", "scheme": "http://cv.iptc.org/newscodes/mediatopic/", "code": "20000523"}],
    "genre": [{"name": "Interview"}],
    "associations": {
        "main": {
            "uri": "urn:p:1",
            "type": "picture",
            "byline": "Emil Strand",
            "description_text": "A tram.",
            "renditions": {
                "small": {"href": "https://e.org/s.jpg", "mimetype": "image/jpg", "width": 10, "height": 5},
                "large": {"href": "https://e.org/l.jpg", "mimetype": "image/jpg", "width": 100, "height": 50},
            },
        }
    },
}
GENERATION_3 = {
    "uri": "urn:a:1",
    "type": "text",
    "representationType": "full",
    "version": "3",
    "firstCreated": "2026-01-02T03:04:05Z",
    "versionCreated": "2026-01-03T03:04:05Z",
    "pubStatus": "usable",
    "urgency": 2,
    "by": "By Lena Voss",
    "headlines": [{"role": "main", "value": "Main"}, {"role": "short", "value": "Short"}],
    "bodies": [
        {"role": "text", "contentType": "text/plain", "value": "One."},
        {"role": "html", "contentType": "text/html", "value": "<p>One.</p><p>Two.</p>"},
    ],
    "descriptions": [{"role": "text", "value": "Summary."}],
    "usageTerms": "None",
    "copyrightNotice": "© A",
    "edNote": "Note.",
    "located": "Heron City",
    "people": [{"name": "Ada Rehn", "uri": "http://www.wikidata.org/entity/Q7"}],
    "places": [{"name": "Coast"}],
    "subjects": [{"name": "Trams", "uri": "http://cv.iptc.org/newscodes/mediatopic/20000523"}],
    "genres": [{"name": "Interview"}],
    "associations": [
        {
            "name": "main",
            "uri": "urn:p:1",
            "type": "picture",
            "by": "Emil Strand",
            "descriptions": [{"role": "text", "value": "A tram."}],
            "renditions": [
                {"name": "small", "href": "https://e.org/s.jpg", "contentType": "image/jpg", "width": 10,
                 "height": 5},
                {"name": "large", "href": "https://e.org/l.jpg", "contentType": "image/jpg", "width": 100,
                 "height": 50},
            ],
        }
    ],
}  # fmt: skip


def lower_names(value: Any) -> Any:
    """A value of generation 3 with the names of generation 2."""
    if isinstance(value, list):
        return [lower_names(item) for item in value]
    if isinstance(value, dict):
        return {name.lower(): lower_names(item) for name, item in value.items()}
    return value


def resources(item: dict[str, Any]) -> dict[str, Any]:
    """An item of generation 3 with the resources of 3.2 in its renditions."""
    result: dict[str, Any] = json.loads(json.dumps(item))
    for rendition in result["associations"][0]["renditions"]:
        rendition["resources"] = [{key: rendition.pop(key) for key in list(rendition) if key != "name"}]
    return result


@pytest.mark.parametrize(
    "other",
    [GENERATION_1, lower_names(GENERATION_3), resources(GENERATION_3), {**GENERATION_1, **GENERATION_3}],
    ids=["1.x", "2.x", "3.2", "mixed"],
)
def test_all_generations_give_the_same_article(other: dict[str, Any]) -> None:
    """Properties are recognised by their names; a file may mix those of several generations."""
    (expected,), (item,) = read(GENERATION_3), read(other)
    assert item == expected
    assert record_of(item).content_type is ContentType.INTERVIEW
    assert texts_of(item) == ["One.", "Two."]
    assert record_of(item).short_headline == "Short"
    assert tags_of(item)["Ada Rehn"].wikidata == "Q7"
    (code,) = tags_of(item)["Trams"].codes
    assert (code.scheme, code.code) == ("medtop", "20000523")
    assert [(picture.url, len(picture.renditions)) for picture in item.media] == [("https://e.org/l.jpg", 2)]


@pytest.mark.parametrize(
    ("bodies", "expected"),
    [
        ([("main", "text/html", "<p>A</p>"), ("main", "text/plain", "B")], ["A"]),
        ([("main", "text/plain", "B"), ("richtext", "body_xhtml", "<p>A</p>")], ["A"]),
        ([("main", "text/plain", "B"), ("teaser", "text/html", "<p>A</p>")], ["B"]),
        ([("", "", "<p>A</p>")], ["A"]),
        ([("", "", "1 < 2 and\n\n3")], ["1 < 2 and", "3"]),
        ([("main", "text/html", ""), ("text", "text/plain", "B")], ["B"]),
        (
            [
                (
                    "x",
                    "application/nitf+xml",
                    "<nitf><body><body.content><p>A</p></body.content></body></nitf>",
                )
            ],
            ["A"],
        ),
    ],
)
def test_body_is_the_whole_text_and_html_before_plain_text(
    bodies: list[tuple[str, str, str]], expected: list[str]
) -> None:
    values = [{"role": role, "contentType": type_, "value": value} for role, type_, value in bodies]
    assert texts_of(read_one(body_text=None, bodies=values)) == expected


@pytest.mark.parametrize("role", ["richhtml5", "html5"])
def test_heading_that_repeats_the_headline_is_left_out(role: str) -> None:
    html = "<html><head><title>T</title></head><body><h1>Main  line</h1><p>Text.</p></body></html>"
    bodies = [{"role": role, "contentType": "text/html", "value": html}]
    assert texts_of(read_one(headline="Main line", body_text=None, bodies=bodies)) == ["Text."]


@pytest.mark.parametrize(
    ("properties", "expected"),
    [
        ({"pubStatus": "usable"}, SourceStatus.PUBLIC),
        ({}, SourceStatus.PUBLIC),
        ({"pubStatus": "withheld"}, SourceStatus.HIDDEN),
        ({"pubstatus": "canceled"}, SourceStatus.CANCELED),
        ({"pubStatus": "Cancelled"}, SourceStatus.CANCELED),
        ({"pubStatus": "whatever"}, SourceStatus.HIDDEN),
        ({"pubStatus": ["usable"]}, SourceStatus.HIDDEN),
        ({"pubStatus": "usable", "edNote": "KILL: wrong person"}, SourceStatus.CANCELED),
        ({"pubStatus": "usable", "edNote": "MANDATORY KILL"}, SourceStatus.CANCELED),
        ({"pubStatus": "usable", "edNote": "KILL this story"}, SourceStatus.CANCELED),
        ({"pubStatus": "usable", "edNote": "Adds who was killed."}, SourceStatus.PUBLIC),
        ({"pubStatus": "usable", "edNote": "KILLED IN ACTION: adds names"}, SourceStatus.PUBLIC),
        ({"pubStatus": "usable", "edNote": "KILL BILL review"}, SourceStatus.PUBLIC),
    ],
)
def test_status(properties: dict[str, Any], expected: SourceStatus) -> None:
    """What is not known to be usable is hidden; a kill is obeyed whatever the status says."""
    assert read_one(**properties).source_status is expected


def test_kill_needs_no_more_than_the_uri() -> None:
    """Nothing else of the stored article is changed."""
    (item,) = read({"uri": "urn:a:1", "version": "4", "pubStatus": "canceled"})
    assert (item.source_status, item.source_version) == (SourceStatus.CANCELED, 4)
    fields = record_of(item).model_fields_set - item.derived
    assert fields == {"uri", "external_ids"}


def test_partial_item_sets_only_what_it_has() -> None:
    (item,) = read({"uri": "urn:a:1", "representationType": "partial", "urgency": 2, "places": []})
    assert record_of(item).model_fields_set - item.derived == {"uri", "external_ids", "urgency", "tags"}
    assert (record_of(item).urgency, record_of(item).tags) == (2, ())


def test_complete_item_clears_what_it_lacks() -> None:
    cleared = {"summary", "kicker", "byline", "tags", "category", "lead_media", "ed_note", "expires_at"}
    assert cleared <= record_of(read_one()).model_fields_set


@pytest.mark.parametrize(
    ("version", "expected"),
    [("11", 11), ("2.10", 2), (7, 7), ("v3", 3), ("abc", None), ("", None), ({}, None)],
)
def test_version_is_a_number(version: Any, expected: int | None) -> None:
    assert read_one(version=version).source_version == expected


def test_places_have_the_longitude_first() -> None:
    point = {"type": "Point", "coordinates": [18.2979, 57.6381]}
    places = [
        {"name": "Gotland", "geoJSON": point},
        {"name": "Feature", "geojson": {"type": "Feature", "geometry": point}},
        {"name": "Area", "geoJSON": {"type": "Polygon", "coordinates": [[[1, 2], [3, 4], [5, 6], [1, 2]]]}},
        {"name": "Wrong", "geoJSON": {"type": "Point", "coordinates": [10, 100]}},
    ]
    tags = tags_of(read_one(places=places))
    for name in ("Gotland", "Feature"):
        assert (tags[name].latitude, tags[name].longitude) == (57.6381, 18.2979)
    assert tags["Area"].latitude is None
    assert tags["Wrong"].latitude is None
    assert "the area of 'Area' was left out" in messages_of(read_one(places=places))


def test_concepts_become_tags_of_their_types_with_relevance_and_codes() -> None:
    item = read_one(
        subjects=[{"name": "Trams", "literal": "13010000", "relevance": 98, "confidence": 58.4}],
        people=[{"name": "Ada Rehn", "contactInfo": [{"type": "email", "value": "ada@example.org"}]}],
        organisations=[{"name": "Heron Trams", "uri": "https://example.org/orgs#heron"}],
        events=[{"name": "Opening"}],
        objects=[{"name": "Old bridge"}, {"uri": "https://example.org/x", "rel": "source"}],
        keywords=["coast"],
    )
    tags = tags_of(item)
    assert {name: tag.type for name, tag in tags.items()} == {
        "Trams": TagType.TOPIC,
        "Ada Rehn": TagType.PERSON,
        "Heron Trams": TagType.ORGANISATION,
        "Opening": TagType.EVENT,
        "Old bridge": TagType.WORK,
        "coast": TagType.TOPIC,
    }
    mention = record_of(item).tags[0]
    assert (mention.relevance, mention.confidence) == (98, 58)
    (code,) = tags["Heron Trams"].codes
    assert (code.scheme, code.code) == ("https://example.org/orgs#", "heron")
    assert record_of(item).extra["ninjs"]["objects"] == [{"rel": "source", "uri": "https://example.org/x"}]
    assert "ada@example.org" not in item.record.model_dump_json() if item.record else True
    assert "the contact details of 'Ada Rehn' were left out" in messages_of(item)


@pytest.mark.parametrize(
    ("byline", "names"),
    [
        ("By Lena Voss", ["Lena Voss"]),
        ("Paulo Santalucia and Frances d'Emilio", ["Paulo Santalucia", "Frances d'Emilio"]),
        ("Von Christian Hollmann, dpa", ["Christian Hollmann"]),
        ("By Ada Rehn of Heron News", ["Ada Rehn"]),
        ("NTB", []),
        ("Heron News staff", []),
        ("The Anti-Doping Database", []),
    ],
)
def test_authors_are_taken_from_the_byline_with_a_warning(byline: str, names: list[str]) -> None:
    item = read_one(byline=byline)
    assert [each.name for each in item.references if isinstance(each, AuthorRecord)] == names
    assert ("the authors were taken from the byline" in messages_of(item)) is bool(names)
    assert record_of(item).byline == byline


def test_people_who_are_authors_are_no_tags() -> None:
    """Their roles are kept; the byline does not add others."""
    people = [
        {"name": "Lena Voss", "rel": "author", "uri": "https://example.org/staff/lena"},
        {"name": "Emil Strand", "rel": "photographer"},
    ]
    item = read_one(people=people, byline="By Somebody Else")
    assert [(credit.author, credit.role.value) for credit in record_of(item).authors] == [
        ("lena-voss", "WRITER"),
        ("emil-strand", "PHOTOGRAPHER"),
    ]
    assert not tags_of(item)


@pytest.mark.parametrize(
    ("rendition", "focus"),
    [
        ({"poi": {"x": 225, "y": 100}, "width": 375, "height": 250}, (0.6, 0.4)),
        ({"poi": {"x": 1, "y": 1}, "width": 100, "height": 50}, (0.01, 0.02)),
        ({"poi": {"x": 0.5, "y": 0.25}, "width": 375, "height": 250}, (0.5, 0.25)),
        ({"poi": {"x": 400, "y": 1}, "width": 375, "height": 250}, (None, None)),
        ({"poi": {"x": 10, "y": 10}}, (None, None)),
        ({"poi": [1, 2], "width": 375, "height": 250}, (None, None)),
    ],
)
def test_point_of_interest_is_in_pixels(rendition: dict[str, Any], focus: tuple[Any, Any]) -> None:
    picture = {
        "uri": "urn:p:1",
        "type": "picture",
        "renditions": [{"href": "https://e.org/a.jpg", **rendition}],
    }
    (media,) = read_one(associations=[{"name": "a", **picture}]).media
    assert (media.focal_x, media.focal_y) == focus


def test_pictures_are_placed_once() -> None:
    """The main one is the lead, one in the body is shown there, the others are placed beside the text; an
    association that the body shows by its reference or words is the same file."""

    def picture(name: str, **properties: Any) -> dict[str, Any]:
        url = f"https://e.org/{name}.jpg"
        return {
            "name": name,
            "uri": f"urn:p:{name}",
            "type": "picture",
            "renditions": [{"href": url}],
        } | properties

    html = (
        '<p>Text.</p><figure><img src="https://e.org/thumb/b.jpg" data-assoc-ref="b"></figure>'
        '<p>More.</p><figure><img src="https://e.org/orig/c.jpg" alt="Words of c"></figure>'
    )
    item = read_one(
        body_text=None,
        body_html=html,
        associations=[
            picture("a"),
            picture("b"),
            picture("c", descriptions=[{"role": "alt", "value": "Words of c"}]),
            picture("gallery--1"),
            picture("hero", rel="mainpicture"),
        ],
    )
    record = record_of(item)
    urls = [media.url for media in item.media]
    assert sorted(urls) == [
        "https://e.org/a.jpg",
        "https://e.org/b.jpg",
        "https://e.org/gallery--1.jpg",
        "https://e.org/hero.jpg",
        "https://e.org/orig/c.jpg",
    ]
    address = dict(zip(range(1 << 62, (1 << 62) + 9), urls, strict=False))
    assert address[record.lead_media or 0] == "https://e.org/hero.jpg"
    shown = [address[block.media] for block in record.blocks if isinstance(block, blocks.Image)]
    assert shown == ["https://e.org/b.jpg", "https://e.org/orig/c.jpg"]
    assert [(address[each.media], each.role) for each in record.media] == [
        ("https://e.org/a.jpg", MediaRole.INLINE),
        ("https://e.org/gallery--1.jpg", MediaRole.GALLERY),
    ]


def test_picture_on_its_own_becomes_a_gallery() -> None:
    """A film becomes an article of type VIDEO; the caption is that of the file, not repeated as a text."""
    for type_, content_type, block in (
        ("picture", ContentType.GALLERY, blocks.Image),
        ("video", ContentType.VIDEO, blocks.Video),
    ):
        item = read_one(
            type=type_,
            body_text="A tram.",
            description_text="A tram.",
            renditions=[{"name": "main", "href": "https://e.org/a"}],
        )
        (shown,) = record_of(item).blocks
        assert isinstance(shown, block)
        assert (shown.caption, record_of(item).content_type) == ("A tram.", content_type)
        assert record_of(item).lead_media == shown.media


def test_documents_in_associations_are_media() -> None:
    """One on its own is no article."""
    file = {"renditions": [{"name": "a", "href": "https://e.org/a.pdf", "contentType": "application/pdf"}]}
    item = read_one(associations=[{"name": "a", "uri": "urn:p:1", **file}])
    assert [(media.kind.value, media.url) for media in item.media] == [("DOCUMENT", "https://e.org/a.pdf")]
    assert len(record_of(item).media) == 1
    assert not read_one(body_text=None, **file).media


def test_notes_in_nitf_are_not_public() -> None:
    nitf = NITF.replace("<p>A</p>", "<p>A</p><note>Do not use.</note>")
    item = read_one(body_text=None, body_nitf=nitf, ednote="First.")
    assert (texts_of(item), record_of(item).ed_note) == (["A"], "First.\nDo not use.")


def test_texts_in_associations_are_items_of_their_own() -> None:
    """A package of texts is not an article; a reference without a text is kept."""
    text = {"uri": "urn:a:2", "headline": "Other", "body_text": "Two."}
    first, second = read(
        {"uri": "urn:a:1", "headline": "A", "body_text": "One.", "associations": {"side": text}}
    )
    assert (record_of(first).uri, record_of(second).uri) == ("urn:a:1", "urn:a:2")
    package, inner = read({"uri": "urn:a:1", "type": "composite", "associations": {"side": text}})
    assert package.skipped == "a package of 1 items, which are read by themselves"
    assert record_of(inner).headline == "Other"
    reference = read_one(associations=[{"name": "r", "uri": "urn:a:3", "type": "text"}])
    assert record_of(reference).extra["ninjs"]["associations"] == [
        {"name": "r", "type": "text", "uri": "urn:a:3"}
    ]


def test_other_ids() -> None:
    """The address of the item becomes a redirect, ids of the item external ids; others are kept."""
    item = read_one(
        altIds=[
            {"role": "canonical", "value": "https://e.org/a"},
            {"role": "itemId", "value": "55"},
            {"role": "packageGroup", "value": "7"},
            {"role": "slug", "value": "my-slug"},
        ]
    )
    assert item.addresses == ("https://e.org/a",)
    ids = [(each.system, each.value) for each in record_of(item).external_ids]
    assert ids == [("ninjs", "urn:a:1"), ("ninjs:itemid", "55")]
    assert record_of(item).extra["ninjs"]["altIds"] == [{"role": "packagegroup", "value": "7"}]
    assert record_of(item).slug == "my-slug"


def test_unknown_properties_are_kept_without_private_data() -> None:
    item = read_one(
        priority=3,
        custom={"a": [1, {"b": "mail desk@example.org, 192.168.0.1"}], "email": "x@example.org"},
        deep=json.loads('{"a":' * 30 + "1" + "}" * 30),
    )
    extra = record_of(item).extra["ninjs"]
    assert extra["priority"] == 3
    assert extra["custom"] == {"a": [1, {"b": "mail ,"}]}


@pytest.mark.parametrize(
    "content",
    [
        b'[{"uri":"urn:a:1","headline":"A"},{"uri":"urn:a:2","headline":"B"}]',
        b'{"uri":"urn:a:1","headline":"A"}\n{"uri":"urn:a:2","headline":"B"}\n',
        b'{"uri":"urn:a:1","headline":"A"} {"uri":"urn:a:2","headline":"B"}',
        b'{"items": [{"uri":"urn:a:1","headline":"A"},{"uri":"urn:a:2","headline":"B"}], "total": 2}',
        b'\xef\xbb\xbf  [\n{"uri":"urn:a:1","headline":"A"}\n,\n{"uri":"urn:a:2","headline":"B"}\n]\n',
        '[{"uri":"urn:a:1","headline":"A"},{"uri":"urn:a:2","headline":"B"}]'.encode("utf-16"),
    ],
)
def test_files_with_several_items(content: bytes) -> None:
    items = read_items("feed.json", content, language="en")
    assert [(record_of(item).headline, item.place) for item in items] == [("A", "item 1"), ("B", "item 2")]


def test_errors_of_items_do_not_stop_the_others() -> None:
    """The report says which item of the file has which error."""
    content = b"""[{"uri": "urn:a:1", "headline": "A"}, {"headline": "B"}, 7, {"uri": "x y", "headline": "C"},
        {"uri": "urn:a:4"}] {"uri": "urn:a:5", "headline": "D"""
    items = read_items("feed.ninjs", content, language="en")
    assert [item.error for item in items] == [
        None,
        "the item has no uri, which every item must have",
        "'7' is no item: an item is an object",
        "the uri of an item must have at most 500 characters and no white space",
        "the item has neither a title nor a text",
        "the file ends within an item",
    ]
    assert record_of(items[0]).headline == "A"


@pytest.mark.parametrize(
    ("content", "name", "expected"),
    [
        (b'{"uri": "urn:a:1", "type": "text"}', "a.json", True),
        (b'{"uri": "urn:a:1"}', "a.json", True),
        (b'{"guid": "a", "headline": "A", "body_html": "x", "pubstatus": "usable"}', "a.json", True),
        (b'{"record": "article", "uri": "urn:a:1", "headline": "A"}', "a.json", False),
        (b'{"@context": "https://schema.org", "uri": "a", "headline": "A"}', "a.json", False),
        (b'{"version": "https://jsonfeed.org/version/1.1", "items": [{"uri": "a"}]}', "a.json", False),
        (b'{"$schema": "x", "type": "object", "properties": {"uri": {"type": "string"}}}', "a.json", False),
        (b'[{"name": "a", "image": {"uri": "b", "type": "picture"}}]', "a.json", False),
        (b'{"_items": [{"uri": "urn:a:1", "headline": "A"}], "_meta": {}}', "a.json", True),
        (b'{"db": [{"data": {"posts": []}}]}', "a.json", False),
        (b"plain text", "a.ninjs", False),
    ],
)
def test_files_are_recognised_by_their_properties(content: bytes, name: str, expected: bool) -> None:
    assert sniff(content, name) is expected


@pytest.mark.parametrize(
    "content",
    [
        b'{"uri": "urn:a:1", "type": ' + b"[" * 200_000,
        b'{"uri": "urn:a:1", "type": ' + b"[" * 200_000 + b"]" * 200_000 + b"}",
        b'{"uri": "urn:a:1", "associations": ' + b'[{"name": "a", "associations": ' * 900,
        b"[" * 200_000,
        b"]" * 200_000,
        b'"' * 200_001,
    ],
)
def test_deep_and_broken_files_give_errors(content: bytes) -> None:
    items = read_items("feed.ninjs", b'{"uri": "urn:a:0", "headline": "A"}\n' + content, language="en")
    assert record_of(items[0]).headline == "A"
    assert items[1:]
    assert all(item.error or item.record is None for item in items[1:])


def test_huge_numbers_of_associations_and_tags_are_bounded() -> None:
    picture = {"type": "picture", "renditions": [{"href": "https://e.org/a.jpg"}]}
    item = read_one(
        associations=[{"name": str(n), "uri": f"urn:p:{n}", **picture} for n in range(100_000)],
        subjects=[{"name": f"tag {n}"} for n in range(20_000)],
    )
    assert len(record_of(item).tags) == 1_000
    assert "more than 1,000 tags" in messages_of(item)
    assert "1,000 associations after the first 1,000 were left out" in messages_of(item)
    assert "left out of associations: 98,000 objects after the first 2,000" in messages_of(item)


_NAMES = sorted(
    {*NAMES, *NAMES.values(), "headline", "headline_x", "body_html", "body_nitf", "description_text"}
)
_INNER = (
    "name", "rel", "uri", "literal", "code", "scheme", "value", "role", "contentType", "href", "width",
    "height", "poi", "x", "y", "geoJSON", "coordinates", "type", "features", "geometry", "renditions",
    "resources", "bodies", "associations", "relevance", "sizeInBytes", "duration", "bitrate",
)  # fmt: skip
_LEAVES = some.one_of(
    some.none(),
    some.booleans(),
    some.integers(),
    some.floats(),
    some.text(max_size=10),
    some.sampled_from(["<p>x", "https://e.org/a.jpg", "2026-01-01T00:00:00Z", "Point", "picture", "a" * 600]),
)
_VALUES = some.recursive(
    _LEAVES,
    lambda inner: some.one_of(
        some.lists(inner, max_size=4), some.dictionaries(some.sampled_from(_INNER), inner, max_size=5)
    ),
    max_leaves=20,
)


@given(some.dictionaries(some.sampled_from(_NAMES), _VALUES, max_size=12))
@settings(suppress_health_check=[HealthCheck.too_slow], max_examples=200)
def test_any_value_of_any_property_is_read(properties: dict[str, Any]) -> None:
    """Nothing raises; the item is an article, skipped, or has an error."""
    for item in read({"uri": "urn:a:1", **properties}):
        assert item.record or item.error or item.skipped
