"""Times, numbers and slugs as inputs, in filters and in responses: exact, and equal on both databases."""

from __future__ import annotations

import datetime as dt
import io
import json
import struct
import unicodedata
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack
from fractions import Fraction
from typing import Any
from urllib.parse import quote

import orjson
import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from tests.conftest import NOW, Server
from tests.support.editorial_client import ANNA, HOUR, ROOT, EditorialClient, open_editorial_client

from contentql.content.blocks import Paragraph
from contentql.content.enums import Status, TagType
from contentql.content.records import ArticleRecord, CategoryRecord, MentionRecord, Record, TagRecord
from contentql.execution.request import GraphQLRequest
from contentql.formats import jsonl
from contentql.importing.importer import import_records
from contentql.store.sqlite_functions import float_text

FIRST = NOW - HOUR
WORD = "são-tomé"
ARTICLES = [
    ArticleRecord(
        id=1_000 + n,
        slug=f"second-{n}",
        language="en",
        headline=f"Second {n}",
        status=Status.PUBLISHED,
        published_at=FIRST + n * dt.timedelta(seconds=1),
        category="politics",
        blocks=(Paragraph(id="blk_1", text="Text."),),
    )
    for n in range(5)
]
EXTRA: list[Record] = [
    *ARTICLES,
    CategoryRecord(id=901, path=WORD, name="São Tomé"),
    CategoryRecord(id=902, path=f"{WORD}/été", name="Été"),
    TagRecord(id=903, type=TagType.PLACE, slug="łódź", name="Łódź"),
    ArticleRecord(
        id=904,
        slug="дом-é",
        language="en",
        headline="Name in another script",
        status=Status.PUBLISHED,
        published_at=NOW - 2 * HOUR,
        category=f"{WORD}/été",
        tags=(MentionRecord(tag="PLACE:łódź"),),
        blocks=(Paragraph(id="blk_1", text="Text."),),
    ),
]
MANY = settings(max_examples=40, deadline=None, suppress_health_check=list(HealthCheck))


@pytest.fixture(scope="module")
async def newsrooms(
    sqlite_server: Server, postgres_server: Server
) -> AsyncIterator[tuple[EditorialClient, EditorialClient]]:
    """Newsrooms with the same content on SQLite and PostgreSQL."""
    async with AsyncExitStack() as stack:
        both = [
            await stack.enter_async_context(open_editorial_client(server, *EXTRA))
            for server in (sqlite_server, postgres_server)
        ]
        yield both[0], both[1]


Newsrooms = tuple[EditorialClient, EditorialClient]


async def response(newsrooms: Newsrooms, query: str, **variables: Any) -> Any:
    """The data of the response, which is the same in all newsrooms."""
    request = GraphQLRequest(query, None, variables)
    bodies = {(await newsroom.executor.execute(request)).body for newsroom in newsrooms}
    assert len(bodies) == 1, bodies
    result = orjson.loads(bodies.pop())
    assert "errors" not in result, result
    return result["data"]


# Times

COMPARE: dict[str, Callable[[Fraction, Fraction], bool]] = {
    "eq": lambda a, b: a == b,
    "ne": lambda a, b: a != b,
    "lt": lambda a, b: a < b,
    "lte": lambda a, b: a <= b,
    "gt": lambda a, b: a > b,
    "gte": lambda a, b: a >= b,
}
FRACTIONS = st.one_of(
    st.sampled_from(["", ".0", ".000", ".500", ".001", ".999", ".000000001", ".9999999999"]),
    st.text("0123456789", min_size=1, max_size=12).map(lambda digits: f".{digits}"),
)
ZONES = st.sampled_from([("Z", 0), ("z", 0), ("+00:00", 0), ("+05:30", 330), ("-11:00", -660)])


def written(second: int, fraction: str, zone: tuple[str, int]) -> tuple[str, Fraction]:
    """A time as text, and in seconds after FIRST."""
    local = FIRST + dt.timedelta(seconds=second, minutes=zone[1])
    return f"{local:%Y-%m-%dT%H:%M:%S}{fraction}{zone[0]}", second + Fraction(f"0{fraction or '.0'}")


