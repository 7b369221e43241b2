"""JSON Lines: round trips of every record type, and errors with line numbers."""

from __future__ import annotations

import io

import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as some
from tests.support.text_marks import make_list

from contentql.content.blocks import Block, Heading, Paragraph, Quote
from contentql.content.enums import AttributionKind, MediaKind, SourceKind, TagType
from contentql.content.import_item import ImportItem
from contentql.content.records import (
    RECORD_TYPES,
    ArticleRecord,
    AttributionRecord,
    HistoryRecord,
    MediaRecord,
    Record,
    SourceRecord,
    SpanRecord,
    TagRecord,
)
from contentql.content.rich_text import Mark
from contentql.fixtures import DEMO_CONTENT
from contentql.formats import jsonl


def read_items(lines: bytes) -> list[ImportItem]:
    """The items of the file."""
    return list(jsonl.read_records(io.BytesIO(lines), "file.jsonl"))


def write_lines(*records: Record | HistoryRecord) -> bytes:
    """The JSON Lines of the records."""
    return b"".join(jsonl.write_records(records))


def article(**fields: object) -> bytes:
    """A line with an article."""
    record = {"record": "article", "slug": "a", "language": "en", "headline": "A", **fields}
    return orjson.dumps(record)


def error_in(line: bytes) -> str:
    """The error of the only line, which must have no record."""
    (item,) = read_items(line)
    assert item.record is None
    return item.error or ""


def test_demo_newsroom_file_is_canonical() -> None:
    """Reading and writing it gives the same bytes, and it contains every record type."""
    items = read_items(DEMO_CONTENT.read_bytes())
    assert [item.error for item in items if item.error] == []
    records = [item.record for item in items if item.record]
    assert b"".join(jsonl.write_records(records)) == DEMO_CONTENT.read_bytes()
    assert {type(record) for record in records} == set(RECORD_TYPES.values())


def test_lines_begin_with_the_record_type() -> None:
    """Also for records with a field `kind` or `type`."""
    records: list[Record] = [
        SourceRecord(slug="s", name="S", kind=SourceKind.AGENCY),
        MediaRecord(url="https://media.example.org/a.jpg", mime="image/jpeg", kind=MediaKind.IMAGE),
        TagRecord(type=TagType.PLACE, slug="t", name="T"),
    ]
    lines = write_lines(*records)
    assert lines.splitlines()[0] == b'{"record":"source","slug":"s","name":"S","kind":"AGENCY"}'
    assert [item.record for item in read_items(lines)] == records


texts = some.text(
    some.characters(exclude_categories=["Cc", "Cs"], include_characters="\n\t"), min_size=1, max_size=40
)
names = texts.map(lambda text: " ".join(text.split())).filter(bool)
block_ids = some.integers(1, 10**9).map(lambda number: f"blk_{number}")


@some.composite
def paragraphs(draw: some.DrawFn) -> Paragraph:
    text = draw(texts)
    start = draw(some.integers(0, len(text) - 1))
    mark = Mark(start=start, end=draw(some.integers(start + 1, len(text))), kind="em")
    return Paragraph(id=draw(block_ids), text=text, marks=draw(some.sampled_from([(), (mark,)])))


@some.composite
def articles(draw: some.DrawFn) -> ArticleRecord:
    first = draw(paragraphs())
    start = draw(some.integers(0, len(first.text) - 1))
    end = draw(some.integers(start + 1, len(first.text)))
    assert first.id is not None
    attribution_chain = None
    for number in range(draw(some.integers(1, 6))):
        span_fields = SpanRecord(block_id=first.id, start=start, end=end, exact=first.text[start:end])
        attribution_chain = AttributionRecord(
            id=number + 1,
            kind=AttributionKind.SAID,
            source="s",
            claim=draw(texts),
            span=span_fields,
            via=attribution_chain,
        )
    blocks: list[Block] = [first]
    further_blocks: list[Block] = [
        Heading(text=draw(texts)),
        make_list(items=(draw(texts),), ordered=draw(some.booleans())),
        Quote(text=draw(texts), attribution=1),
    ]
    return ArticleRecord(
        id=draw(some.integers(1, (1 << 63) - 1)),
        slug="a",
        language="en",
        headline=draw(names),
        summary=draw(some.none() | texts),
        published_at=draw(some.none() | some.datetimes(timezones=some.timezones())),
        blocks=tuple(blocks + draw(some.lists(some.sampled_from(further_blocks), max_size=3))),
        attributions=(attribution_chain,) if attribution_chain else (),
        extra=draw(some.dictionaries(names, some.integers(-10, 10) | texts | some.booleans() | some.none())),
    )


