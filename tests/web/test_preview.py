"""The preview page: one article by preview token, and errors for all other requests."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import AsyncIterator
from html.parser import HTMLParser
from typing import Any

import httpx2
import pytest
from starlette.applications import Starlette
from tests.conftest import Server
from tests.support.editorial_client import BOB, DAY, HOUR, SECOND, EditorialClient, open_editorial_client
from tests.support.http_client import client_from, make_endpoint

from contentql.app import build_admission_control, build_executor
from contentql.auth import api_tokens, preview_tokens
from contentql.auth.authenticator import Authenticator
from contentql.auth.permissions import Role
from contentql.auth.throttle import MAX_FAILURES
from contentql.content.ids import decode_id
from contentql.errors import OperatorError
from contentql.settings import Settings, load_settings
from contentql.store.models.articles import ArticleBody
from contentql.telemetry.observer import RequestObserver
from contentql.web.preview import preview_routes
from contentql.web.preview_page import PREVIEW_HEADERS

RELAY = {"kind": "ACCORDING_TO", "source": "sky-news"}


@pytest.fixture
async def newsroom(server: Server) -> AsyncIterator[EditorialClient]:
    async with open_editorial_client(server) as result:
        yield result


@pytest.fixture
async def http(newsroom: EditorialClient) -> AsyncIterator[httpx2.AsyncClient]:
    """A browser without a token."""
    settings = Settings()
    authenticator = Authenticator(newsroom.database, settings, now=lambda: newsroom.now)
    routes = preview_routes(
        newsroom.executor, authenticator, build_admission_control(settings), RequestObserver(settings)
    )
    transport = httpx2.ASGITransport(Starlette(routes=routes), client=("192.0.2.9", 1))
    async with httpx2.AsyncClient(transport=transport, base_url="http://newsroom.test") as result:
        yield result


async def create_link(newsroom: EditorialClient, id: str, **input: Any) -> str:
    """The URL of a new preview link."""
    url: str = await newsroom.mutate_ok("createPreviewLink", selection="url", id=id, **input)
    return url


class RenderedPage(HTMLParser):
    """The visible text of a page, its tags, and the URLs that it loads."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.text = ""
        self.sources: list[str] = []
        self.tags: set[str] = set()
        self._hidden = 0
        self.feed(html)
        self.text = re.sub(r"\s+", " ", self.text).strip()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        self._hidden += tag in ("style", "title")
        for name, value in attrs:
            assert not name.startswith("on"), (tag, attrs)
            assert name != "style", (tag, attrs)
            if name == "src":
                self.sources.append(str(value))

    def handle_endtag(self, tag: str) -> None:
        self._hidden -= tag in ("style", "title")

    def handle_data(self, data: str) -> None:
        if not self._hidden:
            self.text += f" {data}"


async def test_preview_shows_the_complete_draft(newsroom: EditorialClient, http: httpx2.AsyncClient) -> None:
    """Headline, lede, byline, pictures, text and sources, in their current state."""
    tag = await newsroom.mutate_ok("createTag", type="PERSON", name="Kim <Jong-un>")
    id = await newsroom.create_draft(
        headline='Kim & <b>"the coffin"</b>',
        kicker="North Korea",
        lede="He knelt.",
        byline="By Jane Doe",
        tags=[{"tag": tag["id"]}],
        leadMedia="med_301",
        body={
            "blocks": [
                {"paragraph": {"text": "<script>alert(1)</script> aired, according to Sky News."}},
                {"image": {"media": "med_301", "caption": "The ceremony"}},
                {"heading": {"text": "What comes next"}},
            ]
        },
    )
    await newsroom.mutate_ok(
        "addAttribution",
        article=id,
        kind="CITING",
        source="south-korean-intelligence",
        claim="An attack <may> come",
        quote="We are ready",
        via=RELAY,
    )
    url = await create_link(newsroom, id)
    assert re.fullmatch(r"/preview/cqlp_[A-Za-z0-9_-]{64}", url)
    response = await http.get(url)
    assert response.status_code == 200
    assert '<html lang="en">' in response.text
    page = RenderedPage(response.text)
    assert page.text == (
        "Preview – not published: draft. This link ends at 3 July 2026, 08:00 UTC ."
        ' North Korea Kim & <b>"the coffin"</b> He knelt. By Jane Doe'
        " Section World › Asia Tags Kim <Jong-un> Version 2"
        " <script>alert(1)</script> aired, according to Sky News. The ceremony What comes next"
        " Sources Citing South Korean intelligence , according to Sky News"
        " : An attack <may> come We are ready"
    )
    assert page.sources == ["https://media.example.org/a.jpg"] * 2
    assert 'alt="A coffin"' in response.text
    assert not page.tags & {"script", "iframe", "form", "object"}
    await newsroom.mutate_ok("updateArticle", id=id, headline="Kim weeps")
    assert "<h1>Kim weeps</h1>" in (await http.get(url)).text


