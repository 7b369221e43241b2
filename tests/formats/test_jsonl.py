"""JSON Lines: round trips of every record type, and errors with line numbers."""

from __future__ import annotations

import io

import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as some

from contentql.content.blocks import Block, Heading, List, Mark, Paragraph, Quote
from contentql.content.enums import AttributionKind, MediaKind, SourceKind, TagType
from contentql.content.records import (
    RECORD_TYPES,
    ArticleRecord,
    AttributionRecord,
    ImportItem,
    MediaRecord,
    Record,
    SourceRecord,
    SpanRecord,
    TagRecord,
)
from contentql.fixtures import DEMO_CONTENT
from contentql.formats import jsonl


def read(lines: bytes) -> list[ImportItem]:
    return list(jsonl.read_records(io.BytesIO(lines), "file.jsonl"))


def written(*records: Record) -> bytes:
    return b"".join(jsonl.write_records(records))


def article(**fields: object) -> bytes:
    input = {"record": "article", "slug": "a", "language": "en", "headline": "A", **fields}
    return orjson.dumps(input)


def error_in(line: bytes) -> str:
    (item,) = read(line)
    assert item.record is None
    return item.error or ""


def test_the_demo_newsroom_is_in_canonical_spelling() -> None:
    """Reading and writing it again gives the same bytes, and every kind of record is there."""
    items = read(DEMO_CONTENT.read_bytes())
    assert [item.error for item in items if item.error] == []
    records = [item.record for item in items if item.record]
    assert b"".join(jsonl.write_records(records)) == DEMO_CONTENT.read_bytes()
    assert {type(record) for record in records} == set(RECORD_TYPES.values())


def test_a_record_says_first_what_it_is() -> None:
    """Also where it has a `kind` or `type` of its own."""
    records: list[Record] = [
        SourceRecord(slug="s", name="S", kind=SourceKind.AGENCY),
        MediaRecord(url="https://media.example.org/a.jpg", mime="image/jpeg", kind=MediaKind.IMAGE),
        TagRecord(type=TagType.PLACE, slug="t", name="T"),
    ]
    lines = written(*records)
    assert lines.splitlines()[0] == b'{"record":"source","slug":"s","name":"S","kind":"AGENCY"}'
    assert [item.record for item in read(lines)] == records


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
    chain = None
    for number in range(draw(some.integers(1, 6))):
        span = SpanRecord(block_id=first.id, start=start, end=end, exact=first.text[start:end])
        chain = AttributionRecord(
            id=number + 1, kind=AttributionKind.SAID, source="s", claim=draw(texts), span=span, via=chain
        )
    blocks: list[Block] = [first]
    more: list[Block] = [
        Heading(text=draw(texts)),
        List(items=(draw(texts),), ordered=draw(some.booleans())),
        Quote(text=draw(texts), attribution=1),
    ]
    return ArticleRecord(
        id=draw(some.integers(1, (1 << 63) - 1)),
        slug="a",
        language="en",
        headline=draw(names),
        summary=draw(some.none() | texts),
        published_at=draw(some.none() | some.datetimes(timezones=some.timezones())),
        blocks=tuple(blocks + draw(some.lists(some.sampled_from(more), max_size=3))),
        attributions=(chain,) if chain else (),
        extra=draw(some.dictionaries(names, some.integers(-10, 10) | texts | some.booleans() | some.none())),
    )


@settings(max_examples=60, deadline=None)
@given(articles())
def test_any_article_comes_back_the_same(record: ArticleRecord) -> None:
    """Whatever an article holds, its line is read as the same article and written as the same line."""
    line = written(record)
    assert line.count(b"\n") == 1
    (item,) = read(line)
    assert (item.record, item.error) == (record, None)
    assert written(*[item.record] if item.record else []) == line


def test_one_broken_line_of_a_thousand() -> None:
    """The others are read, and the broken one is named with its line."""
    lines = [article(slug=f"a-{n}") for n in range(1000)]
    lines[499] = lines[499][:-3]
    items = read(b"\n".join(lines))
    bad = [item for item in items if item.record is None]
    assert len(items) == 1000
    assert [item.location for item in bad] == ["file.jsonl:500"]
    assert (bad[0].error or "").startswith("not JSON: ")


def test_blank_lines_and_a_byte_order_mark_are_nothing() -> None:
    """They are passed over, and lines are counted as an editor counts them."""
    items = read(b"\xef\xbb\xbf" + article() + b"\r\n\r\n  \n" + article(slug="b"))
    assert [item.location for item in items] == ["file.jsonl:1", "file.jsonl:4"]
    assert all(item.record for item in items)


