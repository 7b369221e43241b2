"""The article log: which changes log which articles, and with which intervals of visibility."""

from __future__ import annotations

import datetime as dt
from typing import Any

from tests.support.editorial_client import ANNA, DAY, HOUR, PUBLIC, ROOT, EditorialClient

from contentql.content.ids import decode_id
from contentql.store import article_log


def number(id: str) -> int:
    decoded = decode_id(id)
    assert decoded
    return decoded[1]


async def execute(newsroom: EditorialClient, sql: str) -> None:
    async with newsroom.database.transaction() as connection:
        await connection.execute_query(sql)


async def position(newsroom: EditorialClient) -> int:
    ((seq,),) = await newsroom.table("SELECT coalesce(max(seq), 0) FROM article_log")
    return int(seq)


async def logged(newsroom: EditorialClient, since: int) -> dict[int, tuple[bool, bool, bool, str]]:
    """By article: whether the row is public, was and is visible at some time, and the causes."""
    rows = await newsroom.table(
        "SELECT article_id, public, was_from IS NOT NULL, is_from IS NOT NULL, source FROM article_log"
        f" WHERE seq > {since} ORDER BY seq"
    )
    assert len({row[0] for row in rows}) == len(rows), "one row for each article"
    return {row[0]: (bool(row[1]), bool(row[2]), bool(row[3]), row[4]) for row in rows}


async def test_drafts_are_logged_as_not_public(newsroom: EditorialClient) -> None:
    since = await position(newsroom)
    id = await newsroom.create_draft()
    await newsroom.mutate_ok("updateArticle", id=id, headline="Another headline")
    rows = await newsroom.table(
        f"SELECT public, was_from, is_from FROM article_log WHERE seq > {since} AND article_id = {number(id)}"
    )
    assert [(bool(public), was, now) for public, was, now in rows] == [(False, None, None)] * 2


async def test_publication_and_withdrawal(newsroom: EditorialClient) -> None:
    id = await newsroom.create_approved()
    since = await position(newsroom)
    await newsroom.mutate_ok("publishArticle", id=id)
    assert (await logged(newsroom, since))[number(id)][:3] == (True, False, True)
    since = await position(newsroom)
    await newsroom.mutate_ok("withdrawArticle", id=id, notice="It was wrong.")
    assert (await logged(newsroom, since))[number(id)][:3] == (True, True, False)


async def test_a_working_copy_is_logged_when_it_is_published(newsroom: EditorialClient) -> None:
    id = await newsroom.create_published()
    since = await position(newsroom)
    await newsroom.mutate_ok("updateArticle", id=id, headline="A new headline")
    assert (await logged(newsroom, since))[number(id)][0] is False
    since = await position(newsroom)
    await newsroom.republish(id)
    ((_, *row),) = [
        await newsroom.table(
            "SELECT seq, public, was_from = is_from, status FROM article_log WHERE public"
            f" AND seq > {since} AND article_id = {number(id)}"
        )
    ][0]
    assert [bool(row[0]), bool(row[1]), row[2]] == [True, True, "PUBLISHED"]


async def test_scheduled_times_are_the_interval(newsroom: EditorialClient) -> None:
    id = await newsroom.create_approved(expiresAt=(newsroom.now + 3 * DAY).isoformat())
    at = newsroom.now + HOUR
    since = await position(newsroom)
    await newsroom.mutate_ok("scheduleArticle", id=id, publishAt=at.isoformat())
    ((was, start, end, status),) = await newsroom.table(
        f"SELECT was_from, is_from, is_until, status FROM article_log WHERE seq > {since}"
    )
    assert (was, status) == (None, "SCHEDULED")
    assert [as_time(start), as_time(end)] == [at, newsroom.now + 3 * DAY]


def as_time(value: Any) -> dt.datetime:
    return dt.datetime.fromisoformat(value) if isinstance(value, str) else value


CHANGES = {
    "author": ("updateAuthor", {"name": "Anna Q. Ilves"}),
    "tag": ("updateTag", {"name": "Another tag"}),
    "source": ("updateSource", {"name": "Another source"}),
    "media": ("updateMedia", {"caption": "Another caption"}),
    "category": ("updateCategory", {"name": "Another section"}),
    "story": ("updateStory", {"title": "Another story"}),
}


