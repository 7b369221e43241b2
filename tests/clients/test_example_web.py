"""examples/web: built with the types of a running server's schema, and used in Chromium."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from tests.clients.conftest import RunningServer
from tests.support.browser import Page, open_page
from tests.support.example_project import ROOT, Publisher, copy_example, run_script
from tests.support.static_site import serve_folder

HEADINGS_JS = "[...document.querySelectorAll('main h2')].map(heading => heading.innerText)"
TEASERS_JS = "document.querySelectorAll('.teaser').length"


@dataclass(frozen=True)
class Site:
    """The built site: its origin, and that of the API."""

    origin: str
    api: str

    def outside(self, page: Page) -> list[str]:
        """Requested URLs of other origins."""
        own = {urlsplit(url).netloc for url in (self.origin, self.api)}
        return [url for url in page.external_requests(self.origin) if urlsplit(url).netloc not in own]


@pytest.fixture(scope="module")
def project(node: str, running: RunningServer, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The example after `npm run build`: its types generated and checked."""
    project = copy_example("web", tmp_path_factory.mktemp("example"))
    schema = running.address.replace("/graphql", "/schema.graphql")
    run_script(project, "build", SCHEMA=schema, VITE_API_URL=running.address)
    return project


@pytest.fixture(scope="module")
def site(project: Path, running: RunningServer) -> Iterator[Site]:
    with serve_folder(project / "dist") as origin:
        yield Site(origin, running.address)


@pytest.fixture
async def page(browser: str, site: Site) -> AsyncIterator[Page]:
    """A page that has logged no error and requested nothing outside when its test ends."""
    async with open_page(browser) as page:
        yield page
        assert page.console_errors == []
        assert site.outside(page) == []


async def test_home_page_has_the_latest_news_and_all_sections(page: Page, site: Site) -> None:
    await page.open(f"{site.origin}/")
    await page.wait_for("document.querySelector('.sections')")
    headings = await page.evaluate(HEADINGS_JS)
    assert headings[0].startswith("Kim Jong-un Sheds a Tear")
    assert {"World", "Politics", "Economy", "Science", "Sport"} <= set(headings)
    await page.wait_for("[...document.images].some(image => image.naturalWidth > 0)")
    await page.click(".sections h2 a[href='/section/world']")
    await page.wait_for("document.querySelector('h1')?.innerText === 'World'")
    assert await page.evaluate("document.title") == "World – Demo newsroom"


async def test_section_is_read_page_by_page(page: Page, site: Site) -> None:
    """By cursors; no article comes twice, and the button goes with the last page."""
    await page.resize(1000, 4000)  # the button is in view
    await page.open(f"{site.origin}/section/world")
    for count in (5, 10, 13):
        await page.wait_for(f"{TEASERS_JS} === {count}")
        if count < 13:
            await page.click("main button")
    links = await page.evaluate("[...document.querySelectorAll('.teaser a')].map(link => link.href)")
    assert len(set(links)) == 13
    assert await page.evaluate("document.querySelector('main button')") is None
    assert await page.evaluate("document.querySelector('nav[aria-label=Subsections]').innerText") != ""


async def test_section_that_does_not_exist_says_so(page: Page, site: Site) -> None:
    await page.open(f"{site.origin}/section/nowhere/at/all")
    await page.wait_for("document.querySelector('h1')?.innerText === 'This section does not exist'")


async def test_article_shows_its_source_chains(
    page: Page, site: Site, request: pytest.FixtureRequest
) -> None:
    """From the source that the article quotes to the origin; `--rewrite-goldens` replaces the picture."""
    await page.resize(1100, 1000)
    await page.open(f"{site.origin}/article/art_701")
    await page.wait_for("document.querySelector('.chains')")
    chains = await page.evaluate(
        "[...document.querySelectorAll('.chain')].map(chain => chain.textContent.trim())"
    )
    assert "according to Sky News, citing South Korean intelligence" in chains
    relayed = "according to Korea Central Television (state-controlled)"
    assert f"reported by Korea JoongAng Daily, {relayed}" in chains
    assert "said by Sergei Shoigu (Russian Security Council Secretary)" in chains
    assert "reported by an unnamed source" in chains
    assert (await page.evaluate(HEADINGS_JS))[:2] == ["Sources of this article", "Related"]
    await page.wait_for("document.querySelector('figure img').naturalWidth > 0")
    screenshot = await page.screenshot()
    assert screenshot.startswith(b"\x89PNG")
    if request.config.getoption("--rewrite-goldens"):
        (ROOT / "docs/images/example-web.png").write_bytes(screenshot)


