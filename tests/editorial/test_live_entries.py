"""Live blogs: entries are public at once, and the body of the article stays whole."""

from __future__ import annotations

from typing import Any

import pytest
from tests.support.editorial_client import (
    ANNA,
    BOB,
    ERIC,
    HOUR,
    PUBLIC,
    ROOT,
    SECOND,
    TEXT,
    EditorialClient,
    make_actor,
)

from contentql.auth.permissions import Role

ENTRY = "id title text pinned keyEvent"
ENTRIES = f"""query($id: ID!, $first: Int, $after: String, $since: DateTime, $keyEvents: Boolean) {{
  article(id: $id) {{ liveEntries(first: $first, after: $after, since: $since, keyEvents: $keyEvents) {{
    totalCount pageInfo {{ endCursor hasNextPage }} nodes {{ {ENTRY} }} }} }} }}"""
BODY = """query($id: ID!) { article(id: $id) { version wordCount body { html markdown text blocks {
  __typename id ... on LiveEntryBlock { at title text pinned keyEvent runs { text marks }
    entry { id author { slug } picture { id } blocks { __typename id } } }
  ... on ParagraphBlock { text } } } } }"""


async def entries_of(newsroom: EditorialClient, id: str, actor: Any = PUBLIC, **variables: Any) -> Any:
    return (await newsroom.query(ENTRIES, actor, id=id, **variables))["article"]["liveEntries"]


async def texts_of(newsroom: EditorialClient, id: str, actor: Any = PUBLIC, **variables: Any) -> list[str]:
    return [node["text"] for node in (await entries_of(newsroom, id, actor, **variables))["nodes"]]


async def body_of(newsroom: EditorialClient, id: str, actor: Any = PUBLIC) -> Any:
    return (await newsroom.query(BODY, actor, id=id))["article"]["body"]


async def add(newsroom: EditorialClient, article: str, text: str, actor: Any = ANNA, **input: Any) -> str:
    """Adds an entry, a second after the one before, and returns its id."""
    newsroom.now += SECOND
    body = input.pop("body", {"text": text})
    payload = await newsroom.mutate_ok(
        "addLiveEntry", actor, selection="liveEntry { id }", article=article, body=body, **input
    )
    return str(payload["id"])


async def live_blog(newsroom: EditorialClient, **input: Any) -> str:
    return await newsroom.create_published(contentType="LIVE", **input)


async def test_an_entry_is_public_at_once_and_the_body_stays_whole(newsroom: EditorialClient) -> None:
    id = await live_blog(newsroom)
    version = (await newsroom.query(BODY, id=id))["article"]["version"]
    newsroom.now += HOUR
    payload = await newsroom.mutate_ok(
        "addLiveEntry",
        selection=f"liveEntry {{ {ENTRY} at version author {{ slug }} picture {{ id }} }}"
        " article { id version updatedAt }",
        article=id,
        title="Convoy",
        body={"markdown": "The **first** lorries are moving."},
        author="jane-doe",
        picture="med_301",
        keyEvent=True,
    )
    entry = payload["liveEntry"]
    assert entry["text"] == "The first lorries are moving."
    assert entry["author"] == {"slug": "jane-doe"}
    assert entry["picture"] == {"id": "med_301"}
    assert entry["version"] == 1
    assert entry["at"] == "2026-06-30T09:00:00Z"
    assert payload["article"] == {"id": id, "version": version, "updatedAt": entry["at"]}
    assert await texts_of(newsroom, id) == ["The first lorries are moving."]
    body = await body_of(newsroom, id)
    assert [block["__typename"] for block in body["blocks"]] == ["ParagraphBlock"] * 2 + ["LiveEntryBlock"]
    last = body["blocks"][-1]
    assert last["runs"][1] == {"text": "first", "marks": ["STRONG"]}
    assert last["entry"]["id"] == entry["id"]
    assert last["entry"]["author"] == {"slug": "jane-doe"}
    assert body["text"] == "\n".join([*TEXT, "Convoy\nThe first lorries are moving."])
    assert body["html"].count("<section") == body["markdown"].count("<section") == 1
    node = await newsroom.query("query($id: ID!) { node(id: $id) { __typename id } }", id=entry["id"])
    assert node["node"] == {"__typename": "LiveEntry", "id": entry["id"]}