async def test_preview_begins_with_the_status(newsroom: EditorialClient, http: httpx2.AsyncClient) -> None:
    """In review, scheduled, published, corrected, or published with unpublished changes."""
    id = await newsroom.create_draft()
    url = await create_link(newsroom, id)

    async def page_text() -> str:
        return RenderedPage((await http.get(url)).text).text

    await newsroom.mutate_ok("submitArticle", id=id)
    assert (await page_text()).startswith("Preview – not published: in review.")
    await newsroom.mutate_ok("approveArticle", id=id)
    await newsroom.mutate_ok("scheduleArticle", id=id, publishAt="2026-07-01T06:00:00Z")
    assert (await page_text()).startswith("Preview – not published: scheduled for 1 July 2026, 06:00 UTC .")
    await newsroom.mutate_ok("publishArticle", id=id)
    assert (await page_text()).startswith("Preview – this article is published.")
    await newsroom.mutate_ok(
        "correctArticle", id=id, kind="CORRECTION", text="It was <Tuesday>.", selection="article { id }"
    )
    assert (await page_text()).endswith("Corrections Correction, 30 June 2026, 08:00 UTC : It was <Tuesday>.")
    await newsroom.mutate_ok("updateArticle", id=id, headline="Changed since")
    changed = await page_text()
    assert changed.startswith("Preview – changes that are not published.")
    assert "Changed since" in changed


async def test_preview_without_lede_does_not_repeat_the_first_paragraph(
    newsroom: EditorialClient, http: httpx2.AsyncClient
) -> None:
    page = RenderedPage((await http.get(await create_link(newsroom, await newsroom.create_draft()))).text)
    assert page.text.count("Kim wept before a coffin on Monday.") == 1


async def test_preview_loads_pictures_of_https_and_of_its_own_host(
    newsroom: EditorialClient, http: httpx2.AsyncClient
) -> None:
    """Other pictures, and files that are no pictures, are replaced by a link in a box."""
    created = [
        await newsroom.mutate_ok("createMedia", kind=kind, url=url, alt="A")
        for kind, url in (
            ("IMAGE", "http://media.example.org/p.jpg"),
            ("VIDEO", "https://media.example.org/f.mp4"),
            ("IMAGE", "http://newsroom.test/own.jpg"),
            ("IMAGE", "http://newsroom.test.example.org/foreign.jpg"),
        )
    ]
    plain, film, own, foreign = (media["id"] for media in created)
    blocks = [
        {"image": {"media": plain}},
        {"video": {"media": film, "caption": "Moving"}},
        {"gallery": {"media": ["med_301", own, foreign]}},
    ]
    id = await newsroom.create_draft(
        leadMedia=plain, body={"blocks": [{"paragraph": {"text": "So."}}, *blocks]}
    )
    text = (await http.get(await create_link(newsroom, id))).text
    page = RenderedPage(text)
    assert page.sources == ["https://media.example.org/a.jpg", "http://newsroom.test/own.jpg"]
    assert "Image Video Moving" in page.text
    assert text.count('<a href="http://media.example.org/p.jpg" rel="noreferrer">Image</a>') == 2
    assert '<a href="https://media.example.org/f.mp4" rel="noreferrer">Video</a>' in text