@settings(max_examples=60, deadline=None)
@given(articles())
def test_articles_round_trip(record: ArticleRecord) -> None:
    """A generated article is read as the same record and written as the same line."""
    line = write_lines(record)
    assert line.count(b"\n") == 1
    (item,) = read_items(line)
    assert (item.record, item.error) == (record, None)
    assert write_lines(*[item.record] if item.record else []) == line


def test_invalid_lines_are_reported_with_their_number() -> None:
    """The other lines are read."""
    lines = [article(slug=f"a-{n}") for n in range(1000)]
    lines[499] = lines[499][:-3]
    items = read_items(b"\n".join(lines))
    failed = [item for item in items if item.record is None]
    assert len(items) == 1000
    assert [item.location for item in failed] == ["file.jsonl:500"]
    assert (failed[0].error or "").startswith("not JSON: ")


def test_blank_lines_and_byte_order_marks_are_skipped() -> None:
    """Blank lines count in line numbers."""
    items = read_items(b"\xef\xbb\xbf" + article() + b"\r\n\r\n  \n" + article(slug="b"))
    assert [item.location for item in items] == ["file.jsonl:1", "file.jsonl:4"]
    assert all(item.record for item in items)


def test_unknown_fields_are_refused_by_name() -> None:
    """All of them, with a similar name; values of one's own are allowed in `extra`."""
    assert error_in(article(body="Text.", headlin="A")) == (
        "the article has unknown fields: 'body', 'headlin' (did you mean 'headline'?);"
        " the text of an article is in 'blocks', values of your own in 'extra'"
    )
    category = b'{"record": "category", "path": "a", "name": "A", "zebra": 1}'
    assert error_in(category) == "the category has an unknown field: 'zebra'"


def test_extra_fields_are_written_in_sorted_order() -> None:
    (item,) = read_items(article(extra={"zebra": [1, {"b": 1, "a": 2}], "b": True}))
    assert item.record is not None
    assert b'"extra":{"b":true,"zebra":[1,{"a":2,"b":1}]}' in write_lines(item.record)


def test_fractions_of_seconds_are_a_warning() -> None:
    """They are not stored; a fraction of zero loses nothing."""
    (item,) = read_items(
        article(
            publishedAt="2026-06-30T08:00:00.5Z",
            modifiedAt="2026-06-30T08:00:00.000Z",
            slugHistory=[{"language": "en", "slug": "b", "until": "2026-06-30T08:00:00.25+02:00"}],
            extra={"at": "2026-06-30T08:00:00.5Z"},
        )
    )
    assert [(warning.code, warning.field) for warning in item.warnings] == [
        ("CHANGED", ("publishedAt",)),
        ("CHANGED", ("slugHistory", "0", "until")),
    ]


RECORD_NAMES = "category, source, media, author, tag, story, article, collection"


@pytest.mark.parametrize(
    ("line", "text"),
    [
        (b"[]", 'a line must be an object, as in {"record": "article", \u2026}'),
        (
            b"{}",
            f"record must be one of {RECORD_NAMES}, not None",
        ),
        (
            b'{"record": ["article"]}',
            f"record must be one of {RECORD_NAMES}, not ['article']",
        ),
        (
            b'{"record": "article"}',
            "slug: Field required; language: Field required; headline: Field required",
        ),
        (b"\xff\xfe", "not JSON: "),
        (b'{"a": "\\u0000"}', "a has the control character U+0000"),
        (b'{"a":' * 65 + b"1" + b"}" * 65, "nested more than 64 levels deep"),
        (article(headline="two\nlines"), "headline: has a line break at character 4"),
        (article(id="cat_5"), "id: the id must look like art_123"),
        (article(publishedAt="2026-06-30"), "publishedAt: "),
        (article(publishedAt="2026-06-30T08:00:00"), "publishedAt: a time must have a time zone"),
        (article(status="LIVE"), "status: Input should be 'DRAFT'"),
        (article(blocks=[{"text": "no type"}]), "blocks[0]: a block is an object with a `type`"),
        (article(canonicalUrl="javascript:alert(1)"), "canonicalUrl: a link must begin with"),
        (
            b'{"record": "source", "slug": "s", "name": "S", "kind": "AGENCY", "x": 1}',
            "the source has an unknown field: 'x'",
        ),
    ],
)
def test_invalid_records_are_reported_with_field_and_reason(line: bytes, text: str) -> None:
    assert text in error_in(line)


