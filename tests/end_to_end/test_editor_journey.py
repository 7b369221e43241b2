"""The editorial workflow in a browser, from the first draft to a restored revision."""

from __future__ import annotations

import asyncio
import datetime as dt
import re
from collections.abc import AsyncIterator, Mapping
from pathlib import Path
from typing import Any

import orjson
import pytest
from tests.cli.test_serving import TIMEOUT_SECONDS, RunningServer, running_server
from tests.conftest import Server
from tests.support.browser import Page, open_page

from contentql.auth import api_tokens
from contentql.auth.permissions import Role
from contentql.store.database import Database

pytestmark = pytest.mark.slow

SEED = Path(__file__).parents[2] / "fixtures/seed/kim-coffin-page.txt"
EDITOR_JS = "document.querySelector('.graphiql-query-editor .CodeMirror').CodeMirror"
VARIABLES_JS = "document.querySelector('.graphiql-editor-tool .CodeMirror').CodeMirror"
RESULT_JS = "document.querySelector('.result-window .CodeMirror').CodeMirror"
BADGE_TEXT_JS = "document.getElementById('who').innerText"

READ_QUERY = "query Read($slug: String!) { article(slug: $slug) {"
READ_QUERY += " headline status publishedAt body { text } corrections { text before after }"
READ_QUERY += " attributions { claim chain { source { name } } } } }"


@pytest.fixture
async def newsroom(sqlite_server: Server) -> AsyncIterator[str]:
    url = await sqlite_server.demo()
    yield url
    await sqlite_server.drop(url)


@pytest.fixture
async def secrets(newsroom: str) -> Mapping[Role, str]:
    """Tokens of Erin, an editor, and Paula, a publisher."""
    names = {Role.EDITOR: "Erin", Role.PUBLISHER: "Paula"}
    now, created = dt.datetime.now(dt.UTC), {}
    async with Database(newsroom).orm():
        for role, name in names.items():
            _, created[role] = await api_tokens.issue_token(name=name, role=role, created_by="tests", now=now)
    return created


class GraphiQLUser:
    """An editor who uses GraphiQL."""

    def __init__(self, page: Page) -> None:
        self.page = page

    async def enter_token(self, secret: str, name: str) -> None:
        """Enters the token and waits until the badge has the name."""
        await self.page.click("#token")
        await self.page.type_text(secret)
        await self.page.click("#bar button")
        await self.page.wait_for(f"{BADGE_TEXT_JS}.startsWith('{name} · ')")

    async def remove_token(self) -> None:
        """Removes the token and waits until the viewer is anonymous."""
        await self.page.click("#forget")
        await self.page.wait_for(f"{BADGE_TEXT_JS}.startsWith('Public · ')")

    async def open_example(self, number: int, *changes: tuple[str, str]) -> None:
        """Opens an example from the menu and replaces the matches of patterns in it."""
        await self.page.click("#examples summary")
        await self.page.click(f"#examples button[value^='{number}-']")
        text: str = await self.page.evaluate(f"{EDITOR_JS}.getValue()")
        for before, after in changes:
            match = re.search(before, text, re.DOTALL)
            assert match is not None, (before, text)
            text = text[: match.start()] + after + text[match.end() :]
        await self.set_query(text)

    async def set_query(self, text: str, **variables: str) -> None:
        """Sets query and variables of the open tab."""
        await self.page.evaluate(f"{EDITOR_JS}.setValue({orjson.dumps(text).decode()})")
        if variables:
            variables_text = orjson.dumps(variables).decode()
            await self.page.evaluate(f"{VARIABLES_JS}.setValue({orjson.dumps(variables_text).decode()})")

    async def run(self, name: str) -> Any:
        """Runs the operation; returns the only field of its data, which must have no user errors."""
        await self.page.wait_for(f"{EDITOR_JS}.operations?.some(one => one.name?.value === '{name}')")
        await self.page.evaluate(f"{RESULT_JS}.setValue('')")
        names = await self.page.evaluate(f"{EDITOR_JS}.operations.map(one => one.name.value)")
        await self.page.click(".graphiql-execute-button")
        if len(names) > 1:
            items = "document.querySelectorAll('.graphiql-dropdown-item').length"
            await self.page.wait_for(f"{items} === {len(names)}")
            await asyncio.sleep(0.5)  # the menu moves while it opens: a click could miss
            await self.page.click(f".graphiql-dropdown-item:nth-child({names.index(name) + 1})")
        await self.page.wait_for(f"{RESULT_JS}.getValue() !== ''", 40)
        payload = orjson.loads(await self.page.evaluate(f"{RESULT_JS}.getValue()"))
        assert payload.keys() == {"data"}, payload
        (result,) = payload["data"].values()
        assert not (result or {}).get("userErrors"), result
        return result


@pytest.fixture
async def running(newsroom: str, tmp_path: Path) -> AsyncIterator[RunningServer]:
    async with running_server(tmp_path, newsroom) as result:
        yield result