async def test_pinned_entries_come_first_then_the_newest(newsroom: EditorialClient) -> None:
    id = await live_blog(newsroom)
    first, second, _ = [await add(newsroom, id, text) for text in ("one", "two", "three")]
    late = await add(newsroom, id, "of yesterday", at="2026-06-29T10:00:00Z", keyEvent=True)
    assert await texts_of(newsroom, id) == ["three", "two", "one", "of yesterday"]
    await newsroom.mutate_ok("pinLiveEntry", id=first)
    await newsroom.mutate_ok("pinLiveEntry", id=second)
    assert await texts_of(newsroom, id) == ["two", "one", "three", "of yesterday"]
    await newsroom.mutate_ok("pinLiveEntry", id=first, pinned=False)
    assert await texts_of(newsroom, id) == ["two", "three", "one", "of yesterday"]
    assert await texts_of(newsroom, id, keyEvents=True) == ["of yesterday"]
    assert await texts_of(newsroom, id, keyEvents=False) == ["two", "three", "one", "of yesterday"]
    await newsroom.mutate_ok("removeLiveEntry", id=late)
    assert await texts_of(newsroom, id) == ["two", "three", "one"]
    assert [b["text"] for b in (await body_of(newsroom, id))["blocks"][2:]] == ["two", "three", "one"]


async def test_pages_have_every_entry_once(newsroom: EditorialClient) -> None:
    id = await live_blog(newsroom)
    for n in range(7):
        await add(newsroom, id, f"entry {n}", at="2026-06-30T08:00:00Z", pinned=n in (2, 5))
    expected = [f"entry {n}" for n in (5, 2, 6, 4, 3, 1, 0)]
    assert await texts_of(newsroom, id) == expected
    results: list[str] = []
    after = None
    while True:
        page = await entries_of(newsroom, id, first=2, after=after)
        results += [node["text"] for node in page["nodes"]]
        after = page["pageInfo"]["endCursor"]
        assert page["totalCount"] == 7
        if not page["pageInfo"]["hasNextPage"]:
            break
    assert results == expected
    back = await newsroom.query(
        "query($id: ID!) { article(id: $id) { liveEntries(last: 3) { nodes { text } } } }", id=id
    )
    assert [node["text"] for node in back["article"]["liveEntries"]["nodes"]] == expected[-3:]


async def test_since_returns_what_was_added_or_changed(newsroom: EditorialClient) -> None:
    id = await live_blog(newsroom)
    first, second = await add(newsroom, id, "one"), await add(newsroom, id, "two")
    newsroom.now += HOUR
    since = newsroom.now.isoformat()
    assert await texts_of(newsroom, id, since=since) == []
    await newsroom.mutate_ok("editLiveEntry", id=first, body={"text": "one, edited"})
    await newsroom.mutate_ok("pinLiveEntry", id=second)
    third = await add(newsroom, id, "three")
    assert await texts_of(newsroom, id, since=since) == ["two", "three", "one, edited"]
    assert await texts_of(newsroom, id, since=newsroom.now.isoformat()) == ["three"]
    await newsroom.mutate_ok("removeLiveEntry", id=third)
    assert await texts_of(newsroom, id, since=newsroom.now.isoformat()) == []


async def test_entries_of_a_draft_become_public_with_it(newsroom: EditorialClient) -> None:
    id = await newsroom.create_approved(contentType="LIVE")
    entry = await add(newsroom, id, "Before the publication")
    node = "query($id: ID!) { node(id: $id) { id } }"
    assert (await newsroom.query(node, id=entry))["node"] is None
    assert (await newsroom.query(node, ANNA, id=entry))["node"] == {"id": entry}
    results_of = await newsroom.query('{ articles(search: "publication") { totalCount } }')
    assert results_of["articles"]["totalCount"] == 0
    await newsroom.mutate_ok("publishArticle", id=id)
    assert (await newsroom.query(node, id=entry))["node"] == {"id": entry}
    assert await texts_of(newsroom, id) == ["Before the publication"]
    await newsroom.mutate_ok("unpublishArticle", id=id)
    assert (await newsroom.query(node, id=entry))["node"] is None


