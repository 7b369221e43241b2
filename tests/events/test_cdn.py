"""Purges of a CDN: which tags, and the requests of each kind."""

from __future__ import annotations

import asyncio
from functools import partial
from typing import Any

import orjson
import pytest
from tests.events.conftest import Hooks
from tests.support.editorial_client import PUBLIC, ROOT
from tests.support.webhook_receiver import response

from contentql.content.cache_tags import clean_tag
from contentql.errors import OperatorError
from contentql.events.cdn import TAGS_PER_PURGE, Cdn, load_cdns
from contentql.execution.request import GraphQLRequest
from contentql.settings import Settings


def http_cdn(hooks: Hooks) -> Cdn:
    return Cdn("http", hooks.receiver.url("/purge"), token="t0ken", headers={"x-key": "{token}"})


async def wait_for_cdn(hooks: Hooks) -> Any:
    """The webhook of the CDN, which the worker creates at its first start."""
    async with asyncio.timeout(30):
        while not (webhooks := await _webhooks(hooks)):  # noqa: ASYNC110
            await asyncio.sleep(0.05)
    return webhooks[0]


async def _webhooks(hooks: Hooks) -> Any:
    data = await hooks.newsroom.query("{ webhooks { nodes { id kind url } } }", ROOT)
    return data["webhooks"]["nodes"]


async def response_tags(hooks: Hooks, query: str) -> set[str]:
    """The cache tags of the response that the public gets."""
    answer = await hooks.newsroom.executor.execute(GraphQLRequest(query, queries_only=True))
    assert answer.cached is not None
    return set(map(clean_tag, (*answer.cached.list_tags, *answer.cached.shown_ids)))


def _are_purged(hooks: Hooks, tags: list[set[str]]) -> bool:
    """Whether a tag of each response was purged."""
    purged = {tag for request in hooks.receiver.at("/purge") for tag in request.json["tags"]}
    return all(of_response & purged for of_response in tags)


READS = {
    "article": '{ article(slug: "the-first") { headline } }',
    "latest": '{ latestNews(section: "world/asia") { nodes { headline } } }',
    "tag": '{ tag(slug: "tears") { name articles { totalCount } } }',
    "collection": '{ collection(slug: "front-page") { items { article { headline } } } }',
}


async def test_every_changed_response_is_purged(hooks: Hooks) -> None:
    """Each write purges a tag of each response that it changes."""
    newsroom = hooks.newsroom
    id = await newsroom.create_published(tags=[{"tag": "tears"}])
    writes: list[tuple[str, dict[str, Any], set[str]]] = [
        ("updateTag", {"id": "tears", "name": "Weeping"}, {"tag"}),
        ("updateCollection", {"id": "front-page", "items": [{"article": id}]}, {"collection"}),
        ("unpublishArticle", {"id": id}, {"latest", "tag", "collection"}),
    ]
    async with hooks.worker(http_cdn(hooks)).running():
        await wait_for_cdn(hooks)
        for mutation, input, changed in writes:
            before = {name: await newsroom.query(query) for name, query in READS.items()}
            tags = {name: await response_tags(hooks, query) for name, query in READS.items()}
            await newsroom.mutate_ok(mutation, **input)
            after = {name: await newsroom.query(query) for name, query in READS.items()}
            assert {name for name in READS if before[name] != after[name]} == changed
            await hooks.receiver.wait_until(partial(_are_purged, hooks, [tags[name] for name in changed]))
            hooks.receiver.requests.clear()


