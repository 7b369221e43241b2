"""examples/mobile: sync and bundles in Node.js and Chromium; offline, killed, and away for too long."""

from __future__ import annotations

import asyncio
import contextlib
import json
import shutil
import signal
import subprocess
import threading
from collections.abc import AsyncIterator, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import httpx2
import pytest
from graphql import build_schema, parse, validate
from tests.clients.conftest import ENVIRONMENT, SDL, RunningServer, serve_demo
from tests.support.browser import Page, open_page
from tests.support.example_project import ROOT, Publisher, copy_example, run_script
from tests.support.http_client import free_port
from tests.support.static_site import serve_folder

LINKS_JS = "[...document.querySelectorAll('#articles a')].map(link => link.hash.slice(1))"
STATUS_JS = "document.querySelector('#status').innerText"
REMOVED_JS = "document.querySelector('#removals').innerText"
AFTER_EXPIRY = 31 * 86_400  # seconds; tokens are valid for 30 days


class Newsroom:
    """The demo newsroom, whose server can be stopped and started on the same port."""

    def __init__(self, home: Path, port: int) -> None:
        self.running: RunningServer
        self._home, self._port = home, port
        self._process = contextlib.ExitStack()

    def start(self, seconds_ahead: float = 0) -> None:
        self.running = self._process.enter_context(
            serve_demo(self._home, self._port, seconds_ahead=seconds_ahead)
        )

    def stop(self) -> None:
        self._process.close()

    def public_ids(self) -> list[str]:
        """All public articles, the newest first."""
        query = "{ latestNews(first: 100) { nodes { id } } }"
        data = httpx2.get(self.running.address, params={"query": query}).json()["data"]
        return [node["id"] for node in data["latestNews"]["nodes"]]


@pytest.fixture(scope="module")
def template(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, int]:
    """A folder with the database of the demo newsroom, and the port that the URLs of its pictures have."""
    home, port = tmp_path_factory.mktemp("template"), free_port()
    with serve_demo(home, port):
        pass
    return home, port


@pytest.fixture
def newsroom(template: tuple[Path, int], tmp_path: Path) -> Iterator[Newsroom]:
    """A newsroom for one test."""
    home, port = template
    newsroom = Newsroom(shutil.copytree(home, tmp_path / "newsroom"), port)
    newsroom.start()
    yield newsroom
    newsroom.stop()