async def test_editorial_workflow_in_graphiql(
    browser: str, running: RunningServer, secrets: Mapping[Role, str]
) -> None:
    """From the first draft over review, preview, scheduling and correction to a restored revision."""
    _, _, headline, _, *lines = SEED.read_text().splitlines()
    text = "\n".join(filter(None, lines))
    async with open_page(browser) as page:
        await page.open(f"{running.url}/graphiql")
        await page.wait_for(f"{EDITOR_JS}.getValue() !== '' && {EDITOR_JS}.options.hintOptions.schema")
        user = GraphiQLUser(page)

        # Erin creates the article, adds an attribution, and submits and approves it.
        await user.enter_token(secrets[Role.EDITOR], "Erin")
        await user.open_example(
            9,
            (r'headline: "[^"]*"', f"headline: {orjson.dumps(headline).decode()}"),
            (r'markdown: """.*?"""', f"text: {orjson.dumps(text).decode()}"),
        )
        article = (await user.run("WriteAnArticle"))["article"]
        assert article["status"] == "DRAFT"
        id, slug = article["id"], article["slug"]
        await user.open_example(
            10,
            (r'claim: "[^"]*"', 'claim: "Russia may be preparing an offensive"'),
            (r'exact: "[^"]*"', 'exact: "citing South Korean intelligence"'),
        )
        assert orjson.loads(await page.evaluate(f"{VARIABLES_JS}.getValue()")) == {"article": id}
        attribution_payload = await user.run("WhoSaidIt")
        assert attribution_payload["attribution"]["span"] == {"exact": "citing South Korean intelligence"}
        await user.open_example(11)
        assert (await user.run("SendToReview"))["article"]["status"] == "IN_REVIEW"
        assert (await user.run("Approve"))["article"]["status"] == "APPROVED"
        await user.open_example(15)
        link = (await user.run("PreviewLink"))["url"]

        # The preview link shows the article.
        async with open_page(browser) as guest:
            await guest.open(link)
            page_text = await guest.evaluate("document.body.innerText")
            assert page_text.startswith("Preview – not published: approved.")
            assert headline in page_text
            assert "Citing South Korean intelligence, according to Sky News" in page_text
            assert guest.console_errors == []
            assert guest.external_requests(running.url) == []

        # Paula schedules it; the public sees it from that second on, and not before.
        await user.remove_token()
        await user.enter_token(secrets[Role.PUBLISHER], "Paula")
        publish_at = (dt.datetime.now(dt.UTC) + dt.timedelta(seconds=6)).replace(microsecond=0)
        await user.open_example(12, ("2035-01-01T06:00:00Z", f"{publish_at:%Y-%m-%dT%H:%M:%SZ}"))
        assert (await user.run("Schedule"))["article"]["status"] == "SCHEDULED"
        await user.remove_token()
        await user.set_query(READ_QUERY, slug=slug)
        attempts_before, published = 0, None
        while published is None:
            published = await user.run("Read")
            attempts_before += published is None
            assert dt.datetime.now(dt.UTC) < publish_at + dt.timedelta(seconds=TIMEOUT_SECONDS)
        assert attempts_before
        assert dt.datetime.now(dt.UTC) >= publish_at
        assert published["publishedAt"] == f"{publish_at:%Y-%m-%dT%H:%M:%SZ}"
        assert (published["headline"], published["status"]) == (headline, "PUBLISHED")
        assert published["body"]["text"] == text
        names = [hop["source"]["name"] for hop in published["attributions"][0]["chain"]]
        assert names == ["South Korean intelligence", "Sky News"]

        # The correction is public; the restored revision is visible only to the newsroom.
        await user.enter_token(secrets[Role.PUBLISHER], "Paula")
        await user.open_example(
            13,
            (r'text: "[^"]*"', 'text: "It was in May and June."'),
            (r'before: "[^"]*"', 'before: "twice in June"'),
            (r'after: "[^"]*"', 'after: "in May and June"'),
        )
        assert (await user.run("Correct"))["correction"]["text"] == "It was in May and June."
        await user.open_example(14)
        revisions = (await user.run("WhatChanged"))["revisions"]["nodes"]
        assert [(revision["action"], revision["savedBy"]) for revision in revisions] == [
            ("CORRECTED", "Paula"), ("SCHEDULED", "Paula"), ("APPROVED", "Erin"), ("SUBMITTED", "Erin"),
            ("UPDATED", "Erin"), ("CREATED", "Erin"),
        ]  # fmt: skip
        restored = (await user.run("BringBack"))["article"]
        assert (restored["headline"], restored["unpublishedChanges"]) == (headline, True)
        await user.remove_token()
        await user.set_query(READ_QUERY, slug=slug)
        public = await user.run("Read")
        assert "visited North Korea in May and June" in public["body"]["text"]
        assert public["corrections"] == [
            {"text": "It was in May and June.", "before": "twice in June", "after": "in May and June"}
        ]
        assert page.console_errors == []
        assert page.external_requests(running.url) == []
