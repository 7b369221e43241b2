"""Subscriptions in the browser: in GraphiQL, and with an EventSource of a page."""

from __future__ import annotations

import orjson
import pytest
from tests.support.browser import Page
from tests.support.graphiql import EDITOR_JS, RESULT_JS
from tests.support.stream_client import write

LATEST = "subscription Live { latestNews(first: 50) { nodes { headline } } }"
PUBLISHED = "UPDATE article SET headline = '{0}' WHERE id = 701"


async def test_graphiql_shows_each_result_of_a_subscription(page: Page, newsroom_url: str) -> None:
    """Over a WebSocket, until it is stopped."""
    await page.evaluate(f"{EDITOR_JS}.setValue({orjson.dumps(LATEST).decode()})")
    await page.wait_for(f"{EDITOR_JS}.operationName === 'Live'")
    await page.click(".graphiql-execute-button")
    await page.wait_for(f"{RESULT_JS}.includes('eventId')")
    for headline in ("First version", "Second version"):
        await write(newsroom_url, PUBLISHED.format(headline))
        await page.wait_for(f"{RESULT_JS}.includes('{headline}')")
    await page.click(".graphiql-execute-button")
    await page.wait_for("document.querySelector('.graphiql-execute-button[aria-label^=\"Execute\"]')")


async def test_curl_command_of_a_subscription_reads_a_stream(page: Page) -> None:
    await page.evaluate("(navigator.clipboard.writeText = async text => { window.copied = text }, 0)")
    await page.evaluate(f"{EDITOR_JS}.setValue({orjson.dumps(LATEST).decode()})")
    await page.wait_for(f"{EDITOR_JS}.operationName === 'Live'")
    await page.click('button[aria-label="Copy as cURL"]')
    await page.wait_for("window.copied !== undefined")
    command = await page.evaluate("copied")
    assert command.startswith("curl -N ")
    assert "-H 'accept: text/event-stream'" in command


@pytest.mark.parametrize("with_ticket", [False, True])
async def test_event_source_of_a_browser(
    page: Page, newsroom_url: str, token: str, with_ticket: bool
) -> None:
    """With a ticket of its token it sees drafts; after an interruption it resumes by itself."""
    await write(newsroom_url, "UPDATE article SET headline = 'Secret draft' WHERE status = 'DRAFT'")
    if with_ticket:
        await page.evaluate(
            "fetch('/graphql/ticket', {method: 'POST', headers: {authorization: 'Bearer "
            + token
            + "'}}).then(response => response.json()).then(({ticket}) => { window.ticket = ticket }), 0"
        )
        await page.wait_for("window.ticket")
    await page.evaluate(
        "(window.results = [], window.address = new URL('/graphql', location.href),"
        f" address.searchParams.set('query', {orjson.dumps(LATEST).decode()}),"
        " window.ticket && address.searchParams.set('ticket', window.ticket),"
        " window.source = new EventSource(address),"
        " source.addEventListener('next', ({lastEventId, data}) => results.push({id: lastEventId, data})), 0)"
    )
    await page.wait_for("results.length === 1")
    assert ("Secret draft" in await page.evaluate("results[0].data")) == with_ticket
    await write(newsroom_url, PUBLISHED.format(f"Third version {with_ticket}"))
    await page.wait_for("results.length === 2")
    assert await page.evaluate("results[1].id === JSON.parse(results[1].data).extensions.eventId")
    assert await page.evaluate("(source.close(), source.readyState)") == 2