async def test_a_purge_is_repeated_until_it_succeeds(hooks: Hooks) -> None:
    """The CDN of the settings is listed for administrators, who cannot change it."""
    hooks.receiver.behaviour["/purge"] = response(500)
    async with hooks.worker(http_cdn(hooks)).running():
        listed = await wait_for_cdn(hooks)
        assert (listed["kind"], listed["url"]) == ("CDN", hooks.receiver.url("/purge"))
        await hooks.newsroom.create_published()
        await hooks.wait_for_attempts(listed["id"])
        del hooks.receiver.behaviour["/purge"]
        await hooks.retry_now()
        await hooks.receiver.wait_for(2, "/purge")
        first = hooks.receiver.requests[0]
        await hooks.receiver.wait_until(lambda: first.body in [r.body for r in hooks.receiver.requests[1:]])
        assert first.headers["x-key"] == "t0ken"
        await hooks.wait_for_states(listed["id"], *["DELIVERED"] * len(await hooks.deliveries(listed["id"])))
    codes = await hooks.newsroom.mutate_codes("deleteWebhook", ROOT, id=listed["id"])
    assert codes == {("INVALID", "id")}
    assert (await hooks.newsroom.execute("{ webhooks { totalCount } }", PUBLIC))["errors"]


async def test_a_cdn_that_is_not_in_the_settings_is_removed(hooks: Hooks) -> None:
    async with hooks.worker(http_cdn(hooks)).running():
        await wait_for_cdn(hooks)
    await hooks.create()
    async with hooks.worker().running():
        await hooks.newsroom.create_published()
        await hooks.receiver.wait_for(1)
    assert [webhook["kind"] for webhook in await _webhooks(hooks)] == ["WEBHOOK"]


def test_requests_of_each_kind() -> None:
    tags = ["art_1", "section:world/asia"]
    fastly = Cdn("fastly", service="abc", token="t").purge_request(tags)
    assert (fastly.method, fastly.url) == ("POST", "https://api.fastly.com/service/abc/purge")
    assert fastly.headers["fastly-key"] == "t"
    assert orjson.loads(fastly.body) == {"surrogate_keys": tags}
    cloudflare = Cdn("cloudflare", service="zone", token="t").purge_request(tags)
    assert cloudflare.url == "https://api.cloudflare.com/client/v4/zones/zone/purge_cache"
    assert cloudflare.headers["authorization"] == "Bearer t"
    assert orjson.loads(cloudflare.body) == {"tags": tags}
    varnish = Cdn("varnish", "http://10.0.0.5/").purge_request(tags)
    assert (varnish.method, varnish.url, varnish.body) == ("PURGE", "http://10.0.0.5/", b"")
    assert varnish.headers == {"xkey-purge": " ".join(tags), "surrogate-key": " ".join(tags)}
    template = '{"purge": {tags}, "list": "{tag_list}"}'
    http = Cdn(
        "http", "https://cdn.example/", token="t", headers={"k": "{token}"}, body=template
    ).purge_request(tags)
    assert orjson.loads(http.body) == {"purge": tags, "list": ",".join(tags)}
    assert http.headers["k"] == "t"
    assert TAGS_PER_PURGE.keys() == {"fastly", "cloudflare", "varnish", "http"}


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"cdn": "fastly"}, "CONTENTQL_CDN=fastly needs CONTENTQL_CDN_SERVICE."),
        ({"cdn": "cloudflare", "cdn_service": "z"}, "CONTENTQL_CDN=cloudflare needs CONTENTQL_CDN_TOKEN."),
        ({"cdn": "varnish"}, "CONTENTQL_CDN=varnish needs CONTENTQL_CDN_URL."),
        ({"cdn": "varnish", "cdn_url": "http://10.0.0.5/"}, "the URL must begin with https://."),
        ({"cdn": "http", "cdn_url": "https://10.0.0.5/"}, "the URL must not lead to a private address."),
    ],
)
def test_incomplete_settings(settings: dict[str, Any], message: str) -> None:
    with pytest.raises(OperatorError) as failed:
        load_cdns(Settings(**settings))
    assert str(failed.value).endswith(message)


def test_several_varnish_servers() -> None:
    settings = Settings(
        cdn="varnish", cdn_url="http://10.0.0.5/, http://10.0.0.6/", webhook_networks="10.0.0.0/8"
    )
    assert [cdn.address for cdn in load_cdns(settings)] == ["http://10.0.0.5/", "http://10.0.0.6/"]
    assert load_cdns(Settings()) == ()