async def test_preview_shows_live_entries_with_flags_and_times_in_words(
    newsroom: EditorialClient, http: httpx2.AsyncClient
) -> None:
    entries = [
        {
            "at": "2026-06-30T16:05:09+02:00",
            "title": "They are off",
            "text": "A light wind.",
            "keyEvent": True,
        },
        {"at": "2026-06-30T15:00:00Z", "text": "Nothing yet."},
    ]
    id = await newsroom.create_draft(body={"blocks": [{"liveEntry": entry} for entry in entries]})
    text = (await http.get(await create_link(newsroom, id))).text
    assert (
        "30 June 2026, 15:00 UTC Nothing yet. Key event 30 June 2026, 14:05 UTC They are off A light wind."
        in RenderedPage(text).text
    )
    assert '<time datetime="2026-06-30T14:05:09Z">30 June 2026, 14:05 UTC</time>' in text


async def test_preview_keeps_times_that_have_words(
    newsroom: EditorialClient, http: httpx2.AsyncClient
) -> None:
    """Stored HTML of another program may have times in its own words, or times that are not valid."""
    id = await newsroom.create_draft()
    decoded = decode_id(id)
    assert decoded
    html = (
        '<p><time datetime="2026-06-30T14:05:00Z">at five past two</time>'
        ' <time datetime="soon">soon</time> <time datetime="2026-06-30">2026-06-30</time>'
        ' <time datetime="2026-06-30T14:05:00Z"></time></p>'
    )
    async with newsroom.database.transaction():
        await ArticleBody.filter(article_id=decoded[1]).update(html=html)
    page = RenderedPage((await http.get(await create_link(newsroom, id))).text)
    assert "at five past two soon 2026-06-30 30 June 2026, 14:05 UTC" in page.text


async def test_preview_sanitizes_the_stored_body(newsroom: EditorialClient, http: httpx2.AsyncClient) -> None:
    """HTML that another program wrote to the database shows its text and pictures, and runs nothing."""
    id = await newsroom.create_draft(
        body={"blocks": [{"paragraph": {"text": "So."}}, {"image": {"media": "med_301", "caption": "C"}}]}
    )
    decoded = decode_id(id)
    assert decoded
    async with newsroom.database.transaction():
        row = await ArticleBody.get(article_id=decoded[1])
        hostile = (
            '<p onclick="x()">Words</p><script>alert(1)</script><iframe src="https://x"></iframe></main>'
        )
        await ArticleBody.filter(article_id=decoded[1]).update(html=f"{hostile}{row.html}")
    page = RenderedPage((await http.get(await create_link(newsroom, id))).text)
    assert not page.tags & {"script", "iframe"}
    assert "Words So. C" in page.text
    assert page.sources == ["https://media.example.org/a.jpg"]


async def test_preview_pages_are_not_cached_or_indexed(
    newsroom: EditorialClient, http: httpx2.AsyncClient
) -> None:
    """All responses forbid caching, indexing, frames, scripts and referrers."""
    url = await create_link(newsroom, await newsroom.create_draft())
    for address, status in ((url, 200), (url[:-1], 404)):
        response = await http.get(address)
        assert response.status_code == status
        fields = dict(response.headers)
        assert PREVIEW_HEADERS.items() <= fields.items()
        assert fields["cache-control"] == "private, no-store"
        assert fields["referrer-policy"] == "no-referrer"
        policy = dict(part.split(" ", 1) for part in fields["content-security-policy"].split("; "))
        assert policy.pop("style-src").startswith("'sha256-")
        assert policy == {
            "default-src": "'none'",
            "img-src": "'self' https: data:",
            "base-uri": "'none'",
            "form-action": "'none'",
            "frame-ancestors": "'none'",
        }
        assert '<meta name="robots" content="noindex, nofollow">' in response.text
        head = await http.head(address)
        assert (head.status_code, head.content) == (status, b"")
        assert (await http.post(address)).status_code == 405