async def test_an_edit_changes_only_the_given_fields(newsroom: EditorialClient) -> None:
    id = await live_blog(newsroom)
    picture = '<figure><img src="https://m.example/x.jpg" alt="A lorry"></figure>'
    html = f"<p>Ten <b>lorries</b></p><h2>Why</h2><p>Because.</p>{picture}"
    entry = await add(newsroom, id, "", title="Convoy", body={"html": html}, author="jane-doe", keyEvent=True)
    fields = "title text keyEvent author { slug } blocks { __typename id } html version"
    before = (
        await newsroom.query(
            f"query($id: ID!) {{ node(id: $id) {{ ... on LiveEntry {{ {fields} }} }} }}", id=entry
        )
    )["node"]
    assert [b["__typename"] for b in before["blocks"]] == [
        "ParagraphBlock",
        "HeadingBlock",
        "ParagraphBlock",
        "ImageBlock",
    ]
    after = await newsroom.mutate_ok(
        "editLiveEntry", selection=f"liveEntry {{ {fields} }}", id=entry, title="Two convoys"
    )
    assert after == {**before, "title": "Two convoys", "version": 2}
    body = {"html": before["html"].replace("Because.", "Nobody knows.")}
    after = await newsroom.mutate_ok(
        "editLiveEntry", selection=f"liveEntry {{ {fields} }}", id=entry, body=body
    )
    assert [b["id"] for b in after["blocks"]] == [b["id"] for b in before["blocks"]]
    assert "Nobody knows." in after["text"]
    again = await newsroom.mutate_ok(
        "editLiveEntry", selection="liveEntry { version }", id=entry, title="Two convoys"
    )
    assert again == {"version": 3}
    gone = await newsroom.mutate_ok("editLiveEntry", id=entry, author=None, title=None, keyEvent=None)
    assert (gone["liveEntry"]["author"], gone["liveEntry"]["title"], gone["liveEntry"]["keyEvent"]) == (
        None,
        None,
        False,
    )


async def test_a_correction_is_shown_with_its_entry(newsroom: EditorialClient) -> None:
    id = await live_blog(newsroom)
    entry = await add(newsroom, id, "Two lorries.")
    newsroom.now += SECOND
    payload = await newsroom.mutate_ok(
        "editLiveEntry", id=entry, body={"text": "Ten lorries."}, correction={"text": "Not two, but ten."}
    )
    assert payload["liveEntry"]["corrections"] == [
        {
            "kind": "CORRECTION",
            "text": "Not two, but ten.",
            "correctedAt": newsroom.now.isoformat().replace("+00:00", "Z"),
        }
    ]
    codes = await newsroom.mutate_codes("editLiveEntry", id=entry, correction={"text": " "})
    assert codes == {("REQUIRED", "correction.text")}


async def test_everything_can_be_undone(newsroom: EditorialClient) -> None:
    id = await live_blog(newsroom)
    entry = await add(newsroom, id, "first words")
    await newsroom.mutate_ok("editLiveEntry", id=entry, body={"text": "second words"})
    removed = await newsroom.mutate_ok("removeLiveEntry", id=entry)
    assert removed == {"deletedId": entry} or removed == entry
    assert await texts_of(newsroom, id) == []
    for mutation in ("editLiveEntry", "pinLiveEntry", "removeLiveEntry"):
        assert await newsroom.mutate_codes(mutation, id=entry) == {("INVALID_TRANSITION", "id")}
    await newsroom.mutate_ok("restoreLiveEntry", id=entry)
    assert await texts_of(newsroom, id) == ["second words"]
    assert await newsroom.mutate_codes("restoreLiveEntry", id=entry) == {("INVALID_TRANSITION", "id")}
    restored = await newsroom.mutate_ok("restoreLiveEntry", id=entry, version=1)
    assert restored["liveEntry"]["text"] == "first words"
    assert restored["liveEntry"]["version"] == 5
    for version in (3, 99):  # 3: the removed state
        codes = await newsroom.mutate_codes("restoreLiveEntry", id=entry, version=version)
        assert codes == {("NOT_FOUND", "version")}


async def test_who_may_write_into_a_live_blog(newsroom: EditorialClient) -> None:
    own = await newsroom.create_draft(BOB, contentType="LIVE")
    for transition in ("submitArticle", "approveArticle", "publishArticle"):
        await newsroom.mutate_ok(transition, id=own)
    entry = await add(newsroom, own, "Bob is at the scene", BOB)
    assert await texts_of(newsroom, own) == ["Bob is at the scene"]
    other = await live_blog(newsroom)
    theirs = await add(newsroom, other, "by an editor", ERIC)
    assert await newsroom.mutate_codes("addLiveEntry", BOB, article=other, body={"text": "x"}) == {
        ("NOT_OWNER", "article")
    }
    for mutation in ("editLiveEntry", "pinLiveEntry", "removeLiveEntry", "restoreLiveEntry"):
        assert await newsroom.mutate_codes(mutation, BOB, id=theirs) == {("NOT_OWNER", "id")}
    for role in (Role.READER, Role.PREVIEWER):
        response = await newsroom.execute(
            "mutation($id: ID!) { pinLiveEntry(input: {id: $id}) { liveEntry { id } } }",
            make_actor(role, "x"),
            id=entry,
        )
        assert response["errors"][0]["extensions"]["code"] == "FORBIDDEN"


