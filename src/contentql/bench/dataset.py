"""Generated content of any size, deterministic, loaded with bulk inserts.

Fills a migrated, empty database. Search terms are generated only with `--search`: no workload reads them, and
they take longer than everything else.
"""

from __future__ import annotations

import asyncio
import datetime as dt
import random
import sqlite3
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import closing
from html import escape
from itertools import starmap
from typing import Any

import asyncpg
import orjson

from contentql.bench.dataset_search import search_terms_of
from contentql.content.derive import sort_key
from contentql.content.search_terms import SearchTerms, name_words
from contentql.content.timestamps import format_timestamp
from contentql.store.errors import DatabaseKind, postgres_dsn, sqlite_path
from contentql.store.search_index import INSERT_POSTGRES, INSERT_SQLITE, postgres_row, sqlite_row

DATASET_VERSION = 2  # of the generated rows; databases with other versions are not reused
SOURCES = 500
TAGS = 2_000
END = dt.datetime(2026, 6, 30, 8, tzinfo=dt.UTC)
YEARS = 3

ROOTS = ("Politics", "Business", "World", "Sport", "Culture", "Science", "Technology", "Life")
DESKS = ("National", "Europe", "Africa", "Americas", "Asia", "Money", "People")

Rows = list[tuple[Any, ...]]

TABLE_COLUMNS: Mapping[str, tuple[str, ...]] = {
    "category": (
        "id", "parent_id", "slug", "path", "depth", "position", "name", "names", "sort_name",
    ),
    "source": ("id", "slug", "name", "sort_name", "search_words", "kind", "aliases", "country", "homepage"),
    "tag": ("id", "type", "slug", "name", "names", "sort_name", "search_words", "aliases", "codes"),
    "media": (
        "id", "kind", "url", "mime", "width", "height", "bytes", "alt", "caption", "credit", "expires_at",
        "renditions", "created_at",
    ),
    "article": (
        "id", "uri", "slug", "language", "status", "content_type", "access", "urgency", "published_at",
        "first_published_at", "updated_at", "modified_at", "category_id", "lead_media_id", "headline", "lede",
        "sort_headline", "summary", "byline", "word_count", "reading_minutes", "extra",
    ),
    "article_body": ("article_id", "blocks", "html", "markdown", "text"),
    "article_section": ("id", "article_id", "category_id", "direct", "position", "published_at"),
    "article_tag": ("id", "article_id", "tag_id", "position", "published_at"),
    "article_media": ("id", "article_id", "media_id", "position", "role"),
    "attribution": (
        "id", "article_id", "kind", "source_id", "via_id", "head_id", "hop", "origin_id", "position", "claim",
        "made_by", "state", "verification",
    ),
}  # fmt: skip

# Tables with up to millions of rows, whose indexes are created after the load.
BIG = ("media", "article", "article_body", "article_section", "article_tag", "article_media", "attribution")


def section_paths() -> list[str]:
    """The 64 sections: every root section followed by its children."""
    return [path for root in ROOTS for path in (root.lower(), *(f"{root}/{desk}".lower() for desk in DESKS))]


def article_slug(article: int) -> str:
    """Slug of the article with index `article`, from 0 for the oldest."""
    first, second, third = article % 61, article // 61 % 59, article * 31 % 53
    return f"{_WORDS[first]}-{_WORDS[60 + second]}-{_WORDS[third]}-{article}"


def is_draft(article: int) -> bool:
    """True for one article in twenty."""
    return article % 20 == article // 20 * 7 % 20


def published_count(articles: int) -> int:
    """Number of published articles among that many."""
    return articles - sum(map(is_draft, range(articles)))


async def load_dataset(
    url: str, articles: int, *, search: bool = False, progress: Callable[[int], object] = int
) -> None:
    """Loads the content into the migrated, empty database at `url`; `progress` receives the number of
    articles loaded."""
    if url.startswith("sqlite:"):
        await asyncio.to_thread(_load_sqlite, url, articles, search, progress)
    else:
        await _load_postgres(url, articles, search, progress)