def test_unknown_fields_of_an_article_are_kept() -> None:
    """They go under `extra`, in one order, and out again with it."""
    (item,) = read(article(zebra=[1, {"b": 1, "a": 2}], extra={"kept": True}))
    assert isinstance(item.record, ArticleRecord)
    assert item.record.extra == {"kept": True, "zebra": [1, {"a": 2, "b": 1}]}
    assert b'"extra":{"kept":true,"zebra":[1,{"a":2,"b":1}]}' in written(item.record)


KINDS = "category, source, media, author, tag, story, article, collection"


@pytest.mark.parametrize(
    ("line", "text"),
    [
        (b"[]", 'a line must be an object, as in {"record": "article", \u2026}'),
        (
            b"{}",
            f"record must be one of {KINDS}, not None",
        ),
        (
            b'{"record": ["article"]}',
            f"record must be one of {KINDS}, not ['article']",
        ),
        (
            b'{"record": "article"}',
            "slug: Field required; language: Field required; headline: Field required",
        ),
        (b"\xff\xfe", "not JSON: "),
        (b'{"a": "\\u0000"}', "a has the control character U+0000"),
        (b'{"a":' * 65 + b"1" + b"}" * 65, "nested more than 64 levels deep"),
        (article(headline="two\nlines"), "headline: String should match pattern"),
        (article(id="cat_5"), "id: the id must look like art_123"),
        (article(publishedAt="2026-06-30"), "publishedAt: "),
        (article(publishedAt="2026-06-30T08:00:00"), "publishedAt: a time must have a time zone"),
        (article(status="LIVE"), "status: Input should be 'DRAFT'"),
        (article(blocks=[{"text": "no type"}]), "blocks[0]: a block is an object with a `type`"),
        (article(canonicalUrl="javascript:alert(1)"), "canonicalUrl: a link must begin with"),
        (b'{"record": "source", "slug": "s", "name": "S", "kind": "AGENCY", "x": 1}', "x: Extra inputs"),
    ],
)
def test_what_is_no_record(line: bytes, text: str) -> None:
    """The fault says where in the record, and why."""
    assert text in error_in(line)


def test_a_line_too_long_is_never_held_whole() -> None:
    """It is refused, and the next one is read."""
    items = read(b'"' + b"x" * (2 * jsonl.MAX_LINE) + b'"\n' + article())
    assert [item.error for item in items] == ["the line is longer than 8 MiB", None]
    assert items[1].location == "file.jsonl:2"


BLOCK = {"id": "blk_1", "type": "PARAGRAPH", "text": "🛶 \u201cSo she said.\u201d"}


def attributed(**span: object) -> bytes:
    fields = {"kind": "SAID", "source": "s", **span}
    return article(blocks=[BLOCK], attributions=[fields])


def span(start: int, end: int, **more: object) -> dict[str, object]:
    return {"blockId": "blk_1", "start": start, "end": end, **more}


def test_spans_count_code_points() -> None:
    """A character outside the first plane counts as one, as in Python and Unicode, not as two."""
    (item,) = read(attributed(span=span(3, 15, exact="So she said.")))
    assert item.error is None


@pytest.mark.parametrize("place", ["span", "cueSpan", "sourceSpan"])
@pytest.mark.parametrize(
    ("expected", "why"),
    [
        (span(0, 17), "extends beyond its block blk_1"),
        (span(3, 3), "extends beyond its block blk_1"),
        (span(-1, 3), "greater than or equal to 0"),
        (
            span(3, 15, exact="so she said"),
            "has the words 'so she said', but its block has other words there",
        ),
        ({"blockId": "blk_2", "start": 0, "end": 1}, "names block blk_2, which the article does not have"),
    ],
)
def test_spans_stay_within_their_block(place: str, expected: dict[str, object], why: str) -> None:
    """Of whatever the span marks: the claim's words, the cue or the source's name."""
    assert why in error_in(attributed(**{place: expected}))


def chain(hops: int) -> dict[str, object]:
    fields: dict[str, object] = {"kind": "REPORTED_BY", "source": "s"}
    for _ in range(hops):
        fields = {"kind": "TOLD", "source": "s", "via": fields}
    return fields


def test_chains_have_at_most_five_relays() -> None:
    """Five hops from the origin to the reader are kept, a sixth is refused."""
    assert read(article(attributions=[chain(5)]))[0].error is None
    assert "a chain must have at most 5 relays" in error_in(article(attributions=[chain(6)]))


def test_only_a_report_may_leave_its_source_open() -> None:
    """ "It was reported" names no source; every other kind has one."""
    assert read(article(attributions=[{"kind": "REPORTED_BY"}]))[0].error is None
    assert "source is required unless kind is REPORTED_BY" in error_in(
        article(attributions=[{"kind": "SAID"}])
    )
