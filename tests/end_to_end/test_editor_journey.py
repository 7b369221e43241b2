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
EDITOR = "document.querySelector('.graphiql-query-editor .CodeMirror').CodeMirror"
VARIABLES = "document.querySelector('.graphiql-editor-tool .CodeMirror').CodeMirror"
RESULT = "document.querySelector('.result-window .CodeMirror').CodeMirror"
WHO = "document.getElementById('who').innerText"

READ = "query Read($slug: String!) { article(slug: $slug) {"
READ += " headline status publishedAt body { text } corrections { text before after }"
READ += " attributions { claim chain { source { name } } } } }"


@pytest.fixture
async def newsroom(sqlite_server: Server) -> AsyncIterator[str]:
    url = await sqlite_server.demo()
    yield url
    await sqlite_server.drop(url)


@pytest.fixture
async def secrets(newsroom: str) -> Mapping[Role, str]:
    """Erin edits, Paula publishes."""
    names = {Role.EDITOR: "Erin", Role.PUBLISHER: "Paula"}
    now, created = dt.datetime.now(dt.UTC), {}
    async with Database(newsroom).orm():
        for role, name in names.items():
            _, created[role] = await api_tokens.issue_token(name=name, role=role, created_by="tests", now=now)
    return created


class Hands:
    """An editor using GraphiQL."""

    def __init__(self, page: Page) -> None:
        self.page = page

    async def show(self, secret: str, name: str) -> None:
        await self.page.click("#token")
        await self.page.type_text(secret)
        await self.page.click("#bar button")
        await self.page.wait_for(f"{WHO}.startsWith('{name} · ')")

    async def forget(self) -> None:
        await self.page.click("#forget")
        await self.page.wait_for(f"{WHO}.startsWith('Public · ')")

    async def choose(self, number: int, *changes: tuple[str, str]) -> None:
        """Opens a step from the menu, and writes other words in place of some of it."""
        await self.page.click("#examples summary")
        await self.page.click(f"#examples button[value^='{number}-']")
        text: str = await self.page.evaluate(f"{EDITOR}.getValue()")
        for before, after in changes:
            here = re.search(before, text, re.DOTALL)
            assert here is not None, (before, text)
            text = text[: here.start()] + after + text[here.end() :]
        await self.write(text)

    async def write(self, text: str, **variables: str) -> None:
        """Into the open tab."""
        await self.page.evaluate(f"{EDITOR}.setValue({orjson.dumps(text).decode()})")
        if variables:
            result = orjson.dumps(variables).decode()
            await self.page.evaluate(f"{VARIABLES}.setValue({orjson.dumps(result).decode()})")

    async def run(self, name: str) -> Any:
        """Presses the triangle, and chooses where there are several: the one field of the answer."""
        await self.page.wait_for(f"{EDITOR}.operations?.some(one => one.name?.value === '{name}')")
        await self.page.evaluate(f"{RESULT}.setValue('')")
        names = await self.page.evaluate(f"{EDITOR}.operations.map(one => one.name.value)")
        await self.page.click(".graphiql-execute-button")
        if len(names) > 1:
            items = "document.querySelectorAll('.graphiql-dropdown-item').length"
            await self.page.wait_for(f"{items} === {len(names)}")
            await asyncio.sleep(0.5)  # the menu moves while it opens: a click could miss
            await self.page.click(f".graphiql-dropdown-item:nth-child({names.index(name) + 1})")
        await self.page.wait_for(f"{RESULT}.getValue() !== ''", 40)
        payload = orjson.loads(await self.page.evaluate(f"{RESULT}.getValue()"))
        assert payload.keys() == {"data"}, payload
        (result,) = payload["data"].values()
        assert not (result or {}).get("userErrors"), result
        return result


@pytest.fixture
async def served(newsroom: str, tmp_path: Path) -> AsyncIterator[RunningServer]:
    async with running_server(tmp_path, newsroom) as result:
        yield result