@pytest.mark.parametrize(
    ("input", "code"),
    [
        ({"body": {"text": ""}}, ("REQUIRED", "body")),
        ({"body": {"html": "<script>x</script>"}}, ("UNSAFE_CONTENT", "body.html")),
        (
            {"body": {"blocks": [{"image": {"media": "med_302"}}]}},
            ("REQUIRED", "body"),
        ),  # no alternative text
        ({"body": {"blocks": [{"image": {"media": "med_9"}}]}}, ("NOT_FOUND", "body.blocks.0")),
        (
            {"body": {"blocks": [{"liveEntry": {"at": "2026-06-30T08:00:00Z", "text": "x"}}]}},
            ("INVALID", "body"),
        ),
        ({"body": {"text": "x"}, "author": "nobody"}, ("NOT_FOUND", "author")),
        ({"body": {"text": "x"}, "picture": "art_5"}, ("WRONG_TYPE", "picture")),
        ({"body": {"text": "x"}, "title": "two\nlines"}, ("INVALID", "title")),
        ({"body": {"text": "x\n" * 101}}, ("TOO_LONG", "body")),
    ],
)
async def test_refused_entries(newsroom: EditorialClient, input: Any, code: Any) -> None:
    id = await live_blog(newsroom)
    async with newsroom.unchanged():
        assert await newsroom.mutate_codes("addLiveEntry", article=id, **input) == {code}


async def test_refused_articles(newsroom: EditorialClient) -> None:
    news = await newsroom.create_published()
    (error,) = await newsroom.mutate_errors("addLiveEntry", article=news, body={"text": "x"})
    assert error["code"] == "INVALID"
    assert "updateArticle" in error["hint"]
    live = await live_blog(newsroom)
    entry = await add(newsroom, live, "x")
    await newsroom.mutate_ok("withdrawArticle", id=live, notice="Wrong.")
    assert await newsroom.mutate_codes("addLiveEntry", article=live, body={"text": "x"}) == {
        ("INVALID_TRANSITION", "article")
    }
    assert await newsroom.mutate_codes("editLiveEntry", id=entry, title="x") == {("INVALID_TRANSITION", "id")}
    assert await newsroom.mutate_codes("addLiveEntry", article="art_404", body={"text": "x"}) == {
        ("NOT_FOUND", "article")
    }
    assert await newsroom.mutate_codes("editLiveEntry", id="liv_404", title="x") == {("NOT_FOUND", "id")}
    await newsroom.mutate_ok("restoreArticle", id=live)
    await newsroom.mutate_ok("deleteArticle", id=live)
    assert await newsroom.mutate_codes("editLiveEntry", id=entry, title="x") == {("NOT_FOUND", "id")}
    await newsroom.mutate_ok("purgeArticle", ROOT, id=live)
    assert await newsroom.table(f"SELECT id FROM live_entry WHERE article_id = {live[4:]}") == []


async def test_entries_of_hidden_articles_are_like_unknown_ones(newsroom: EditorialClient) -> None:
    """The errors are the same, so nothing tells of the entry."""
    hidden = await add(newsroom, await newsroom.create_draft(contentType="LIVE"), "hidden")
    for mutation in ("editLiveEntry", "pinLiveEntry", "removeLiveEntry", "restoreLiveEntry"):
        errors = [await newsroom.mutate_errors(mutation, BOB, id=id) for id in (hidden, "liv_4242")]
        assert str(errors[0]).replace(hidden, "liv_4242") == str(errors[1])
        assert errors[0][0]["code"] == "NOT_FOUND"


async def test_dry_runs_idempotency_keys_and_versions(newsroom: EditorialClient) -> None:
    id = await live_blog(newsroom)
    async with newsroom.unchanged():
        await newsroom.mutate_ok("addLiveEntry", article=id, body={"text": "x"}, validateOnly=True)
    results = [
        await newsroom.mutate_ok("addLiveEntry", article=id, body={"text": "x"}, idempotencyKey=f"key-{id}")
        for _ in range(2)
    ]
    assert results[0] == results[1]
    assert await texts_of(newsroom, id) == ["x"]
    entry = results[0]["liveEntry"]["id"]
    for mutation in ("editLiveEntry", "pinLiveEntry", "removeLiveEntry", "restoreLiveEntry"):
        codes = await newsroom.mutate_codes(mutation, id=entry, ifVersion=7)
        assert codes == {("VERSION_CONFLICT", "ifVersion")}
    await newsroom.mutate_ok("pinLiveEntry", id=entry, ifVersion=1, reason="Important")
    audit = await newsroom.table(
        f"SELECT action, reason FROM audit_entry WHERE action = 'pinLiveEntry' AND target_id = '{entry}'"
    )
    assert audit == [("pinLiveEntry", "Important")]