def base_rows(dialect: DatabaseKind, articles: int) -> Iterator[tuple[str, Rows]]:
    """Categories, sources, tags and media, in the order of their foreign keys."""
    yield "category", [_category(root, None) for root in range(len(ROOTS))]
    yield "category", [_category(root, desk) for root in range(len(ROOTS)) for desk in range(len(DESKS))]
    yield "source", [_source(index) for index in range(SOURCES)]
    yield "tag", [_tag(index) for index in range(TAGS)]
    instant = _instants(dialect)
    count = media_count(articles)
    for start in range(0, count, 10_000):
        yield "media", [_media(index, instant) for index in range(start, min(count, start + 10_000))]


def media_count(articles: int) -> int:
    return max(3, articles // 2)


def article_rows(dialect: DatabaseKind, articles: int) -> Iterator[dict[str, Rows]]:
    """Articles with all dependent rows, oldest first, in batches of a thousand."""
    instant = _instants(dialect)
    rng = random.Random(articles)
    paragraphs = _paragraphs()
    claims = [_sentence(rng, 9, 16) for _ in range(997)]
    summaries = [f"{_sentence(rng, 10, 16)} {_sentence(rng, 8, 14)}" for _ in range(1_999)]
    categories = [
        _category_id(root, desk) for root in range(len(ROOTS)) for desk in (None, *range(len(DESKS)))
    ]
    media, step = media_count(articles), YEARS * 365 * 86_400 // articles
    start = int(END.timestamp()) - YEARS * 365 * 86_400

    def randbelow(end: int) -> int:
        return int(rng.random() * end)

    for first in range(0, articles, 1_000):
        rows: dict[str, Rows] = {
            table: [] for table in TABLE_COLUMNS if table.startswith(("article", "attribution"))
        }
        for index in range(first, min(articles, first + 1_000)):
            article, first_id = _id(index), _id(index * 8)
            modified_at = instant(start + index * step + index * 7_919 % step)
            draft = is_draft(index)
            published_at = None if draft else modified_at
            section = randbelow(64)
            root = section // 8 * 8
            body = [paragraphs[randbelow(len(paragraphs))] for _ in range(6)]
            lead, other = randbelow(media), randbelow(media - 1)
            rows["article"].append((
                article, f"https://newsroom.example/{article}", article_slug(index), "en",
                "DRAFT" if draft else "PUBLISHED", _TYPES[randbelow(len(_TYPES))], "FREE", 1 + randbelow(9),
                published_at, published_at, published_at, modified_at, categories[section], _id(lead),
                headline := _headline(index), claims[randbelow(997)], sort_key(headline),
                summaries[randbelow(1_999)],
                f"By {_NAMES[randbelow(len(_NAMES))]}", sum(p.words for p in body), 3, "{}",
            ))  # fmt: skip
            rows["article_body"].append((
                article,
                "[" + ",".join([f'{{"id":"p{i}",{p.block}' for i, p in enumerate(body)]) + "]",
                "\n".join([p.html for p in body]),
                "\n\n".join([p.text for p in body]),
                "\n\n".join([p.text for p in body]),
            ))  # fmt: skip
            rows["article_section"].append((first_id, article, categories[section], True, 0, published_at))
            if section != root:
                rows["article_section"].append(
                    (first_id + 1, article, categories[root], False, 0, published_at)
                )
            tag, gap = randbelow(TAGS), 1 + randbelow(600)
            for position in range(4):
                rows["article_tag"].append(
                    (first_id + position, article, _id((tag + position * gap) % TAGS), position, published_at)
                )
            for position in range(2):
                media_id = _id((lead + 1 + other * position) % media)
                rows["article_media"].append((first_id + position, article, media_id, position, "INLINE"))
            rows["attribution"] += _attribution_rows(rng, article, first_id, claims)
        yield rows


def _attribution_rows(
    rng: random.Random, article: int, first_id: int, claims: Sequence[str]
) -> Iterator[tuple[object, ...]]:
    """Three attributions of an article, the second of them via a relay."""
    for position in range(3):
        head = first_id + position
        relay = first_id + 3 if position == 1 else None
        source, kind = _id(int(rng.random() * SOURCES)), _KINDS[int(rng.random() * len(_KINDS))]
        yield (
            head, article, kind, source, relay, head, 0, source, position,
            claims[int(rng.random() * len(claims))], "editor", "ACCEPTED", "UNVERIFIED",
        )  # fmt: skip
        if relay is not None:
            yield (
                relay, article, "CITING", _id(int(rng.random() * SOURCES)), None, head, 1, source, position,
                None, "editor", "ACCEPTED", "UNVERIFIED",
            )  # fmt: skip


def _search_rows(rows: Mapping[str, Rows]) -> Iterator[tuple[int, SearchTerms]]:
    """Ids of articles and their search terms, without those of sources."""
    headline, summary = map(TABLE_COLUMNS["article"].index, ("headline", "summary"))
    for article, body in zip(rows["article"], rows["article_body"], strict=True):
        yield article[0], search_terms_of(article[headline], article[summary], body[4])


class _Paragraph:
    """A paragraph in every rendering, generated once and used in many articles."""

    __slots__ = ("block", "html", "text", "words")

    def __init__(self, text: str) -> None:
        self.text = text
        self.html = f"<p>{escape(text, quote=False)}</p>"
        self.block = f'"type":"PARAGRAPH","text":{orjson.dumps(text).decode()},"marks":[],"runs":null}}'
        self.words = len(text.split())


def _paragraphs() -> list[_Paragraph]:
    rng = random.Random("paragraphs")
    return [_Paragraph(" ".join(_sentence(rng, 9, 17) for _ in range(6))) for _ in range(2_048)]


def _sentence(rng: random.Random, min_words: int, max_words: int) -> str:
    words = [rng.choice(_WORDS) for _ in range(rng.randint(min_words, max_words))]
    if rng.random() < 0.25:
        words[2] = rng.choice(_SPECIALS)
    text = " ".join(words)
    return f"{text[0].upper()}{text[1:]}."


def _headline(article: int) -> str:
    first, second = article % 67, article // 67 % 71
    special = f" {_SPECIALS[article % len(_SPECIALS)]}" if article % 5 == 0 else ""
    middle = f"{_WORDS[40 + second % 60]} {_WORDS[second]}{special}"
    return f"{_WORDS[first].capitalize()} {middle} after {_WORDS[article % 97]} {_WORDS[article % 89]}"


def _id(index: int) -> int:
    # As long as real ids, so that responses and keys have their usual size.
    return 79_000_000_000_000_000 + index * 1_048_583


def _category_id(root: int, desk: int | None) -> int:
    return _id(root * 8 if desk is None else root * 8 + 1 + desk)


def _category(root: int, desk: int | None) -> tuple[Any, ...]:
    if desk is None:
        name, parent, path = ROOTS[root], None, ROOTS[root].lower()
    else:
        name, parent, path = DESKS[desk], _category_id(root, None), f"{ROOTS[root]}/{DESKS[desk]}".lower()
    depth, position = (0, root) if desk is None else (1, desk)
    lower_name = name.lower()
    return (_category_id(root, desk), parent, lower_name, path, depth, position, name, "[]", sort_key(name))


def _source(index: int) -> tuple[Any, ...]:
    name = f"{_WORDS[index % 83].capitalize()} {_NOUNS[index % len(_NOUNS)]} {index}"
    name_slug = name.lower().replace(" ", "-")
    homepage = None if index % 9 == 0 else f"https://{name_slug}.example/"
    kind, country = _SOURCE_KINDS[index % len(_SOURCE_KINDS)], _COUNTRIES[index % len(_COUNTRIES)]
    return (_id(index), name_slug, name, sort_key(name), name_words([name]), kind, "[]", country, homepage)


def _tag(index: int) -> tuple[Any, ...]:
    name = f"{_WORDS[index % 79].capitalize()} {_WORDS[index // 79]} {index}"
    kind = _TAG_TYPES[index % len(_TAG_TYPES)]
    return (
        _id(index),
        kind,
        name.lower().replace(" ", "-"),
        name,
        "[]",
        sort_key(name),
        name_words([name]),
        "[]",
        "[]",
    )


def _media(index: int, instant: Callable[[int], Any]) -> tuple[Any, ...]:
    # One in fifty has an expired licence, one in eleven has no alternative text.
    expires = instant(int(END.timestamp()) - 86_400) if index % 50 == 17 else None
    alt = None if index % 11 == 5 else f"{_headline(index)}, seen from the {_WORDS[index % 73]}"
    width, height = _SIZES[index % len(_SIZES)]
    url = f"https://media.newsroom.example/{index % 97}/{index:08d}.jpg"
    credit = f"{_NAMES[index % len(_NAMES)]}/Example Pictures"
    created = instant(int(END.timestamp()) - index)
    return (
        _id(index), "IMAGE", url, "image/jpeg", width, height, 180_000 + index, alt, None, credit, expires,
        "[]", created,
    )  # fmt: skip


def _instants(dialect: DatabaseKind) -> Callable[[int], Any]:
    """Converts seconds to the database's time value: a datetime, or its text on SQLite."""
    if dialect == "postgres":
        return lambda seconds: dt.datetime.fromtimestamp(seconds, dt.UTC)
    return lambda seconds: format_timestamp(dt.datetime.fromtimestamp(seconds, dt.UTC))


def _load_sqlite(url: str, articles: int, search: bool, progress: Callable[[int], object]) -> None:
    with closing(sqlite3.connect(sqlite_path(url), isolation_level=None)) as connection:
        execute = connection.execute
        # An interrupted load starts again, so it needs neither a rollback journal nor fsync.
        for pragma in (
            "journal_mode = OFF",
            "synchronous = OFF",
            "cache_size = -524288",
            "foreign_keys = OFF",
        ):
            execute(f"PRAGMA {pragma}")
        placeholders = ", ".join("?" * len(BIG))
        schema_objects = execute(
            "SELECT type, name, sql FROM sqlite_master"
            f" WHERE type = 'index' AND sql IS NOT NULL AND tbl_name IN ({placeholders})"
            " OR type = 'trigger' AND sql LIKE '%INTO row_change%' ORDER BY name",
            BIG,
        ).fetchall()
        for kind, name, _ in schema_objects:
            execute(f'DROP {kind} "{name}"')
        inserts = {
            table: f"INSERT INTO {table} ({', '.join(columns)}) VALUES ({', '.join('?' * len(columns))})"
            for table, columns in TABLE_COLUMNS.items()
        }
        execute("BEGIN")
        for table, rows in base_rows("sqlite", articles):
            connection.executemany(inserts[table], rows)
        done = 0
        for batch in article_rows("sqlite", articles):
            for table, rows in batch.items():
                connection.executemany(inserts[table], rows)
            if search:
                connection.executemany(INSERT_SQLITE, starmap(sqlite_row, _search_rows(batch)))
            progress(done := done + len(batch["article"]))
        execute("COMMIT")
        for *_, sql in schema_objects:
            execute(sql)
        execute("ANALYZE")
        execute("DELETE FROM sqlite_stat1 WHERE tbl = 'article_log'")  # it has one row, and will have many
        execute("PRAGMA journal_mode = WAL")


async def _load_postgres(url: str, articles: int, search: bool, progress: Callable[[int], object]) -> None:
    # Two connections, so that bodies are compressed on one while rows are copied on the other.
    first = await asyncpg.connect(postgres_dsn(url))
    second = await asyncpg.connect(postgres_dsn(url))
    try:
        for connection in (first, second):
            await connection.execute("SET synchronous_commit = off; SET maintenance_work_mem = '512MB'")
        for connection in (first, second):
            await _set_triggers(connection, "DISABLE")
        restore_statements = await _drop_indexes(first)
        for table, rows in base_rows("postgres", articles):
            await _copy(first, table, rows)
        done = 0
        for batch in article_rows("postgres", articles):
            bodies = asyncio.create_task(_copy(second, "article_body", batch["article_body"]))
            for table, rows in batch.items():
                if table != "article_body":
                    await _copy(first, table, rows)
            await bodies
            if search:
                await second.executemany(INSERT_POSTGRES, list(starmap(postgres_row, _search_rows(batch))))
            progress(done := done + len(batch["article"]))
        for statement in restore_statements:
            await first.execute(statement)
        await _set_triggers(first, "ENABLE")
        await first.execute("VACUUM (ANALYZE)")
        await first.execute("CHECKPOINT")
    finally:
        await first.close()
        await second.close()


async def _set_triggers(connection: Any, action: str) -> None:
    """Enables or disables the change triggers, which are off while content is loaded."""
    for table in TABLE_COLUMNS:
        for name in (f"{table}_journal", f"{table}_journal_insert"):
            await connection.execute(f"ALTER TABLE {table} {action} TRIGGER {name}")


async def _drop_indexes(connection: Any) -> list[str]:
    """Drops indexes, unique and foreign keys of the big tables; returns the statements that restore them."""
    constraints = await connection.fetch(
        "SELECT conrelid::regclass::text AS place, quote_ident(conname) AS name,"
        " pg_get_constraintdef(oid) AS rule FROM pg_constraint"
        " WHERE contype IN ('f', 'u') AND conrelid = any($1::text[]::regclass[])"
        " ORDER BY contype <> 'f', conname",
        BIG,
    )
    indexes = await connection.fetch(
        "SELECT indexrelid::regclass::text AS name, pg_get_indexdef(indexrelid) AS rule FROM pg_index"
        " WHERE indrelid = any($1::text[]::regclass[]) AND NOT EXISTS ("
        "  SELECT FROM pg_constraint WHERE conindid = indexrelid AND contype IN ('p', 'u'))"
        " ORDER BY 1",
        BIG,
    )
    for constraint in constraints:
        await connection.execute(f"ALTER TABLE {constraint['place']} DROP CONSTRAINT {constraint['name']}")
    for index in indexes:
        await connection.execute(f"DROP INDEX {index['name']}")
    return [
        *(index["rule"] for index in indexes),
        *(f"ALTER TABLE {c['place']} ADD CONSTRAINT {c['name']} {c['rule']}" for c in reversed(constraints)),
    ]


async def _copy(connection: Any, table: str, rows: Sequence[tuple[Any, ...]]) -> None:
    await connection.copy_records_to_table(table, columns=TABLE_COLUMNS[table], records=rows)


_TYPES = ("NEWS", "NEWS", "NEWS", "ANALYSIS", "OPINION", "LIVE", "EXPLAINER", "INTERVIEW")
_KINDS = ("ACCORDING_TO", "REPORTED_BY", "RELEASED_BY", "SAID", "TOLD", "QUOTED", "DENIED", "DATA")
_SOURCE_KINDS = (
    "AGENCY", "BROADCASTER", "NEWSPAPER", "ONLINE", "OFFICIAL", "COMPANY", "NGO", "PARTY", "ACADEMIC",
    "PERSON",
)  # fmt: skip
_TAG_TYPES = ("TOPIC", "PERSON", "ORGANISATION", "PLACE", "EVENT", "WORK")
_NOUNS = ("Agency", "Ministry", "Herald", "University", "Institute", "Court", "Radio", "Group", "Union")
_COUNTRIES = ("GB", "DE", "FR", "BR", "JP", "NG", "US")
_SIZES = ((1600, 900), (2048, 1365), (1080, 1350), (3000, 2000))
_NAMES = ("Ada Lindqvist", "José Arroyo", "Miriam O’Dowd", "Kenji Watanabe", "Zoë Adeyemi", "Paweł Nowak")
# Non-ASCII letters, quotes and markup, which both databases must escape alike.
_SPECIALS = (
    "“quoted”",
    '"plain"',
    "R&D",
    "<draft>",
    "C:\\files",
    "Zürich",
    "São Paulo",
    "東京",
    "½",
    "it’s",
)
_TEXT = """
    minister council harbour budget election market climate river village hospital teacher railway bridge
    factory court witness border treaty museum festival league final season coach striker record price
    energy storm drought harvest police inquiry report reform union strike wages housing rent school vaccine
    virus laboratory satellite launch engine network outage privacy data artist novel theatre concert
    archive heritage temple coast island valley forest fire flood rescue volunteer charity donor refugee
    summit envoy sanction tariff export import cargo port airport runway flight pilot crew passenger ticket
    queue delay winter summer morning evening weekend holiday under over after before during against between
    without within across about around says warns plans wants finds opens closes delays rejects approves
    faces seeks wins loses returns leaves the a of to in on for with at by from as its new old first last
    more less many few some
"""
_WORDS = tuple(_TEXT.split())