@pytest.fixture(scope="module")
def project(node: str, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The example after `npm run build`, which checks its types."""
    project = copy_example("mobile", tmp_path_factory.mktemp("example"))
    run_script(project, "build")
    return project


class App:
    """The app in Node.js: each command is a process of its own, with the same stored file."""

    def __init__(self, node: str, project: Path, file: Path) -> None:
        self.file = file
        self._command = [node, str(project / "dist/cli.js")]

    def start(self, address: str, *command: str) -> subprocess.Popen[str]:
        return subprocess.Popen(
            [*self._command, address, str(self.file), *command],
            env=ENVIRONMENT,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def run(self, address: str, *command: str) -> Any:
        output, errors = self.start(address, *command).communicate(timeout=60)
        assert errors == ""
        return json.loads(output)

    def listed(self) -> list[str]:
        """The ids of the stored articles, read without a connection."""
        return [article["id"] for article in self.run("http://127.0.0.1:9", "list")]


@pytest.fixture
def app(node: str, project: Path, tmp_path: Path) -> App:
    return App(node, project, tmp_path / "news.json")


class Proxy:
    """Forwards GET requests to the server; records them, and can leave one without an answer."""

    def __init__(self, server: ThreadingHTTPServer) -> None:
        self.address = f"http://127.0.0.1:{server.server_port}/graphql"
        self.sent: list[tuple[str | None, int]] = []
        """The token and the status of each request."""
        self.stalled = threading.Event()
        self.stall_after: int | None = None


@contextlib.contextmanager
def proxy_of(newsroom: Newsroom) -> Iterator[Proxy]:
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            if proxy.stall_after is not None and len(proxy.sent) >= proxy.stall_after:
                proxy.stalled.set()
                ended.wait()
                return
            query = urlsplit(self.path).query
            headers = {name: value for name, value in self.headers.items() if name.lower() == "if-none-match"}
            answer = httpx2.get(f"{newsroom.running.address}?{query}", headers=headers)
            variables = json.loads(parse_qs(query)["variables"][0])
            proxy.sent.append((variables.get("since"), answer.status_code))
            self.send_response(answer.status_code)
            for name in ("content-type", "etag"):
                if name in answer.headers:
                    self.send_header(name, answer.headers[name])
            self.send_header("access-control-allow-origin", "*")
            self.send_header("content-length", str(len(answer.content)))
            self.end_headers()
            self.wfile.write(answer.content)

        def log_message(self, format: str, *arguments: object) -> None:
            pass

    ended = threading.Event()
    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    proxy = Proxy(server)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
    thread.start()
    try:
        yield proxy
    finally:
        ended.set()
        server.shutdown()
        thread.join()
        server.server_close()


def test_operations_are_valid() -> None:
    """Each document of src/operations.ts, for the schema."""
    documents = [
        part.split("`")[0]
        for part in (ROOT / "examples/mobile/src/operations.ts").read_text().split(" = `")[1:]
    ]
    assert len(documents) == 2
    schema = build_schema(SDL.read_text())
    for document in documents:
        assert validate(schema, parse(document)) == []


# In Node.js


def test_killed_app_goes_on_with_the_page_that_it_has_not_stored(newsroom: Newsroom, app: App) -> None:
    """SIGKILL while the second page is on its way: the first one is stored with its token."""
    with proxy_of(newsroom) as proxy:
        proxy.stall_after = 2  # a document that is not known yet is sent twice
        process = app.start(proxy.address, "sync")
        assert proxy.stalled.wait(30)
        process.send_signal(signal.SIGKILL)
        process.communicate()
        assert app.listed() == newsroom.public_ids()[:10]
        token = json.loads(app.file.read_text())["position"]["token"]
        proxy.stall_after = None
        proxy.sent.clear()
        report = app.run(proxy.address, "sync")
        assert proxy.sent[0] == (token, 200)
    assert (report["complete"], report["healed"]) == (True, False)
    assert app.listed() == newsroom.public_ids()


def test_idle_polls_are_not_modified(newsroom: Newsroom, app: App) -> None:
    """The second poll without changes is 304; a change is found by the next one."""
    app.run(newsroom.running.address, "sync")
    with proxy_of(newsroom) as proxy:
        for _ in range(2):
            assert app.run(proxy.address, "sync")["upserted"] == 0
        assert [status for _, status in proxy.sent][-1] == 304
        id = Publisher(newsroom.running).create("Ferry Returns to Port Alder")
        assert app.run(proxy.address, "sync")["upserted"] == 1
    assert app.listed()[0] == id


def test_articles_and_bundles_are_read_offline(newsroom: Newsroom, app: App) -> None:
    """Without a server; a sync without a connection changes nothing."""
    app.run(newsroom.running.address, "sync")
    app.run(newsroom.running.address, "download", "art_701")
    ids = newsroom.public_ids()
    newsroom.stop()
    address = newsroom.running.address
    process = app.start(address, "sync")
    assert "fetch failed" in process.communicate(timeout=60)[1]
    assert process.returncode == 1
    assert app.listed() == ids
    bundle = app.run(address, "open", "art_701")
    assert bundle["article"]["id"] == "art_701"
    assert len(bundle["sources"]) > 3
    assert app.run(address, "open", "art_720") is None


def test_removed_articles_leave_the_store_with_their_bundles(newsroom: Newsroom, app: App) -> None:
    address = newsroom.running.address
    app.run(address, "sync")
    for id in ("art_701", "art_720"):
        app.run(address, "download", id)
    publisher = Publisher(newsroom.running)
    publisher.change("unpublishArticle", {"id": "art_701"})
    publisher.change("deleteArticle", {"id": "art_720"})
    report = app.run(address, "sync")
    assert {item["id"]: item["reason"] for item in report["removed"]} == {
        "art_701": "UNPUBLISHED",
        "art_720": "DELETED",
    }
    assert app.listed() == newsroom.public_ids()
    assert app.run(address, "open", "art_701") is None


def test_changed_articles_have_a_new_bundle(newsroom: Newsroom, app: App) -> None:
    """A bundle is downloaded again after its article was sent, and only then."""
    address = newsroom.running.address
    app.run(address, "sync")
    assert app.run(address, "download", "art_720")["article"]["id"] == "art_720"
    assert app.run(address, "download", "art_720") is None
    publisher = Publisher(newsroom.running)
    publisher.change("updateArticle", {"id": "art_720", "headline": "We Row When the Tide Lets Us"})
    publisher.publish("art_720")
    app.run(address, "sync")
    bundle = app.run(address, "download", "art_720")
    assert bundle["article"]["headline"] == "We Row When the Tide Lets Us"


def test_app_that_was_away_too_long_heals_page_by_page(newsroom: Newsroom, app: App) -> None:
    """After the token has expired; stored articles stay readable until everything was sent again."""
    address = newsroom.running.address
    app.run(address, "sync")
    before = app.listed()
    Publisher(newsroom.running).change("deleteArticle", {"id": "art_720"})
    newsroom.stop()
    newsroom.start(AFTER_EXPIRY)
    first = app.run(address, "sync", "1")
    assert (first["healed"], first["complete"]) == (True, False)
    app.run(address, "sync", "1")
    assert set(app.listed()) >= set(before)
    last = app.run(address, "sync")
    assert last["complete"]
    assert {(item["id"], item["reason"]) for item in last["removed"]} >= {("art_720", "NOT_SENT_AGAIN")}
    assert app.listed() == newsroom.public_ids()
    assert app.run(address, "sync")["upserted"] == 0


def test_token_of_another_newsroom_is_replaced(newsroom: Newsroom, app: App) -> None:
    """INVALID_SYNC_TOKEN heals as `resyncRequired` does."""
    address = newsroom.running.address
    app.run(address, "sync")
    stored = json.loads(app.file.read_text())
    stored["position"]["token"] = "cqld_" + "A" * 104
    stored["articles"]["art_1"] = {**stored["articles"]["art_701"], "id": "art_1"}
    app.file.write_text(json.dumps(stored))
    report = app.run(address, "sync")
    assert report["healed"]
    assert [item["id"] for item in report["removed"]] == ["art_1"]
    assert app.listed() == newsroom.public_ids()


def test_expired_bundles_are_not_shown(newsroom: Newsroom, app: App) -> None:
    address = newsroom.running.address
    app.run(address, "sync")
    app.run(address, "download", "art_720")
    stored = json.loads(app.file.read_text())
    stored["bundles"]["art_720"]["bundle"]["expiresAt"] = "2020-01-01T00:00:00Z"
    app.file.write_text(json.dumps(stored))
    assert app.run(address, "open", "art_720") is None


# In Chromium


@pytest.fixture
def site_folder(project: Path, newsroom: Newsroom, tmp_path: Path) -> Path:
    folder = shutil.copytree(project / "site", tmp_path / "site")
    page = folder / "index.html"
    page.write_text(page.read_text().replace("http://127.0.0.1:8000/graphql", newsroom.running.address))
    return folder


@pytest.fixture
async def page(browser: str) -> AsyncIterator[Page]:
    async with open_page(browser) as page:
        await page.resize(430, 860)
        yield page


async def open_updated(page: Page, url: str) -> None:
    """Opens the page and waits until it is up to date, with its bundles."""
    await page.open(url)
    await page.wait_for(f"{STATUS_JS}.startsWith('Up to date')")


async def test_page_is_read_offline(
    page: Page, newsroom: Newsroom, site_folder: Path, request: pytest.FixtureRequest
) -> None:
    """List, article and picture, without either server; `--rewrite-goldens` replaces the picture in docs."""
    port = free_port()
    ids = newsroom.public_ids()
    with serve_folder(site_folder, port) as origin:
        await open_updated(page, f"{origin}/")
        assert await page.evaluate(LINKS_JS) == ids
        assert page.console_errors == []
        api = urlsplit(newsroom.running.address).netloc
        assert {urlsplit(url).netloc for url in page.external_requests(origin)} == {api}
        await page.wait_for("navigator.serviceWorker.controller")
    newsroom.stop()
    await page.open(f"{origin}/?again")
    await page.wait_for(f"{STATUS_JS}.startsWith('Offline')")
    assert await page.evaluate(LINKS_JS) == ids
    await page.click("#articles a[href='#art_701']")
    await page.wait_for("document.querySelector('main h2')?.innerText.startsWith('Kim Jong-un')")
    await page.wait_for("document.querySelector('main img').naturalWidth > 0")
    text = await page.evaluate("document.querySelector('main').innerText")
    assert "according to Sky News, citing South Korean intelligence" in text
    screenshot = await page.screenshot()
    assert screenshot.startswith(b"\x89PNG")
    if request.config.getoption("--rewrite-goldens"):
        (ROOT / "docs/images/example-mobile.png").write_bytes(screenshot)


async def test_page_goes_on_with_its_token_and_shows_removals(
    page: Page, newsroom: Newsroom, site_folder: Path
) -> None:
    """A page that is opened again sends the stored token; unpublished articles are named and gone."""
    publisher = Publisher(newsroom.running)
    with serve_folder(site_folder) as origin:
        await open_updated(page, f"{origin}/")
        publisher.change("unpublishArticle", {"id": "art_720"})
        created = publisher.create("Ferry Returns to Port Alder")
        page.requested_urls.clear()
        await open_updated(page, f"{origin}/?again")
        assert any("cqld_" in url for url in page.requested_urls)
        assert await page.evaluate(STATUS_JS) == "Up to date: 1 new or changed, 1 removed."
        assert (await page.evaluate(REMOVED_JS)).endswith("was removed: unpublished")
        assert await page.evaluate(LINKS_JS) == newsroom.public_ids()
        await page.open(f"{origin}/?third#{created}")
        await page.wait_for("document.querySelector('main h2')?.innerText === 'Ferry Returns to Port Alder'")
        await page.open(f"{origin}/?fourth#art_720")
        await page.wait_for("document.querySelector('main').innerText.includes('not stored')")
    assert page.console_errors == []


async def test_page_that_is_closed_between_pages_of_changes_goes_on(
    page: Page, newsroom: Newsroom, site_folder: Path
) -> None:
    """The first page of changes is stored with its token; the next visit asks for the second one."""
    html = (site_folder / "index.html").read_text().replace('data-page-size="50"', 'data-page-size="10"')
    with serve_folder(site_folder) as origin, proxy_of(newsroom) as proxy:
        proxy.stall_after = 2
        (site_folder / "index.html").write_text(html.replace(newsroom.running.address, proxy.address))
        await page.open(f"{origin}/")
        await page.wait_for(f"{STATUS_JS} === 'Updating …'")
        assert await asyncio.to_thread(proxy.stalled.wait, 30)
        await page.open("about:blank")
        (site_folder / "index.html").write_text(html)
        page.requested_urls.clear()
        await open_updated(page, f"{origin}/?again")
        polls = [url for url in page.requested_urls if "since" in url]
        assert "cqll_" in polls[0]
        assert await page.evaluate(STATUS_JS) == "Up to date: 22 new or changed, 0 removed."
        assert await page.evaluate(LINKS_JS) == newsroom.public_ids()


async def test_page_heals_after_its_token_has_expired(
    page: Page, newsroom: Newsroom, site_folder: Path
) -> None:
    """What was deleted meanwhile is removed, though no removal was sent."""
    with serve_folder(site_folder) as origin:
        await open_updated(page, f"{origin}/")
        Publisher(newsroom.running).change("deleteArticle", {"id": "art_720"})
        newsroom.stop()
        newsroom.start(AFTER_EXPIRY)
        await page.click("#sync")
        await page.wait_for(f"{STATUS_JS}.includes('everything was compared')")
        assert await page.evaluate(LINKS_JS) == newsroom.public_ids()
        assert "was removed: not sent again" in await page.evaluate(REMOVED_JS)