TIMES = st.builds(written, st.integers(-1, 5), FRACTIONS, ZONES)


@MANY
@given(time=TIMES, operator=st.sampled_from(sorted(COMPARE)), negated=st.booleans(), in_text=st.booleans())
@example(time=written(2, ".500", ("Z", 0)), operator="eq", negated=False, in_text=False)
async def test_time_filters_compare_fractions_of_a_second_exactly(
    newsrooms: Newsrooms, time: tuple[str, Fraction], operator: str, negated: bool, in_text: bool
) -> None:
    text, bound = time
    value = f'"{text}"' if in_text else "$time"
    condition = f"publishedAt: {{{operator}: {value}}}"
    condition = f"not: {{{condition}}}" if negated else condition
    declared = "" if in_text else "($time: DateTime)"
    query = (
        f'query{declared} {{ articles(filter: {{slug: {{startsWith: "second"}}, {condition}}}, first: 9)'
        " { totalCount nodes { slug } } }"
    )
    data = await response(newsrooms, query, **({} if in_text else {"time": text}))
    expected = [
        f"second-{n}" for n in range(4, -1, -1) if COMPARE[operator](Fraction(n), bound) is not negated
    ]
    assert [node["slug"] for node in data["articles"]["nodes"]] == expected
    assert data["articles"]["totalCount"] == len(expected)


@MANY
@given(times=st.lists(TIMES, max_size=4), operator=st.sampled_from(["in", "notIn"]))
async def test_lists_of_times_contain_fractions_of_a_second_exactly(
    newsrooms: Newsrooms, times: list[tuple[str, Fraction]], operator: str
) -> None:
    query = (
        'query($times: [DateTime!]) { articles(filter: {slug: {startsWith: "second"}, publishedAt:'
        f" {{{operator}: $times}}}}, first: 9) {{ nodes {{ slug }} }} }}"
    )
    data = await response(newsrooms, query, times=[text for text, _ in times])
    bounds = {bound for _, bound in times}
    expected = [f"second-{n}" for n in range(4, -1, -1) if (Fraction(n) in bounds) is (operator == "in")]
    assert [node["slug"] for node in data["articles"]["nodes"]] == expected


@pytest.mark.parametrize("text", ["0001-01-01T00:00:00.5Z", "9999-12-31T23:59:59.999999999Z"])
async def test_the_first_and_last_times_have_fractions(newsrooms: Newsrooms, text: str) -> None:
    query = (
        "query($time: DateTime) { before: articles(filter: {publishedAt: {lt: $time}}) { totalCount }"
        " after: articles(filter: {publishedAt: {gte: $time}}) { totalCount } all: articles { totalCount } }"
    )
    counts = {
        name: page["totalCount"] for name, page in (await response(newsrooms, query, time=text)).items()
    }
    is_first = text.startswith("0001")
    assert counts["all"] == counts["after" if is_first else "before"] > 0
    assert counts["before" if is_first else "after"] == 0


async def test_times_that_mutations_store_lose_their_fraction(newsroom: EditorialClient) -> None:
    id = await newsroom.create_draft(embargoUntil="2031-06-30T08:00:02.999999999Z")
    data = await newsroom.query("query($id: ID!) { article(id: $id) { embargoUntil } }", ANNA, id=id)
    assert data == {"article": {"embargoUntil": "2031-06-30T08:00:02Z"}}


async def test_filters_in_payloads_of_mutations_compare_fractions_exactly(newsroom: EditorialClient) -> None:
    """A variable of a mutation has its fraction in a filter, and none where it is stored."""
    document = (
        "mutation($id: ID!, $time: DateTime) { updateArticle(input: {id: $id, expiresAt: $time}) { article {"
        " expiresAt category { same: articles(filter: {expiresAt: {eq: $time}}) { totalCount }"
        " before: articles(filter: {expiresAt: {lt: $time}}) { totalCount } } } } }"
    )
    id = await newsroom.create_published(category="world")
    data = await newsroom.query(document, ANNA, id=id, time="2031-06-30T08:00:02.5Z")
    category = {"same": {"totalCount": 0}, "before": {"totalCount": 1}}
    assert data["updateArticle"]["article"] == {"expiresAt": "2031-06-30T08:00:02Z", "category": category}