def test_too_long_lines_are_rejected() -> None:
    """The next line is read."""
    items = read_items(b'"' + b"x" * (2 * jsonl.MAX_LINE) + b'"\n' + article())
    assert [item.error for item in items] == ["the line is longer than 8 MiB", None]
    assert items[1].location == "file.jsonl:2"


BLOCK = {"id": "blk_1", "type": "PARAGRAPH", "text": "🛶 \u201cSo she said.\u201d"}


def article_with_attribution(**span_fields: object) -> bytes:
    """A line with an article with one block and one attribution."""
    fields = {"kind": "SAID", "source": "s", **span_fields}
    return article(blocks=[BLOCK], attributions=[fields])


def span_fields(start: int, end: int, **fields: object) -> dict[str, object]:
    return {"blockId": "blk_1", "start": start, "end": end, **fields}


def test_spans_count_code_points() -> None:
    """A character outside the basic multilingual plane counts as one."""
    (item,) = read_items(article_with_attribution(span=span_fields(3, 15, exact="So she said.")))
    assert item.error is None


@pytest.mark.parametrize("field", ["span", "cueSpan", "sourceSpan"])
@pytest.mark.parametrize(
    ("span", "message"),
    [
        (span_fields(0, 17), "extends beyond its block blk_1"),
        (span_fields(3, 3), "extends beyond its block blk_1"),
        (span_fields(-1, 3), "greater than or equal to 0"),
        (
            span_fields(3, 15, exact="so she said"),
            "has the words 'so she said', but its block has other words there",
        ),
        ({"blockId": "blk_2", "start": 0, "end": 1}, "names block blk_2, which the article does not have"),
    ],
)
def test_spans_beyond_their_block_are_rejected(field: str, span: dict[str, object], message: str) -> None:
    """Holds for the spans of the claim, of the cue and of the source."""
    assert message in error_in(article_with_attribution(**{field: span}))


def attribution_chain(relays: int) -> dict[str, object]:
    """An attribution with the number of relays."""
    fields: dict[str, object] = {"kind": "REPORTED_BY", "source": "s"}
    for _ in range(relays):
        fields = {"kind": "TOLD", "source": "s", "via": fields}
    return fields


def test_chains_have_at_most_five_relays() -> None:
    """A sixth relay is rejected."""
    assert read_items(article(attributions=[attribution_chain(5)]))[0].error is None
    assert "a chain must have at most 5 relays" in error_in(article(attributions=[attribution_chain(6)]))


def test_source_is_required_unless_reported() -> None:
    """Only the kind REPORTED_BY has no source."""
    assert read_items(article(attributions=[{"kind": "REPORTED_BY"}]))[0].error is None
    assert "source is required unless kind is REPORTED_BY" in error_in(
        article(attributions=[{"kind": "SAID"}])
    )


@pytest.mark.parametrize("character", [*range(9), 0x0B, 0x0C, *range(0x0E, 0x20), *range(0x7F, 0xA0)])
def test_control_characters_are_refused_however_they_are_written(character: int) -> None:
    """Escaped, and as they are where JSON allows that."""
    escaped = b'{"record": "category", "path": "a", "name": "\\u%04x"}' % character
    lines = [escaped]
    if character >= 0x20:
        lines.append(escaped.replace(b"\\u%04x" % character, chr(character).encode()))
    if character in (8, 12):
        lines.append(escaped.replace(b"\\u%04x" % character, b"\\b" if character == 8 else b"\\f"))
    for line in lines:
        assert "control character" in error_in(line), line
