"""Live entries in bodies: inputs of a whole body, working copies and revisions never lose an entry."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as some
from tests.editorial.test_live_entries import add, body_of, entries_of, live_blog, texts_of
from tests.support.editorial_client import ANNA, HOUR, PUBLIC, SECOND, EditorialClient

AT = "2026-06-30T07:0{}:00Z"
FORMS = "query($id: ID!) { article(id: $id) { body { html markdown text } } }"


def entry_input(n: int, **more: Any) -> Any:
    return {"liveEntry": {"at": AT.format(n), "text": f"entry {n}", **more}}


def paragraph(text: str) -> Any:
    return {"paragraph": {"text": text}}


async def shown(newsroom: EditorialClient, id: str, actor: Any = PUBLIC) -> list[str]:
    """The texts of the blocks of the body, which end with the entries."""
    body = await body_of(newsroom, id, actor)
    texts = [block["text"] for block in body["blocks"]]
    assert body["text"].replace("\n", " ") == " ".join(texts), body
    entries = [block for block in body["blocks"] if block["__typename"] == "LiveEntryBlock"]
    assert body["html"].count("<section") == body["markdown"].count("<section") == len(entries)
    nodes = (await entries_of(newsroom, id, actor, first=100))["nodes"]
    assert [node["text"] for node in nodes] == [entry["text"] for entry in entries]
    return texts


async def test_the_entries_of_a_body_become_rows(newsroom: EditorialClient) -> None:
    blocks = [
        entry_input(1),
        paragraph("intro"),
        entry_input(2, pinned=True),
        entry_input(3),
        paragraph("more"),
    ]
    id = await newsroom.create_draft(contentType="LIVE", body={"blocks": blocks})
    assert await shown(newsroom, id, ANNA) == ["intro", "more", "entry 2", "entry 3", "entry 1"]
    rows = await newsroom.table(f"SELECT body_text FROM live_entry WHERE article_id = {id[4:]}")
    assert sorted(rows) == [("entry 1",), ("entry 2",), ("entry 3",)]
    stored = await newsroom.table(f"SELECT text FROM article_body WHERE article_id = {id[4:]}")
    assert stored == [("intro\nmore",)]


@pytest.mark.parametrize("form", ["html", "markdown"])
async def test_a_body_comes_back_unchanged(newsroom: EditorialClient, form: str) -> None:
    id = await newsroom.create_draft(
        contentType="LIVE", body={"blocks": [paragraph("intro"), entry_input(1)]}
    )
    body = {"html": "<h2>First</h2><p>a</p><ul><li>b</li></ul><pre><code>c\n\nd</code></pre>"}
    await add(newsroom, id, "", body=body, title="Title", author="jane-doe", picture="med_301")
    await add(newsroom, id, "", body=body)
    before = await body_of(newsroom, id, ANNA)
    result = await newsroom.mutate_ok(
        "updateArticle", selection="article { id } warnings { code }", id=id, body={form: before[form]}
    )
    assert result["warnings"] == []
    assert await body_of(newsroom, id, ANNA) == before


async def test_a_draft_has_the_entries_of_its_new_body(newsroom: EditorialClient) -> None:
    id = await newsroom.create_draft(contentType="LIVE", body={"blocks": [entry_input(1), entry_input(2)]})
    first = (await body_of(newsroom, id, ANNA))["blocks"][1]
    result = await newsroom.mutate_ok(
        "updateArticle",
        selection="article { id } warnings { code message field }",
        id=id,
        body={"blocks": [entry_input(1, id=first["id"], title="New title"), entry_input(3)]},
    )
    (warning,) = result["warnings"]
    assert warning["code"] == "CHANGED"
    assert "restoreLiveEntry" in warning["message"]
    blocks = (await body_of(newsroom, id, ANNA))["blocks"]
    assert [(block["title"], block["text"]) for block in blocks] == [
        (None, "entry 3"),
        ("New title", "entry 1"),
    ]
    assert blocks[1]["entry"]["id"] == first["entry"]["id"]
    ((removed,),) = await newsroom.table(
        f"SELECT id FROM live_entry WHERE article_id = {id[4:]} AND removed_at IS NOT NULL"
    )
    await newsroom.mutate_ok("restoreLiveEntry", id=f"liv_{removed}")
    assert await texts_of(newsroom, id, ANNA) == ["entry 3", "entry 2", "entry 1"]


async def test_a_working_copy_neither_changes_nor_loses_entries(newsroom: EditorialClient) -> None:
    id = await live_blog(newsroom, body={"blocks": [paragraph("intro"), entry_input(1)]})
    result = await newsroom.mutate_ok(
        "updateArticle", selection="article { id } warnings { code }", id=id, body={"text": "new intro"}
    )
    assert result["warnings"] == [{"code": "CHANGED"}]
    await add(newsroom, id, "meanwhile")
    assert await shown(newsroom, id) == ["intro", "meanwhile", "entry 1"]
    assert await shown(newsroom, id, ANNA) == ["new intro", "meanwhile", "entry 1"]
    for body in ([paragraph("x"), entry_input(2)], [entry_input(1, title="Changed")]):
        codes = await newsroom.mutate_codes("updateArticle", id=id, body={"blocks": body})
        assert codes == {("INVALID", "body")}
    html = (await body_of(newsroom, id, ANNA))["html"]
    result = await newsroom.mutate_ok(
        "updateArticle",
        selection="article { id } warnings { code }",
        id=id,
        body={"html": html.replace("new intro", "newest intro")},
    )
    assert result["warnings"] == []
    entry = (await entries_of(newsroom, id))["nodes"][0]["id"]
    await newsroom.mutate_ok("editLiveEntry", id=entry, body={"text": "meanwhile, edited"})
    await newsroom.republish(id)
    assert await shown(newsroom, id) == ["newest intro", "meanwhile, edited", "entry 1"]
    versions = await newsroom.table(f"SELECT version FROM live_entry WHERE article_id = {id[4:]}")
    assert sorted(versions) == [(1,), (2,)]
    await newsroom.mutate_ok("updateArticle", id=id, body={"text": "discarded"})
    await newsroom.mutate_ok("removeLiveEntry", id=entry)
    await newsroom.mutate_ok("discardWorkingCopy", id=id)
    assert await shown(newsroom, id) == ["newest intro", "entry 1"]


async def test_an_earlier_version_keeps_the_present_entries(newsroom: EditorialClient) -> None:
    id = await live_blog(newsroom, body={"blocks": [paragraph("intro"), entry_input(1)]})
    await newsroom.mutate_ok("updateArticle", id=id, body={"text": "second"})
    await newsroom.republish(id)
    await add(newsroom, id, "later")
    await newsroom.mutate_ok("restoreRevision", id=id, version=1)
    assert await shown(newsroom, id, ANNA) == ["intro", "later", "entry 1"]
    await newsroom.republish(id)
    assert await shown(newsroom, id) == ["intro", "later", "entry 1"]
    await newsroom.mutate_ok("unpublishArticle", id=id)
    await newsroom.mutate_ok("deleteArticle", id=id)
    await newsroom.mutate_ok("restoreArticle", id=id)
    assert await shown(newsroom, id, ANNA) == ["intro", "later", "entry 1"]


async def test_a_scheduled_change_keeps_the_present_entries(newsroom: EditorialClient) -> None:
    id = await live_blog(newsroom, body={"blocks": [paragraph("intro"), entry_input(1)]})
    await newsroom.mutate_ok("updateArticle", id=id, body={"text": "scheduled"})
    for transition in ("submitArticle", "approveArticle"):
        await newsroom.mutate_ok(transition, id=id)
    await newsroom.mutate_ok("scheduleArticle", id=id, publishAt=(newsroom.now + HOUR).isoformat())
    await add(newsroom, id, "meanwhile")
    newsroom.now += HOUR
    assert await shown(newsroom, id) == ["scheduled", "meanwhile", "entry 1"]


async def test_a_correction_replaces_words_of_an_entry(newsroom: EditorialClient) -> None:
    id = await live_blog(newsroom, body={"blocks": [paragraph("intro"), entry_input(1)]})
    await add(newsroom, id, "", body={"markdown": "## Ahead\n\nTwo lorries.\n\n- One\n- Three"})
    for before, after in (("Two lorries", "Ten lorries"), ("entry 1", "entry one"), ("Three", "Four")):
        await newsroom.mutate_ok(
            "correctArticle", id=id, kind="CORRECTION", text="x", before=before, after=after
        )
    assert await texts_of(newsroom, id) == ["Ahead\nTen lorries.\nOne\nFour", "entry one"]


async def test_a_whole_body_is_read_at_every_form(newsroom: EditorialClient) -> None:
    id = await live_blog(newsroom, body={"blocks": [entry_input(1), entry_input(2)]})
    body = (await newsroom.query(FORMS, id=id))["article"]["body"]
    assert body["text"] == "entry 2\nentry 1"
    assert body["markdown"].startswith("<section")
    assert "\n\n<section" in body["markdown"]
    assert body["html"].startswith("<section")
    assert "\n<section" in body["html"]


EVENTS = some.lists(
    some.tuples(
        some.sampled_from(["add", "add", "edit", "pin", "remove", "restore", "update"]), some.integers(0, 9)
    ),
    max_size=14,
)


@settings(max_examples=12, deadline=None, suppress_health_check=list(HealthCheck))
@given(events=EVENTS, public=some.booleans())
async def test_random_edits_equal_a_model(newsroom: EditorialClient, events: Any, public: bool) -> None:
    """The list and the body have the same entries, in the same order, as a list in memory."""
    id = await (newsroom.create_published if public else newsroom.create_draft)(
        contentType="LIVE", body={"text": "intro"}
    )
    model: dict[str, dict[str, Any]] = {}  # by id, in the order of creation
    for kind, n in events:
        present = [entry for entry, value in model.items() if not value["removed"]]
        absent = [entry for entry, value in model.items() if value["removed"]]
        newsroom.now += SECOND
        if kind == "add":
            entry = await add(newsroom, id, f"text {len(model)}", at=AT.format(n))
            model[entry] = {"at": n, "text": f"text {len(model)}", "pinned": False, "removed": False}
        elif kind == "edit" and present:
            entry = present[n % len(present)]
            model[entry] |= {"at": n, "text": f"edited {n}"}
            await newsroom.mutate_ok("editLiveEntry", id=entry, body={"text": f"edited {n}"}, at=AT.format(n))
        elif kind == "pin" and present:
            entry = present[n % len(present)]
            model[entry]["pinned"] = n % 2 == 0
            await newsroom.mutate_ok("pinLiveEntry", id=entry, pinned=n % 2 == 0)
        elif kind == "remove" and present:
            entry = present[n % len(present)]
            model[entry]["removed"] = True
            await newsroom.mutate_ok("removeLiveEntry", id=entry)
        elif kind == "restore" and absent:
            entry = absent[n % len(absent)]
            model[entry]["removed"] = False
            await newsroom.mutate_ok("restoreLiveEntry", id=entry)
        elif kind == "update":
            await newsroom.mutate_ok("updateArticle", id=id, kicker=f"kicker {n}")
            if public:
                await newsroom.republish(id)
    created = list(model)
    order = sorted(
        (entry for entry in model if not model[entry]["removed"]),
        key=lambda entry: (not model[entry]["pinned"], -model[entry]["at"], -created.index(entry)),
    )
    expected = ["intro", *(model[entry]["text"] for entry in order)]
    assert await shown(newsroom, id, PUBLIC if public else ANNA) == expected


async def test_the_cost_of_an_entry_does_not_depend_on_the_number_of_entries(
    own_newsroom: EditorialClient,
) -> None:
    """Statements and written rows, with 10 and with 2,000 entries."""
    costs = []
    for length in (10, 2_000):
        blocks = [{"liveEntry": {"at": AT.format(n % 10), "text": f"entry {n}"}} for n in range(length)]
        id = await live_blog(own_newsroom, body={"blocks": blocks})
        entry = await add(own_newsroom, id, "the first to be added")
        before = await _written(own_newsroom)
        with logged_statements() as statements:
            entry = await add(
                own_newsroom, id, "one more", title="Title", author="jane-doe", picture="med_301"
            )
            await own_newsroom.mutate_ok(
                "editLiveEntry", id=entry, body={"text": "edited"}, correction={"text": "x"}
            )
            await own_newsroom.mutate_ok("pinLiveEntry", id=entry)
            await own_newsroom.mutate_ok("removeLiveEntry", id=entry)
            await own_newsroom.mutate_ok("restoreLiveEntry", id=entry)
        costs.append((len(statements), await _written(own_newsroom) - before))
    assert costs[0] == costs[1]
    assert costs[0][0] <= 150
    assert costs[0][1] <= 40


async def _written(newsroom: EditorialClient) -> int:
    """The number of rows in the change log."""
    ((count,),) = await newsroom.table("SELECT count(*) FROM row_change")
    return int(count)


@contextmanager
def logged_statements() -> Iterator[list[str]]:
    """The statements that Tortoise executes within the context."""
    statements: list[str] = []

    class Collector(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            statements.append(record.getMessage())

    logger, handler = logging.getLogger("tortoise.db_client"), Collector()
    level = logger.level
    logger.addHandler(handler)
    logger.setLevel(logging.DEBUG)
    try:
        yield statements
    finally:
        logger.setLevel(level)
        logger.removeHandler(handler)
