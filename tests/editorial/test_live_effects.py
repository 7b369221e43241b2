"""What entries of live blogs change besides the list: search, visibility, attributions, the article log."""

from __future__ import annotations

import datetime as dt
from typing import Any

from tests.conftest import NOW, Server
from tests.editorial.test_live_entries import add, body_of, live_blog, texts_of
from tests.support.editorial_client import (
    ANNA,
    DAY,
    ERIC,
    HOUR,
    SECOND,
    EditorialClient,
    open_editorial_client,
)


async def test_search_finds_entries(newsroom: EditorialClient) -> None:
    id = await live_blog(newsroom, headline="Zebra crossing")

    async def results_of(text: str) -> list[str]:
        data = await newsroom.query(
            "query($text: String) { articles(search: $text) { nodes { id } totalCount } }", text=text
        )
        assert data["articles"]["totalCount"] == len(data["articles"]["nodes"])
        return [node["id"] for node in data["articles"]["nodes"]]

    entry = await add(newsroom, id, "The quagga arrived", title="Equids")
    await add(newsroom, id, "Another quagga", title="More")
    for text in ("quagga", "quaggas", "equids", "quagga zebra", '"quagga arrived"'):
        assert await results_of(text) == [id], text
    await newsroom.mutate_ok("editLiveEntry", id=entry, body={"text": "The okapi arrived"})
    assert await results_of("okapi") == [id]
    assert await results_of('"quagga arrived"') == []
    await newsroom.mutate_ok("updateArticle", id=id, headline="Zebroid crossing")
    assert await results_of("okapi zebra") == [id]
    data = await newsroom.query('{ articles(search: "okapi") { nodes { id headline } } }', ANNA)
    assert data["articles"]["nodes"] == [{"id": id, "headline": "Zebroid crossing"}]
    await newsroom.republish(id)
    assert await results_of("okapi zebroid") == [id]
    assert await results_of("okapi zebra") == []
    await newsroom.mutate_ok("removeLiveEntry", id=entry)
    assert await results_of("okapi") == []
    await newsroom.mutate_ok("restoreLiveEntry", id=entry)
    assert await results_of("okapi") == [id]


async def test_what_only_an_entry_uses_is_visible_while_it_does(newsroom: EditorialClient) -> None:
    author = (await newsroom.mutate_ok("createAuthor", name="Live Reporter"))["id"]
    media = [
        (
            await newsroom.mutate_ok(
                "createMedia", kind="IMAGE", url=f"https://m.example/{n}.jpg", mime="image/jpeg", alt="x"
            )
        )["id"]
        for n in range(2)
    ]
    id = await live_blog(newsroom)

    async def visible() -> list[bool]:
        data = await newsroom.query("query($ids: [ID!]!) { nodes(ids: $ids) { id } }", ids=[author, *media])
        return [node is not None for node in data["nodes"]]

    assert await visible() == [False] * 3
    image = {"image": {"media": media[1]}}
    entry = await add(
        newsroom,
        id,
        "",
        body={"blocks": [image, {"paragraph": {"text": "x"}}]},
        author=author,
        picture=media[0],
    )
    assert await visible() == [True] * 3
    other = await add(newsroom, id, "y", author=author)
    await newsroom.mutate_ok("removeLiveEntry", id=entry)
    assert await visible() == [True, False, False]
    await newsroom.mutate_ok("restoreLiveEntry", id=entry)
    assert await visible() == [True] * 3
    assert await newsroom.mutate_codes("deleteAuthor", id=author) == {("IN_USE", "id")}
    assert await newsroom.mutate_codes("deleteMedia", id=media[1]) == {("IN_USE", "id")}
    await newsroom.mutate_ok("updateMedia", id=media[0], expiresAt=(newsroom.now + HOUR).isoformat())
    newsroom.now += DAY
    block = (await body_of(newsroom, id))["blocks"][-1]
    assert block["entry"]["picture"] is None
    assert block["entry"]["author"] == {"slug": "live-reporter"}
    assert await newsroom.mutate_codes("editLiveEntry", id=entry, title="x") == {
        ("LICENCE_EXPIRED", "picture")
    }
    await newsroom.mutate_ok("editLiveEntry", id=entry, title="x", picture=None, author=None)
    await newsroom.mutate_ok("removeLiveEntry", id=other)
    assert await visible() == [False, False, True]
    await newsroom.mutate_ok("deleteAuthor", id=author)
    restored = await newsroom.mutate_ok(
        "restoreLiveEntry", id=other, selection="liveEntry { author { id } } warnings { code }"
    )
    assert (
        restored == {"liveEntry": {"author": None}, "warnings": []} or restored["liveEntry"]["author"] is None
    )