# Whole numbers


@pytest.mark.parametrize("bytes", [0, 2_147_483_647, 2_147_483_648, 5_368_709_120, (1 << 53) - 1])
@pytest.mark.parametrize("in_text", [True, False])
async def test_bytes_have_more_than_32_bits(newsroom: EditorialClient, bytes: int, in_text: bool) -> None:
    declared, value = ("", str(bytes)) if in_text else ("($bytes: Long)", "$bytes")
    document = (
        f'mutation{declared} {{ updateMedia(input: {{id: "med_302", bytes: {value}}})'
        " { media { bytes } userErrors { message } } }"
    )
    data = await newsroom.query(document, ANNA, **({} if in_text else {"bytes": bytes}))
    assert data["updateMedia"] == {"media": {"bytes": bytes}, "userErrors": []}


@pytest.mark.parametrize("bytes", [-1, 1 << 53, (1 << 63) - 1, 1 << 63, -(1 << 70)])
async def test_bytes_that_no_client_reads_exactly_are_refused(newsroom: EditorialClient, bytes: int) -> None:
    assert await newsroom.mutate_codes("updateMedia", id="med_302", bytes=bytes) == {("INVALID", "bytes")}


@pytest.mark.parametrize("value", ['"12"', "1.5", "true", "[1, 2]", "A"])
async def test_a_long_is_a_whole_number(newsroom: EditorialClient, value: str) -> None:
    document = f'mutation {{ updateMedia(input: {{id: "med_302", bytes: {value}}}) {{ media {{ id }} }} }}'
    result = await newsroom.execute(document, ANNA)
    assert result["errors"][0]["extensions"]["code"] == "GRAPHQL_VALIDATION_FAILED"


INT_FIELDS: dict[str, tuple[dict[str, Any], str]] = {
    "media width": ({"record": "media", "id": "med_77"}, "width"),
    "media height": ({"record": "media", "id": "med_77"}, "height"),
    "rendition width": ({"record": "media", "id": "med_77"}, "renditions.width"),
    "rendition bitrate": ({"record": "media", "id": "med_77"}, "renditions.bitrate"),
    "category position": ({"record": "category", "path": "far", "name": "Far"}, "position"),
    "collection maxItems": ({"record": "collection", "slug": "far", "title": "Far"}, "maxItems"),
    "article urgency": ({"record": "article"}, "urgency"),
    "article version": ({"record": "article"}, "version"),
    "article storyPosition": ({"record": "article"}, "storyPosition"),
    "tag relevance": ({"record": "article", "tags": [{"tag": "PLACE:pyongyang"}]}, "tags.relevance"),
}
COMPLETE = {
    "media": {"kind": "IMAGE", "url": "https://media.example.org/77.jpg", "mime": "image/jpeg"},
    "article": {"slug": "far", "language": "en", "headline": "Far"},
}


@pytest.mark.parametrize("name", INT_FIELDS)
@pytest.mark.parametrize("number", [1 << 31, 1 << 40, 1 << 64, -(1 << 31) - 1])
async def test_imports_refuse_numbers_outside_of_int(
    newsroom: EditorialClient, name: str, number: int
) -> None:
    record, field = INT_FIELDS[name]
    record = {**COMPLETE.get(record["record"], {}), **record}
    outer, _, inner = field.rpartition(".")
    if outer == "renditions":
        record["renditions"] = [
            {"url": "https://media.example.org/1.jpg", "mime": "image/jpeg", inner: number}
        ]
    elif outer:
        record[outer] = [{**record[outer][0], inner: number}]
    else:
        record[inner] = number
    items = list(jsonl.read_records(io.BytesIO(json_line(record)), "file"))
    async with newsroom.unchanged():
        report = await import_records(newsroom.database, items, now=NOW)
    assert [outcome.result for outcome in report.outcomes] == ["failed"]
    assert inner in report.outcomes[0].reason


def json_line(record: dict[str, Any]) -> bytes:
    return json.dumps(record).encode()