async def test_preview_pages_are_returned_with_a_final_slash(
    newsroom: EditorialClient, http: httpx2.AsyncClient
) -> None:
    """There is no redirect, which would repeat the token and the client's Host."""
    url = await create_link(newsroom, await newsroom.create_draft())
    plain, slash = await http.get(url), await http.get(f"{url}/", headers={"host": "evil.test"})
    assert (slash.status_code, slash.text) == (plain.status_code, plain.text)
    assert slash.headers["cache-control"] == "private, no-store"


async def test_invalid_preview_links_return_the_same_page(
    newsroom: EditorialClient, http: httpx2.AsyncClient
) -> None:
    """Expired, forged or malformed tokens are 404 with equal text."""
    id = await newsroom.create_draft()
    url = await create_link(newsroom, id, expiresAt="2026-06-30T10:00:00Z")
    other = await create_link(newsroom, await newsroom.create_draft())
    async with newsroom.database.orm():
        _, secret = await api_tokens.issue_token(
            name="Jane", role=Role.ADMIN, created_by="tests", now=newsroom.now
        )
    forged = preview_tokens.sign_preview_token("a guess", 701, newsroom.now + DAY)
    tokens = [
        "cqlp_",
        url.rpartition("/")[2] + "A",
        forged,
        secret,
        "nothing",
        "%ff",
        "cqlp_%C3%BC",
        "a" * 9_000,
    ]
    pages = {(await http.get(f"/preview/{token}")).text for token in tokens}
    assert (await http.get(url)).status_code == 200
    newsroom.now += 2 * HOUR - SECOND
    assert (await http.get(url)).status_code == 200
    newsroom.now += SECOND
    expired = await http.get(url)
    assert expired.status_code == 404
    pages.add(expired.text)
    (page,) = pages
    assert RenderedPage(page).text == (
        "This link shows nothing It has ended, was not copied whole, or the article is gone."
        " Ask its sender for a new one."
    )
    assert (await http.get(other)).status_code == 200


async def test_preview_of_deleted_articles_is_404(
    newsroom: EditorialClient, http: httpx2.AsyncClient
) -> None:
    id = await newsroom.create_draft()
    url = await create_link(newsroom, id)
    await newsroom.mutate_ok("deleteArticle", id=id)
    response = await http.get(url)
    assert response.status_code == 404
    assert "This link shows nothing" in response.text


async def test_failed_preview_links_are_rate_limited(
    newsroom: EditorialClient, http: httpx2.AsyncClient
) -> None:
    """Invalid preview tokens count like other invalid tokens."""
    for number in range(MAX_FAILURES):
        assert (
            await http.get(
                f"/preview/{preview_tokens.sign_preview_token('guess', number, newsroom.now + DAY)}"
            )
        ).status_code == 404
    response = await http.get(
        f"/preview/{preview_tokens.sign_preview_token('guess', 999, newsroom.now + DAY)}"
    )
    assert response.status_code == 429
    assert "Wait a minute" in response.text


CREATE_LINK = "mutation ($id: ID!) { createPreviewLink(input: {id: $id}) { url } }"


@pytest.fixture
async def token(newsroom: EditorialClient) -> str:
    async with newsroom.database.orm():
        _, secret = await api_tokens.issue_token(
            name="Jane", role=Role.ADMIN, created_by="tests", now=newsroom.now
        )
    return secret