async def test_attributions_refer_to_entries(newsroom: EditorialClient) -> None:
    id = await live_blog(newsroom)
    entry = await add(newsroom, id, "A witness saw ten lorries.", title="Convoy")
    block = (await body_of(newsroom, id))["blocks"][-1]["id"]
    span = {"blockId": block, "exact": "saw ten lorries"}
    await newsroom.mutate_ok("addAttribution", article=id, kind="SAID", source="sky-news", span=span)
    await newsroom.republish(id)

    async def spans() -> Any:
        data = await newsroom.query(
            "query($id: ID!) { article(id: $id) { attributions { span { blockId start exact orphaned } } } }",
            id=id,
        )
        return [one["span"] for one in data["article"]["attributions"]]

    assert await spans() == [{"blockId": block, "start": 17, "exact": "saw ten lorries", "orphaned": False}]
    await newsroom.mutate_ok("editLiveEntry", id=entry, body={"text": "One witness saw ten lorries."})
    assert (await spans())[0]["start"] == 19
    await newsroom.mutate_ok("removeLiveEntry", id=entry)
    assert (await spans())[0]["orphaned"]
    await newsroom.mutate_ok("updateArticle", id=id, kicker="Still valid")
    await newsroom.mutate_ok("restoreLiveEntry", id=entry)
    assert not (await spans())[0]["orphaned"]


async def test_entries_are_exempt_from_four_eyes(server: Server, small_newsroom_url: str) -> None:
    async with open_editorial_client(server, template=small_newsroom_url, four_eyes=True) as newsroom:
        id = await newsroom.create_draft(contentType="LIVE")
        await newsroom.mutate_ok("submitArticle", id=id)
        await newsroom.mutate_ok("approveArticle", ERIC, id=id)
        await newsroom.mutate_ok("publishArticle", id=id)
        await add(newsroom, id, "At once")
        assert await texts_of(newsroom, id) == ["At once"]
        assert NOW < newsroom.now < NOW + dt.timedelta(days=1)


async def test_the_article_log_has_the_changes_of_entries(newsroom: EditorialClient) -> None:
    """Of the entries themselves, and of the author and the picture that only an entry uses."""
    id = await live_blog(newsroom)
    author = (await newsroom.mutate_ok("createAuthor", name="Logged Reporter"))["id"]
    image = {"kind": "IMAGE", "url": "https://m.example/log.jpg", "mime": "image/jpeg", "alt": "x"}
    media = (await newsroom.mutate_ok("createMedia", **image))["id"]

    async def logged() -> list[str]:
        rows = await newsroom.table(
            f"SELECT source FROM article_log WHERE article_id = {id[4:]} AND public ORDER BY seq DESC LIMIT 1"
        )
        return sorted(rows[0][0].split())

    entry = await add(newsroom, id, "x", author=author, picture=media)
    assert await logged() == ["article", "live_entry"]
    await newsroom.mutate_ok("updateAuthor", id=author, name="Renamed Reporter")
    assert await logged() == ["author"]
    await newsroom.mutate_ok("updateMedia", id=media, alt="y")
    assert await logged() == ["media"]
    for mutation in ("pinLiveEntry", "removeLiveEntry", "restoreLiveEntry"):
        await newsroom.mutate_ok(mutation, id=entry)
        assert "live_entry" in await logged(), mutation
        await newsroom.mutate_ok("updateAuthor", id=author, name=f"Name after {mutation}")


async def test_changes_of_entries_can_be_read_in_order(newsroom: EditorialClient) -> None:
    """Rows with `changed_at` and `version` tell what was added, changed and removed since a time."""
    id = await live_blog(newsroom)
    first, second = await add(newsroom, id, "one"), await add(newsroom, id, "two")
    newsroom.now += HOUR
    since = newsroom.now
    await newsroom.mutate_ok("editLiveEntry", id=first, title="Edited")
    newsroom.now += SECOND
    await newsroom.mutate_ok("removeLiveEntry", id=second)
    third = await add(newsroom, id, "three")
    rows = await newsroom.table(
        "SELECT id, version, removed_at IS NULL FROM live_entry"
        f" WHERE article_id = {id[4:]} AND changed_at >= '{since.isoformat().replace('+00:00', 'Z')}'"
        " ORDER BY changed_at, id"
    )
    assert [(f"liv_{row[0]}", row[1], bool(row[2])) for row in rows] == [
        (first, 2, True),
        (second, 2, False),
        (third, 1, True),
    ]