async def test_versions_after_the_highest_imported_one_are_numbers_of_int(newsroom: EditorialClient) -> None:
    record = {
        **COMPLETE["article"],
        "record": "article",
        "slug": "last",
        "id": "art_1999",
        "version": 1_000_000_000,
    }
    items = list(jsonl.read_records(io.BytesIO(json_line(record)), "file"))
    report = await import_records(newsroom.database, items, now=NOW)
    assert [outcome.result for outcome in report.outcomes] == ["created"]
    article = await newsroom.mutate_ok("updateArticle", ROOT, id="art_1999", headline="Next")
    assert article["version"] == 1_000_000_001


# Floats

FLOATS = st.one_of(
    st.floats(0, allow_nan=False, allow_infinity=False),
    st.integers(0, (1 << 64) - 1)
    .map(lambda bits: struct.unpack("d", struct.pack("Q", bits))[0])
    .filter(lambda number: 0 <= number < float("inf")),
    st.integers(0, 10**17).map(float),
)


@settings(MANY, max_examples=100)
@given(number=FLOATS)
@example(number=0.1 + 0.2)
@example(number=-0.0)
@example(number=1e15)
@example(number=1234567890123456.0)
@example(number=999999999999999.9)
@example(number=1e16)
@example(number=1e-05)
@example(number=4.50440272087401e16)
@example(number=9007199254740994.0)
@example(number=2.0**70)
@example(number=5e-324)
@example(number=1.7976931348623157e308)
async def test_floats_are_returned_exactly_and_alike(newsroom: EditorialClient, number: float) -> None:
    """PostgreSQL writes floats like `float_text`, so that both databases give the same text."""
    payload = await newsroom.mutate_ok(
        "updateMedia", id="med_302", duration=number, selection="media { duration }"
    )
    assert payload == {"duration": number}  # read by the connection that writes
    request = GraphQLRequest('{ node(id: "med_302") { ... on Media { duration } } }', None, {})
    expected = f'{{"data":{{"node":{{"duration":{float_text(number + 0.0)}}}}}}}'
    assert (await newsroom.executor.execute(request, actor=ANNA)).body.decode() == expected
    assert float(float_text(number) or "") == number


@pytest.mark.parametrize(
    ("number", "text"),
    [(5.0, "5"), (0.1, "0.1"), (1e15, "1e+15"), (-1.5e15, "-1.5e+15"), (1e22, "1e+22"), (1e-7, "1e-07")],
)
def test_text_of_floats(number: float, text: str) -> None:
    assert float_text(number) == text


@pytest.mark.parametrize("number", ["NaN", "Infinity", "-Infinity", "1e999"])
@pytest.mark.parametrize(
    ("fields", "field"),
    [
        ({"record": "media", "id": "med_77", **COMPLETE["media"]}, "duration"),
        ({"record": "media", "id": "med_77", **COMPLETE["media"], "focalY": 0}, "focalX"),
        ({"record": "tag", "type": "PLACE", "slug": "far", "name": "Far", "longitude": 0}, "latitude"),
    ],
)
async def test_imports_refuse_numbers_that_are_not_finite(
    newsroom: EditorialClient, fields: dict[str, Any], field: str, number: str
) -> None:
    line = orjson.dumps(fields)[:-1] + f',"{field}":{number}}}'.encode()
    async with newsroom.unchanged():
        report = await import_records(
            newsroom.database, list(jsonl.read_records(io.BytesIO(line), "file")), now=NOW
        )
    assert [outcome.result for outcome in report.outcomes] == ["failed"]


# Slugs and paths

FORMS: list[Callable[[str], str]] = [
    str,
    lambda text: unicodedata.normalize("NFD", text),
    lambda text: quote(text, safe="/"),
    lambda text: quote(text, safe=""),
    lambda text: quote(unicodedata.normalize("NFD", text), safe="/").lower(),
    lambda text: text[:2] + quote(text[2:]),
]


