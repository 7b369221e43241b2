"""The reader's site: canonical URLs, what paths lead to, redirects, and ids in other systems."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any
from urllib.parse import quote

import pytest
from tests.conftest import Server
from tests.support.editorial_client import (
    ANNA,
    PUBLIC,
    EditorialClient,
    open_editorial_client,
    small_newsroom,
)

from contentql.content.records import ArticleRecord, ExternalIdRecord

RESOLVE = """query ($path: String!) { resolve(path: $path) {
    node { id __typename } redirect { to status } gone { notice }
} }"""
NOTHING = {"node": None, "redirect": None, "gone": None}


@pytest.fixture(params=[False, True], ids=["uncached", "cached"])
async def site(server: Server, request: pytest.FixtureRequest) -> AsyncIterator[EditorialClient]:
    async with open_editorial_client(server, with_cache=request.param) as newsroom:
        yield newsroom


async def resolve(newsroom: EditorialClient, path: str, actor: Any = PUBLIC) -> Any:
    """What a path leads to, requested twice, so that the second response may be a cached one."""
    first = (await newsroom.query(RESOLVE, actor, path=path))["resolve"]
    assert (await newsroom.query(RESOLVE, actor, path=path))["resolve"] == first
    return first


async def address(newsroom: EditorialClient, id: str) -> str:
    data = await newsroom.query("query ($i: ID!) { article(id: $i) { slug category { path } } }", ANNA, i=id)
    return f"/{data['article']['category']['path']}/{data['article']['slug']}"


def object_at(id: str) -> dict[str, Any]:
    return {**NOTHING, "node": {"id": id, "__typename": "Article"}}


def redirect_to(id: str, to: str, status: int = 301) -> dict[str, Any]:
    return {**object_at(id), "redirect": {"to": to, "status": status}}


async def test_every_object_is_at_its_path(site: EditorialClient) -> None:
    """In any spelling of the address: with a slash at the end, a query, or percent-encoded."""
    await site.create_published(headline="São Paulo às 8", slug="são-paulo")
    lists = ("articles", "categories", "tags", "authors", "sources", "stories", "collections")
    query = f"{{ {' '.join(f'{name}(first: 50) {{ nodes {{ id __typename }} }}' for name in lists)} }}"
    patterns = {
        item["type"]: item["pattern"]
        for item in (await site.query("{ site { urlPatterns { type pattern } } }"))["site"]["urlPatterns"]
    }
    for nodes in (await site.query(query)).values():
        for node in nodes["nodes"]:
            name = node["__typename"].lower()
            fields = {
                "article": "slug category { path }",
                "category": "path",
            }.get(name, "slug")
            row = (await site.query(f'{{ {name}(id: "{node["id"]}") {{ {fields} }} }}'))[name]
            path = patterns[name].replace("{section}", (row.get("category") or {}).get("path", ""))
            path = path.replace("{slug}", row.get("slug", "")).replace("{path}", row.get("path", ""))
            for spelled in (path, f"{path}/", f"{path}?utm_source=x", quote(path), f"{path}#top"):
                expected = {**NOTHING, "node": {"id": node["id"], "__typename": node["__typename"]}}
                assert await resolve(site, spelled) == expected, spelled


@pytest.mark.parametrize(
    "path",
    [
        "", "/", "//", "/world/asia/nothing", "nothing", "https://elsewhere.example/world/asia", "/tags",
        "/%ff", "/../etc", "/world/asia/kim/", "/WORLD/asia", "/tags/world/asia", "/{section}/{slug}", "?",
        "#", "/world/asia\x00",
    ],
)  # fmt: skip
async def test_other_paths_lead_to_nothing(newsroom: EditorialClient, path: str) -> None:
    assert await resolve(newsroom, path) is None


async def test_former_addresses_of_an_article_redirect(site: EditorialClient) -> None:
    """A former slug, a former section, a renamed section; a wrong section is none."""
    id = await site.create_published(slug="first", category="world/asia", tags=[{"tag": "tears"}])
    await site.mutate_ok("updateArticle", id=id, slug="second", category="politics")
    assert await resolve(site, "/politics/second") is None  # not published yet
    await site.republish(id)
    new = "/politics/second"
    assert await resolve(site, new) == object_at(id)
    for path in ("/world/asia/first", "/world/asia/second", "/politics/first"):
        assert await resolve(site, path) == redirect_to(id, new), path
    for path in ("/world/first", "/first", "/sport/second", "/world/asia/third"):
        assert await resolve(site, path) is None, path
    await site.mutate_ok("updateCategory", id="politics", slug="polity")
    assert await resolve(site, "/polity/second") == object_at(id)
    for path in ("/politics/second", "/politics/first", "/world/asia/first"):
        assert await resolve(site, path) == redirect_to(id, "/polity/second"), path
    section = await resolve(site, "/politics")
    assert section["redirect"] == {"to": "/polity", "status": 301}
    await site.mutate_ok("updateTag", id="tears", slug="weeping")
    assert (await resolve(site, "/tags/tears"))["redirect"] == {"to": "/tags/weeping", "status": 301}


async def test_hidden_articles_look_like_none(site: EditorialClient) -> None:
    """At their own path, at a former one and behind a redirect, until they are published."""
    id = await site.create_draft(slug="secret", category="world/asia")
    await site.mutate_ok("createRedirect", path="/old-secret", target=id)
    await site.mutate_ok("createRedirect", path="/by-path", url="/world/asia/secret")
    paths = ("/world/asia/secret", "/old-secret", "/by-path")
    for path in paths:
        assert await resolve(site, path) is None, path
        assert (await resolve(site, path, ANNA))["node"]["id"] == id
    for transition in ("submitArticle", "approveArticle", "publishArticle"):
        await site.mutate_ok(transition, id=id)
    assert await resolve(site, paths[0]) == object_at(id)
    for path in paths[1:]:
        assert await resolve(site, path) == redirect_to(id, "/world/asia/secret"), path
    await site.mutate_ok("unpublishArticle", id=id)
    for path in paths:
        assert await resolve(site, path) is None, path


async def test_withdrawn_articles_are_gone(site: EditorialClient) -> None:
    id = await site.create_published(slug="wrong", category="world/asia")
    await site.mutate_ok("updateArticle", id=id, slug="quite-wrong")
    await site.republish(id)
    await resolve(site, "/world/asia/wrong")
    await site.mutate_ok("withdrawArticle", id=id, notice="This report was wrong.")
    for path in ("/world/asia/quite-wrong", "/world/asia/wrong"):
        assert await resolve(site, path) == {**NOTHING, "gone": {"notice": "This report was wrong."}}, path
    assert await resolve(site, "/politics/quite-wrong") is None


async def test_redirects_of_editors(site: EditorialClient) -> None:
    """To an object, whose renames they follow, or to an address; with the query of the old address."""
    id = await site.create_published(slug="news", category="world/asia")
    first = await site.mutate_ok("createRedirect", path="/2019/05/old/", target=id, status=308)
    assert await resolve(site, "/2019/05/old") == redirect_to(id, "/world/asia/news", 308)
    await site.mutate_ok("createRedirect", path="/?p=4711", url="https://elsewhere.example/x?y=1", status=302)
    expected = {**NOTHING, "redirect": {"to": "https://elsewhere.example/x?y=1", "status": 302}}
    assert await resolve(site, "/?p=4711") == expected
    assert await resolve(site, "/?p=4712") is None
    await site.mutate_ok("createRedirect", path="/imprint", url="/about")
    assert await resolve(site, "/imprint?x=1") == {**NOTHING, "redirect": {"to": "/about", "status": 301}}
    await site.mutate_ok("updateArticle", id=id, slug="fresh")
    await site.republish(id)
    assert await resolve(site, "/2019/05/old") == redirect_to(id, "/world/asia/fresh", 308)
    query = "{ redirects { totalCount nodes { id path targetId targetUrl status createdBy } } }"
    listed = (await site.query(query, ANNA))["redirects"]
    assert [node["path"] for node in listed["nodes"]] == ["/imprint", "/?p=4711", "/2019/05/old"]
    assert [node["targetId"] for node in listed["nodes"]] == [None, None, id]
    assert (await site.query(query))["redirects"]["totalCount"] == 0
    await site.mutate_ok("deleteRedirect", id=first["id"])
    assert await resolve(site, "/2019/05/old") is None


@pytest.mark.parametrize(
    ("input", "errors"),
    [
        ({"path": "/a"}, {("REQUIRED", "target")}),
        ({"path": "/a", "url": "/b", "target": "tag_1"}, {("REQUIRED", "target")}),
        ({"path": "/", "url": "/b"}, {("INVALID", "path")}),
        ({"path": "https://elsewhere.example/a", "url": "/b"}, {("INVALID", "path")}),
        ({"path": "/a", "url": "/a"}, {("INVALID", "url")}),
        ({"path": "/a", "url": "/a/"}, {("INVALID", "url")}),
        ({"path": "/a", "url": "javascript:alert(1)"}, {("INVALID", "url")}),
        ({"path": "/a", "url": ""}, {("INVALID", "url")}),
        ({"path": "/a", "url": f"https://elsewhere.example/{'a' * 2_000}"}, {("TOO_LONG", "url")}),
        ({"path": f"/{'a' * 1_000}", "url": "/b"}, {("INVALID", "path")}),
        ({"path": "/a", "url": "/b", "status": 200}, {("INVALID", "status")}),
        ({"path": "/a", "target": "art_99"}, {("NOT_FOUND", "target")}),
        ({"path": "/a", "target": "med_1"}, {("WRONG_TYPE", "target")}),
        ({"path": "/taken/", "url": "/b"}, {("TAKEN", "path")}),
    ],
)
async def test_impossible_redirects_are_refused(
    newsroom: EditorialClient, input: dict[str, Any], errors: set[tuple[str, str]]
) -> None:
    if (await resolve(newsroom, "/taken")) is None:
        await newsroom.mutate_ok("createRedirect", path="/taken", url="/free")
    async with newsroom.unchanged():
        assert await newsroom.mutate_codes("createRedirect", ANNA, **input) == errors


@pytest.mark.parametrize("with_cache", [False, True])
async def test_articles_have_ids_in_other_systems(server: Server, with_cache: bool) -> None:
    """Found by them, also by filters, and hidden until they are published."""
    ids = (ExternalIdRecord(system="wordpress", value="4711"), ExternalIdRecord(system="guid", value="a/b?c"))
    imported = next(record for record in small_newsroom() if isinstance(record, ArticleRecord))
    article = imported.model_copy(
        update={"id": 702, "slug": "imported", "uri": "urn:x:702", "external_ids": ids, "attributions": ()}
    )
    async with open_editorial_client(server, article, with_cache=with_cache) as newsroom:
        await _check_external_ids(newsroom)


async def _check_external_ids(site: EditorialClient) -> None:
    fields = "id externalIds { system value }"
    query = f"query ($x: ExternalIdInput!) {{ article(externalId: $x) {{ {fields} }} }}"
    listed = f"{{ articles(filter: {{externalIds: {{some: {{}}}}}}) {{ nodes {{ {fields} }} }} }}"
    nodes = (await site.query(listed))["articles"]["nodes"]
    assert [len(node["externalIds"]) for node in nodes] == [2]
    for node in nodes:
        for external in node["externalIds"]:
            assert (await site.query(query, x=external))["article"] == node
            literal = f'{{system: "{external["system"]}", value: "{external["value"]}"}}'
            literal = f"{{ article(externalId: {literal}) {{ id }} }}"
            assert (await site.query(literal))["article"]["id"] == node["id"]
            await site.mutate_ok("unpublishArticle", id=node["id"])
            assert (await site.query(query, x=external))["article"] is None
            for transition in ("submitArticle", "approveArticle", "publishArticle"):
                await site.mutate_ok(transition, id=node["id"])
            assert (await site.query(query, x=external))["article"] == node
    missing = {"system": "x", "value": "y"}
    assert (await site.query(query, x=missing))["article"] is None