async def test_an_editor_walks_from_nothing_to_a_correction(
    browser: str, served: RunningServer, secrets: Mapping[Role, str]
) -> None:
    """Written, attributed, reviewed, shown by a link, out at its second, corrected, an old version back."""
    _, _, headline, _, *lines = SEED.read_text().splitlines()
    text = "\n".join(filter(None, lines))
    async with open_page(browser) as opened:
        await opened.open(f"{served.url}/graphiql")
        await opened.wait_for(f"{EDITOR}.getValue() !== '' && {EDITOR}.options.hintOptions.schema")
        hands = Hands(opened)

        # Erin writes what stands on the page, says whose words they are, and lets it pass review.
        await hands.show(secrets[Role.EDITOR], "Erin")
        await hands.choose(
            9,
            (r'headline: "[^"]*"', f"headline: {orjson.dumps(headline).decode()}"),
            (r'markdown: """.*?"""', f"text: {orjson.dumps(text).decode()}"),
        )
        output = (await hands.run("WriteAnArticle"))["article"]
        assert output["status"] == "DRAFT"
        id, slug = output["id"], output["slug"]
        await hands.choose(
            10,
            (r'claim: "[^"]*"', 'claim: "Russia may be preparing an offensive"'),
            (r'exact: "[^"]*"', 'exact: "citing South Korean intelligence"'),
        )
        assert orjson.loads(await opened.evaluate(f"{VARIABLES}.getValue()")) == {"article": id}
        attributed = await hands.run("WhoSaidIt")
        assert attributed["attribution"]["span"] == {"exact": "citing South Korean intelligence"}
        await hands.choose(11)
        assert (await hands.run("SendToReview"))["article"]["status"] == "IN_REVIEW"
        assert (await hands.run("Approve"))["article"]["status"] == "APPROVED"
        await hands.choose(15)
        link = (await hands.run("PreviewLink"))["url"]

        # Only readers with the link can read it.
        async with open_page(browser) as guest:
            await guest.open(served.url + link)
            words = await guest.evaluate("document.body.innerText")
            assert words.startswith("Preview – not published: approved.")
            assert headline in words
            assert "Citing South Korean intelligence, according to Sky News" in words
            assert guest.console_errors == []
            assert guest.external_requests(served.url) == []

        # Paula lets it come out in some seconds; the public has it from then on, and not before.
        await hands.forget()
        await hands.show(secrets[Role.PUBLISHER], "Paula")
        moment = (dt.datetime.now(dt.UTC) + dt.timedelta(seconds=6)).replace(microsecond=0)
        await hands.choose(12, ("2035-01-01T06:00:00Z", f"{moment:%Y-%m-%dT%H:%M:%SZ}"))
        assert (await hands.run("Schedule"))["article"]["status"] == "SCHEDULED"
        await hands.forget()
        await hands.write(READ, slug=slug)
        early, out = 0, None
        while out is None:
            out = await hands.run("Read")
            early += out is None
            assert dt.datetime.now(dt.UTC) < moment + dt.timedelta(seconds=TIMEOUT_SECONDS)
        assert early
        assert dt.datetime.now(dt.UTC) >= moment
        assert out["publishedAt"] == f"{moment:%Y-%m-%dT%H:%M:%SZ}"
        assert (out["headline"], out["status"]) == (headline, "PUBLISHED")
        assert out["body"]["text"] == text
        names = [hop["source"]["name"] for hop in out["attributions"][0]["chain"]]
        assert names == ["South Korean intelligence", "Sky News"]

        # Corrected for everybody; what it said first comes back for the desk alone.
        await hands.show(secrets[Role.PUBLISHER], "Paula")
        await hands.choose(
            13,
            (r'text: "[^"]*"', 'text: "It was in May and June."'),
            (r'before: "[^"]*"', 'before: "twice in June"'),
            (r'after: "[^"]*"', 'after: "in May and June"'),
        )
        assert (await hands.run("Correct"))["correction"]["text"] == "It was in May and June."
        await hands.choose(14)
        revisions = (await hands.run("WhatChanged"))["revisions"]["nodes"]
        assert [(one["action"], one["savedBy"]) for one in revisions] == [
            ("CORRECTED", "Paula"), ("SCHEDULED", "Paula"), ("APPROVED", "Erin"), ("SUBMITTED", "Erin"),
            ("UPDATED", "Erin"), ("CREATED", "Erin"),
        ]  # fmt: skip
        back = (await hands.run("BringBack"))["article"]
        assert (back["headline"], back["unpublishedChanges"]) == (headline, True)
        await hands.forget()
        await hands.write(READ, slug=slug)
        public = await hands.run("Read")
        assert "visited North Korea in May and June" in public["body"]["text"]
        assert public["corrections"] == [
            {"text": "It was in May and June.", "before": "twice in June", "after": "in May and June"}
        ]
        assert opened.console_errors == []
        assert opened.external_requests(served.url) == []