@pytest.mark.parametrize(
    ("id", "selector", "count"),
    [
        ("art_714", "figure img", 2),
        ("art_714", "section[aria-labelledby=corrections] p", 2),
        ("art_720", "main h3", 2),
        ("art_720", "main hr", 1),
        ("art_718", "main table td", None),
        ("art_721", "main article ul li", None),
        ("art_719", "main article section", 3),
        ("art_715", "main blockquote", 1),
        ("art_715", "main video", 1),
        ("art_730", "main figure", None),
        ("art_731", ".fallback", 1),
    ],
)
async def test_blocks_have_their_elements(
    page: Page, site: Site, id: str, selector: str, count: int | None
) -> None:
    """Count null: at least two. Blocks without an element of their own show their text."""
    await page.open(f"{site.origin}/article/{id}")
    await page.wait_for("document.querySelector('main article h1')")
    elements = await page.evaluate(f"document.querySelectorAll('{selector}').length")
    assert elements >= 2 if count is None else elements == count


async def test_unknown_blocks_show_their_fallback_text(page: Page, site: Site) -> None:
    """A block of a type that no client knows, and a pull quote, for which this page has no element."""
    for id, text in (("art_731", "A map of the market."), ("art_720", "The moon decides.")):
        await page.open(f"{site.origin}/article/{id}")
        await page.wait_for(f"document.querySelector('.fallback')?.innerText === '{text}'")


async def test_every_picture_has_a_text_and_every_page_one_heading(page: Page, site: Site) -> None:
    """Alternative texts, one h1, a main landmark and a labelled navigation on each page."""
    for path in ("/", "/section/world", "/article/art_714", "/article/art_701", "/search", "/live"):
        await page.open(site.origin + path)
        await page.wait_for("document.querySelector('h1') && !document.querySelector('p[role=status]')")
        assert await page.evaluate("document.querySelectorAll('h1').length") == 1
        assert await page.evaluate("document.querySelectorAll('main').length") == 1
        assert await page.evaluate("document.querySelectorAll('nav:not([aria-label])').length") == 0
        assert await page.evaluate("[...document.images].filter(image => !image.alt).length") == 0


async def test_article_that_is_not_public_is_not_available(page: Page, site: Site) -> None:
    await page.open(f"{site.origin}/article/art_999999999")
    await page.wait_for("document.querySelector('h1')?.innerText === 'This article is not available'")


async def test_search_shows_what_matches_the_typed_text(page: Page, site: Site) -> None:
    """The text becomes a part of the URL, so the result can be linked."""
    await page.open(f"{site.origin}/search")
    await page.click("input[type=search]")
    await page.type_text("tide -film")
    await page.wait_for("document.querySelectorAll('.teaser').length > 2")
    total = await page.evaluate("document.querySelector('p[role=status]').innerText")
    assert int(total.split()[0]) == await page.evaluate(TEASERS_JS)
    assert await page.evaluate("location.search") == "?q=tide+-film"
    await page.open(f"{site.origin}/search?q=tide+-film")
    await page.wait_for("document.querySelectorAll('.teaser').length > 2")
    assert await page.evaluate("document.querySelector('input').value") == "tide -film"


async def test_live_list_shows_an_article_when_it_is_published(
    page: Page, site: Site, running: RunningServer
) -> None:
    """Without a reload; it vanishes when it is unpublished."""
    publisher = Publisher(running)
    await page.open(f"{site.origin}/live")
    first = "document.querySelector('[role=feed] h2')?.innerText"
    await page.wait_for(f"{first}.startsWith('Kim Jong-un Sheds a Tear')")
    id = publisher.create("Ferry Returns to Port Alder")
    await page.wait_for(f"{first} === 'Ferry Returns to Port Alder'")
    publisher.change("updateArticle", {"id": id, "headline": "Ferry Is Back in Port Alder"})
    publisher.publish(id)
    await page.wait_for(f"{first} === 'Ferry Is Back in Port Alder'")
    publisher.change("unpublishArticle", {"id": id})
    await page.wait_for(f"{first}.startsWith('Kim Jong-un Sheds a Tear')")


async def test_queries_are_sent_by_get_with_their_hash(page: Page, site: Site) -> None:
    """The second visitor sends no text."""
    for _ in range(2):
        page.requested_urls.clear()
        await page.open(f"{site.origin}/article/art_701")
        await page.wait_for("document.querySelector('.chains')")
        await page.open("about:blank")
    sent = [url for url in page.requested_urls if url.startswith(site.api)]
    assert sent
    assert all("sha256Hash" in url and "query=" not in url for url in sent), json.dumps(sent)