async def test_what_an_article_shows_is_logged_with_it(own_newsroom: EditorialClient) -> None:
    """A change of an author, tag, source, picture, section or story logs the articles that show it."""
    newsroom = own_newsroom
    ids: dict[str, str] = {}
    for name, mutation, input in (
        ("author", "createAuthor", {"name": "Anna Ilves"}),
        ("tag", "createTag", {"name": "Logged", "type": "TOPIC"}),
        ("source", "createSource", {"name": "Logged Agency", "kind": "AGENCY"}),
        (
            "media",
            "createMedia",
            {"url": "https://media.example.org/l.jpg", "kind": "IMAGE", "alt": "A", "mime": "image/jpeg"},
        ),
        ("category", "createCategory", {"name": "Logged", "slug": "logged"}),
        ("story", "createStory", {"title": "Logged"}),
    ):
        ids[name] = (await newsroom.mutate_ok(mutation, ROOT, selection=f"{name} {{ id }}", **input))["id"]
    shows: Any = {
        "authors": [{"author": ids["author"]}],
        "tags": [{"tag": ids["tag"]}],
        "category": ids["category"],
        "media": [{"media": ids["media"]}],
        "story": ids["story"],
    }
    showing = await newsroom.create_published(**shows)
    draft = await newsroom.create_draft(**shows)
    other = await newsroom.create_published()
    for article in (showing, draft):
        await newsroom.mutate_ok("addAttribution", article=article, kind="SAID", source=ids["source"])
    if (await newsroom.query("query ($i: ID!) { article(id: $i) { unpublishedChanges } }", ANNA, i=showing))[
        "article"
    ]["unpublishedChanges"]:
        await newsroom.republish(showing)
    related = await newsroom.create_published(related=[showing])
    for name, (mutation, input) in CHANGES.items():
        since = await position(newsroom)
        await newsroom.mutate_ok(mutation, ROOT, id=ids[name], **input)
        rows = await logged(newsroom, since)
        assert set(rows) == {number(showing), number(draft)}, name
        assert rows[number(showing)] == (True, True, True, name)
        assert rows[number(draft)] == (False, False, False, name)
    since = await position(newsroom)
    await newsroom.mutate_ok("updateArticle", id=showing, headline="A better headline")
    await newsroom.republish(showing)
    public = {id for id, row in (await logged_public(newsroom, since)).items() if row}
    assert public == {number(showing), number(related)}
    assert number(other) not in public


async def logged_public(newsroom: EditorialClient, since: int) -> dict[int, bool]:
    rows = await newsroom.table(f"SELECT article_id FROM article_log WHERE public AND seq > {since}")
    return {row[0]: True for row in rows}


async def test_a_write_of_internal_columns_is_not_public(newsroom: EditorialClient) -> None:
    id = await newsroom.create_published()
    since = await position(newsroom)
    for column, value in (("owner", "'eve'"), ("ed_note", "'Call him back'")):
        await execute(newsroom, f"UPDATE article SET {column} = {value} WHERE id = {number(id)}")
    rows = await newsroom.table(f"SELECT public FROM article_log WHERE seq > {since}")
    assert not any(row[0] for row in rows)
    await execute(newsroom, f"UPDATE article SET summary = 'Other words' WHERE id = {number(id)}")
    rows = await newsroom.table(f"SELECT public FROM article_log WHERE seq > {since} AND public")
    assert len(rows) == 1


async def test_old_rows_are_deleted_but_the_last_public_one(own_newsroom: EditorialClient) -> None:
    newsroom = own_newsroom
    for _ in range(3):
        await newsroom.create_published()
    await newsroom.create_draft()
    async with newsroom.database.transaction() as connection:
        await article_log.prune(connection)
    assert len(await newsroom.table("SELECT seq FROM article_log")) > 5
    await execute(newsroom, "UPDATE article_log SET at = '2020-01-01T00:00:00Z'")
    async with newsroom.database.transaction() as connection:
        await article_log.prune(connection)
    rows = await newsroom.table("SELECT public FROM article_log ORDER BY seq")
    assert bool(rows[0][0])
    assert not any(row[0] for row in rows[1:])
    assert (await newsroom.query("{ articles(first: 1) { nodes { id } } }", PUBLIC))["articles"]["nodes"]
