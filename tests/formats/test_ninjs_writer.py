"""Writer of ninjs 3.2: valid items, and the same fields again when they are read."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import jsonschema_rs
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as some
from tests.support.article_documents import document_of, public_documents
from tests.support.generated_bodies import BODIES
from tests.support.source_files import (
    read_items,
    values_of,
)

from contentql.content.import_item import ImportItem
from contentql.content.render import render_html
from contentql.execution.executor import Executor
from contentql.formats.agency.ninjs_writer import write
from contentql.formats.article_document import FeedInfo

FIXTURES = Path(__file__).parents[2] / "fixtures"
FEED = FeedInfo(title="News", site="Heron News", home_url="https://news.example.org/")
GEOJSON = "https://geojson.org/schema/GeoJSON.json"


def make_validator() -> jsonschema_rs.Draft202012Validator:
    """The schema of 3.1, with its reference to another site cut."""
    text = (FIXTURES / "ninjs/ninjs-schema_3.1.json").read_text()
    schema = json.loads(text.replace(f'"$ref": "{GEOJSON}#"', '"type": "object"'))
    return jsonschema_rs.Draft202012Validator(schema)


VALIDATOR = make_validator()


def items_of(*documents: dict[str, Any]) -> list[dict[str, Any]]:
    """The items that the writer makes of documents, checked against the schema and what 3.2 requires."""
    items: list[dict[str, Any]] = json.loads(b"".join(write(documents, FEED)))
    for item in items:
        assert [error.message for error in VALIDATOR.iter_errors(item)] == []
        assert item["standard"]["version"] == "3.2"
        for association in item.get("associations", ()):
            assert association["name"]
            for rendition in association.get("renditions", ()):
                assert all(isinstance(value, int) for value in rendition.get("poi", {}).values())
    return items


def read_again(item: ImportItem) -> ImportItem:
    """The import item after it was written and read."""
    (again,) = read_items("a.json", json.dumps(items_of(document_of(item))).encode())
    return again


async def test_demo_newsroom_is_valid(demo_executor: Executor) -> None:
    """Every public article is a valid item, and can be read."""
    documents = await public_documents(demo_executor)
    items = items_of(*documents)
    assert [item["uri"] for item in items] == [document["uri"] for document in documents]
    assert any(item.get("infoSources") for item in items)
    read = read_items("a.json", json.dumps(items).encode())
    assert [item.error for item in read] == [None] * len(items)


def imported_items() -> Iterator[Any]:
    for path in sorted((*(FIXTURES / "stories/ninjs").glob("*"), *(FIXTURES / "ninjs").glob("0*.json"))):
        for item in read_items(path.name, path.read_bytes(), language="en"):
            if item.record:
                yield pytest.param(item, id=path.stem)


@pytest.mark.parametrize("item", list(imported_items()))
def test_items_are_the_same_after_export_and_import(item: ImportItem) -> None:
    """The second export has the same items as the first, and they are read as the same articles."""
    again = read_again(item)
    assert values_of(read_again(again)) == values_of(again)
    expected, actual = values_of(item), values_of(again)
    for name in (
        "headline",
        "kicker",
        "summary",
        "blocks",
        "byline",
        "tags",
        "category",
        "language",
        "urgency",
    ):
        assert actual["record"][name] == expected["record"][name], name
    for name in ("published_at", "updated_at", "embargo_until", "expires_at", "ed_note", "slug", "uri"):
        assert actual["record"][name] == expected["record"][name], name
    assert actual["record"]["authors"] == expected["record"]["authors"]
    assert actual["media"] == expected["media"]
    assert (actual["status"], actual["addresses"]) == (expected["status"], expected["addresses"])


_NAMES = some.sampled_from(["Ada Rehn", "Heron City", "Zürich & Co", "한국", "A <b> c"])


@some.composite
def _sources(draw: some.DrawFn) -> dict[str, Any]:
    """Items of ninjs with every property that a field of an article has."""
    time = some.sampled_from(["2026-01-02T03:04:05Z", "2025-12-31T23:59:59Z"])
    texts = some.sampled_from(["", "A text.", 'Quotes " & <tags>', "한국어 텍스트"])

    def concepts(**more: some.SearchStrategy[Any]) -> some.SearchStrategy[Any]:
        uris = some.sampled_from(
            [
                "http://www.wikidata.org/entity/Q5",
                "http://cv.iptc.org/newscodes/mediatopic/1",
                "https://e.org/a#b",
            ]
        )
        concept = some.fixed_dictionaries({"name": _NAMES}, optional={"uri": uris, **more})
        return some.lists(concept, max_size=3, unique_by=lambda value: value["name"])

    percentage = some.integers(0, 100)
    point = some.builds(
        lambda x, y: {"type": "Point", "coordinates": [x, y]},
        some.integers(-180, 180),
        some.integers(-90, 90),
    )
    picture = some.fixed_dictionaries(
        {
            "name": some.just("main"),
            "uri": some.just("urn:p:1"),
            "type": some.just("picture"),
            "renditions": some.just(
                [{"name": "a", "href": "https://e.org/a.jpg", "width": 10, "height": 10}]
            ),
        },
        optional={"by": _NAMES, "descriptions": some.just([{"role": "caption", "value": "Caption"}])},
    )
    return draw(
        some.fixed_dictionaries(
            {
                "uri": some.just("urn:a:1"),
                "headlines": some.just(
                    [{"role": "main", "value": "A & B"}, {"role": "kicker", "value": "K"}]
                ),
                "version": some.sampled_from(["1", "12"]),
                "versionCreated": time,
                "language": some.sampled_from(["en", "ko", "pt-BR"]),
                "body_html": some.sampled_from(["<p>A <b>b</b></p><ul><li>c</li></ul>", "<p>&lt;x&gt;</p>"]),
            },
            optional={
                "firstCreated": time,
                "embargoedUntil": time,
                "expires": time,
                "pubStatus": some.sampled_from(["usable", "withheld"]),
                "urgency": some.integers(1, 9),
                "located": _NAMES,
                "by": _NAMES,
                "usageTerms": texts,
                "copyrightNotice": some.sampled_from(["© A", "A & B"]),
                "edNote": texts,
                "description_text": texts,
                "slugline": some.sampled_from(["a-b", "US-Trams (CR)"]),
                "genres": some.sampled_from([[{"name": "Analysis"}], [{"name": "Interview"}, {"name": "x"}]]),
                "subjects": concepts(relevance=percentage, confidence=percentage),
                "people": concepts(),
                "places": concepts(geoJSON=point),
                "associations": some.lists(picture, max_size=1),
                "custom": some.sampled_from([1, {"a": ["b"]}]),
            },
        )
    )


@given(_sources())
@settings(suppress_health_check=[HealthCheck.too_slow], max_examples=100)
def test_every_field_is_the_same_after_export_and_import(source: dict[str, Any]) -> None:
    """Of items without properties that 3.2 does not have, except that a time of a hidden item is not one of
    publication, and that the items have a byline where they have authors."""
    (item,) = read_items("a.ninjs", json.dumps(source).encode())
    if "custom" in source:
        (written,) = json.loads(b"".join(write([document_of(item)], FEED)))
        assert written["custom"] == source["custom"]
        del source["custom"]
        (item,) = read_items("a.ninjs", json.dumps(source).encode())
    again = read_again(item)
    expected, actual = values_of(item), values_of(again)
    for values in (expected, actual):
        values["record"]["extra"] = values["record"]["extra"].get("ninjs", {})
        values["record"]["extra"] = {
            name: value
            for name, value in values["record"]["extra"].items()
            if name not in ("copyrightHolder", "infoSources", "_media", "title")
        }
    assert actual == expected


def test_properties_without_a_field_are_written_again() -> None:
    """Also of earlier generations, under the names of this one."""
    properties = {
        "profile": "text-only",
        "infoSources": [{"name": "Staff letter", "role": "citing"}],
        "trustIndicators": [{"role": "http://cv.iptc.org/newscodes/trustindicator/a", "title": "A"}],
        "digitalSourceType": {"uri": "http://cv.iptc.org/newscodes/digitalsourcetype/digitalCapture"},
        "rightsInfo": {"linkedRights": "https://example.org/rights"},
        "altIds": [{"role": "packagegroup", "value": "7"}],
    }
    values = {"uri": "urn:a:1", "headlines": [{"role": "main", "value": "A"}], "language": "en", **properties}
    lower = json.loads(json.dumps(values).replace("linkedRights", "linkedrights"))
    (item,) = read_items("a.ninjs", json.dumps({name.lower(): lower[name] for name in lower}).encode())
    (written,) = items_of(document_of(item))
    for name, value in properties.items():
        kept_objects = written[name][-1:] if isinstance(value, list) else written[name]
        assert kept_objects == value, name


@given(BODIES)
@settings(suppress_health_check=[HealthCheck.too_slow], max_examples=50)
def test_any_body_gives_a_valid_item(body: Any) -> None:
    """Bodies with blocks and marks of every kind."""
    items_of({"uri": "urn:a:1", "headline": "A", "body": {"html": render_html(body)}})


def test_corrections_and_sources_are_written() -> None:
    """Corrections as a note to editors, sources with the kind of attribution as their role, relays, too."""
    hop = {"kind": "CITING", "source": {"name": "Staff letter"}, "via": None}
    relay = {"kind": "ACCORDING_TO", "source": {"name": "Heron News"}}
    (item,) = items_of(
        {
            "uri": "urn:a:1",
            "headline": "A",
            "corrections": [{"kind": "CORRECTION", "text": "The fare is 6.00."}],
            "attributions": [{**hop, "chain": [hop, relay]}],
        }
    )
    assert item["edNote"] == "CORRECTION: The fare is 6.00."
    assert [(source["name"], source["role"]) for source in item["infoSources"]] == [
        ("Staff letter", "citing"),
        ("Heron News", "according_to"),
    ]


@pytest.mark.parametrize(
    ("status", "expected"),
    [("PUBLISHED", "usable"), ("WITHDRAWN", "canceled"), ("DRAFT", "withheld"), ("IN_REVIEW", "withheld")],
)
def test_only_published_articles_are_usable(status: str, expected: str) -> None:
    (item,) = items_of({"uri": "urn:a:1", "headline": "A", "status": status})
    assert item["pubStatus"] == expected


def test_empty_export_is_an_empty_array() -> None:
    assert items_of() == []