async def create_link_over_http(newsroom: EditorialClient, token: str, id: str, **settings: Any) -> str:
    """The URL of a link without its token, created through a proxy by a server with these settings."""
    executor = build_executor(Settings(response_cache_bytes=0, **settings), newsroom.database)
    client = client_from(make_endpoint(executor, **settings), "10.0.0.1")
    headers = {
        "authorization": f"Bearer {token}",
        "x-forwarded-proto": "https",
        "x-forwarded-host": "example.org",
    }
    async with client:
        response = await client.post(
            "/graphql", headers=headers, json={"query": CREATE_LINK, "variables": {"id": id}}
        )
    url: str = response.json()["data"]["createPreviewLink"]["url"]
    return url.partition("cqlp_")[0]


@pytest.mark.parametrize(
    ("expected", "settings"),
    [
        ("http://newsroom.test/preview/", {}),
        ("https://example.org/preview/", {"trusted_proxies": "10.0.0.0/8"}),
        ("https://api.example.org/cms/preview/", {"base_url": "https://api.example.org/cms/"}),
        ("http://newsroom.test/d/", {"preview_url_template": "/d/{token}"}),
        (
            "https://api.example.org/d/",
            {"preview_url_template": "/d/{token}", "base_url": "https://api.example.org"},
        ),
        (
            "https://example.net/?t=",
            {"preview_url_template": "https://example.net/?t={token}", "base_url": "https://api.example.org"},
        ),
    ],
)
async def test_preview_links_are_absolute(
    newsroom: EditorialClient, token: str, expected: str, settings: dict[str, str]
) -> None:
    """They begin with CONTENTQL_BASE_URL, or else with the host of the request."""
    id = await newsroom.create_draft()
    assert await create_link_over_http(newsroom, token, id, **settings) == expected


@pytest.mark.parametrize(
    ("url", "reason"),
    [
        ("example.org", "must begin with http:// or https://"),
        ("ftp://example.org", "must begin with http:// or https://"),
        ("https://", "must begin with http:// or https://"),
        ("https://exa mple.org", "must begin with http:// or https://"),
        ("https://jane:secret@example.org", "must not contain credentials"),
        ("https://example.org/?a=b", "must have no query"),
        ("https://example.org/?", "must have no query"),
        ("https://example.org/#a", "must have no query and no fragment"),
        ("https://example.org:99999", "ort"),
        ("https://example.org:0", "ort"),
        ("https://example.org/a b", "must be encoded"),
    ],
)
def test_base_url_is_validated(url: str, reason: str) -> None:
    with pytest.raises(OperatorError, match="CONTENTQL_BASE_URL") as caught:
        load_settings(base_url=url)
    assert reason in str(caught.value)


@pytest.mark.parametrize("url", [None, ""])
def test_base_url_is_optional(url: str | None) -> None:
    assert load_settings(base_url=url).base_url is None
    assert load_settings(base_url="https://example.org:8443/cms//").base_url == "https://example.org:8443/cms"
    assert load_settings(base_url="http://[::1]:8000").base_url == "http://[::1]:8000"


async def test_preview_url_follows_the_configured_template(newsroom: EditorialClient) -> None:
    """The template contains the token and may contain the slug."""
    id = await newsroom.create_draft(slug="kim-weeps")
    newsroom.executor.mutations.preview_url = "https://example.org/draft/{slug}?token={token}"
    assert (await create_link(newsroom, id)).startswith("https://example.org/draft/kim-weeps?token=cqlp_")
    assert (await newsroom.mutate("createPreviewLink", BOB, id=id))["url"] is None
    with pytest.raises(OperatorError, match="CONTENTQL_PREVIEW_URL_TEMPLATE"):
        load_settings(preview_url_template="https://example.org/draft")


def test_preview_token_expiry_is_exact_to_the_second() -> None:
    at = dt.datetime(2026, 7, 3, 8, 0, 1, tzinfo=dt.UTC)
    assert preview_tokens.preview_token_expiry(preview_tokens.sign_preview_token("key", 701, at)) == at