@pytest.mark.parametrize("form", FORMS)
async def test_slugs_and_paths_are_found_as_they_stand_in_urls(
    newsrooms: Newsrooms, form: Callable[[str], str]
) -> None:
    query = """query($slug: String!, $path: String!, $root: String!, $tag: String!) {
        article(slug: $slug) { slug }
        best: article(slug: $slug, languages: ["en"]) { slug }
        category(path: $path) { path }
        tag(slug: $tag, type: PLACE) { slug }
        latestNews(section: $path) { nodes { slug } }
        under: articles(filter: {category: {under: $root}}) { nodes { slug } }
        eq: articles(filter: {slug: {eq: $slug}}) { nodes { slug } }
        some: articles(filter: {categories: {some: {path: {in: [$path]}}}}) { nodes { slug } }
        ne: categories(filter: {path: {ne: $path, startsWith: $root}}) { nodes { path } }
        part: tags(filter: {slug: {contains: $tag, lte: $tag, notIn: ["a"]}}) { nodes { slug } }
    }"""
    slug, path = "дом-é", f"{WORD}/été"
    data = await response(
        newsrooms, query, slug=form(slug), path=form(path), root=form(WORD), tag=form("łódź")
    )
    page = {"nodes": [{"slug": slug}]}
    assert data == {
        "article": {"slug": slug},
        "best": {"slug": slug},
        "category": {"path": path},
        "tag": {"slug": "łódź"},
        "latestNews": page,
        "under": page,
        "eq": page,
        "some": page,
        "ne": {"nodes": [{"path": WORD}]},
        "part": {"nodes": [{"slug": "łódź"}]},
    }


@pytest.mark.parametrize("form", FORMS)
async def test_mutations_take_slugs_and_paths_as_they_stand_in_urls(
    newsroom: EditorialClient, form: Callable[[str], str]
) -> None:
    if not await newsroom.table("SELECT slug FROM tag WHERE slug = 'łódź'"):
        await newsroom.mutate_ok("createCategory", name="Été", parent="world", slug="été")
        await newsroom.mutate_ok("createTag", name="Łódź", type="PLACE", slug="łódź")
    article = await newsroom.mutate_ok(
        "createArticle",
        selection="article { category { path } tags { slug } }",
        headline="Somewhere",
        category=form("world/été"),
        tags=[{"tag": form("łódź")}],
        body={"text": "Text."},
    )
    assert article == {"category": {"path": "world/été"}, "tags": [{"slug": "łódź"}]}


@pytest.mark.parametrize("slug", ["%", "%zz", "100%", "%00", "%ff", "%E3%28", "%25", "a%2", "\0"])
async def test_unusual_slugs_find_nothing(newsrooms: Newsrooms, slug: str) -> None:
    query = (
        "query($slug: String) { article(slug: $slug) { slug }"
        " articles(filter: {slug: {eq: $slug}}) { totalCount } }"
    )
    assert await response(newsrooms, query, slug=slug) == {"article": None, "articles": {"totalCount": 0}}


@pytest.mark.parametrize("form", ["NFC", "NFD"])
async def test_imported_slugs_are_stored_in_one_form(newsroom: EditorialClient, form: str) -> None:
    """A record with a slug in NFD changes the row with the same slug in NFC."""
    word = unicodedata.normalize(form, "málaga")  # type: ignore[arg-type]
    records: list[dict[str, Any]] = [
        {"record": "category", "path": word, "name": "Málaga"},
        {"record": "tag", "type": "PLACE", "slug": word, "name": "Málaga"},
        {"record": "source", "slug": word, "name": "Málaga", "kind": "OTHER"},
        {"record": "author", "slug": word, "name": "Málaga"},
        {"record": "story", "slug": word, "title": "Málaga"},
        {**COMPLETE["article"], "record": "article", "slug": word, "category": word, "story": word},
    ]
    lines = b"\n".join(map(json_line, records))
    report = await import_records(
        newsroom.database, list(jsonl.read_records(io.BytesIO(lines), "file")), now=NOW
    )
    assert "failed" not in {outcome.result for outcome in report.outcomes}, report
    for table in ("category", "tag", "source", "author", "story", "article"):
        rows = await newsroom.table(f"SELECT slug FROM {table} WHERE slug LIKE 'm%laga'")
        assert rows == [("málaga",)], table
