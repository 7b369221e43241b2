"""GraphiQL's requests: summaries and errors of responses, commands, links, and the last article."""

from __future__ import annotations

import shutil
import subprocess
from typing import Any

import orjson
import pytest
from tests.support.browser import Page, open_page
from tests.support.graphiql import (
    BADGE_TEXT_JS,
    EDITOR_JS,
    PUBLIC_BADGE,
    RESULT_JS,
    SESSION_STORAGE_JS,
    TAB_TITLES_JS,
    enter_token,
    open_graphiql,
    run_in_editor,
    wait_for_badge,
)

SUMMARY_JS = "document.getElementById('response-summary').innerText.replace(/\\s+/g, ' ').trim()"
TOAST_JS = "document.getElementById('toast').innerText"
VARIABLES_JS = "document.querySelectorAll('.graphiql-editor-tool .CodeMirror')[0].CodeMirror"
HEADERS_JS = "document.querySelectorAll('.graphiql-editor-tool .CodeMirror')[1].CodeMirror"
CLICK_JS = "document.querySelector({!r}).click()"
# The arguments of `curl`, each on a line as JSON would be ambiguous: separated by NUL characters.
FAKE_CURL = "curl() { printf '%s\\0' \"$@\"; }\n"

pytestmark = pytest.mark.usefixtures("token")


async def text_of_summary(page: Page) -> str:
    return str(await page.evaluate(SUMMARY_JS))


# The summary


async def test_result_has_status_time_cost_and_cache_state(page: Page) -> None:
    """Of each tab's own response; the second time a public response is cached."""
    query = "{ latestNews(first: 7) { nodes { headline } } }"
    assert "appear here" in await text_of_summary(page)
    await run_in_editor(page, query)
    first = await text_of_summary(page)
    await run_in_editor(page, query)
    second = await text_of_summary(page)
    for text, cost, cache in ((first, "8", "miss"), (second, "1", "hit")):
        words = text.split()
        assert words[:2] == ["Status", "200"], text
        assert (words[2], float(words[3]) > 0, words[4]) == ("Time", True, "ms"), text
        assert words[5:] == ["Cost", cost, "Cache", cache], text
    await page.click(".graphiql-tabs > :nth-child(2) .graphiql-tab-button")
    await page.wait_for(f"{SUMMARY_JS}.includes('appear here')")
    await page.click(".graphiql-tabs > :nth-child(1) .graphiql-tab-button")
    await page.wait_for(f"{SUMMARY_JS} === {orjson.dumps(second).decode()}")


async def test_summary_has_the_status_of_an_error(browser: str, server_url: str) -> None:
    async with open_page(browser) as page:
        await open_graphiql(page, f"{server_url}/graphiql")
        await run_in_editor(
            page, 'mutation Write { createArticle(input: {headline: "x"}) { article { id } } }'
        )
        assert (await text_of_summary(page)).startswith("Status 401 Time ")


# Errors


async def test_missing_server_is_a_sentence(browser: str, server_url: str) -> None:
    """In the result and in the bar, which offers to try again; no stack trace."""
    async with open_page(browser) as page:
        await open_graphiql(page, f"{server_url}/graphiql")
        await wait_for_badge(page, PUBLIC_BADGE)
        await page.set_offline(True)
        result = await run_in_editor(page, "{ viewer { role } }")
        (error,) = result["errors"]
        assert error.keys() == {"message"}
        assert error["message"].startswith("The server does not answer. Check that it runs")
        assert (await text_of_summary(page)).startswith("Status no answer Time ")
        await page.evaluate(CLICK_JS.format("#forget"))
        await page.evaluate("document.getElementById('forget').disabled = false")
        await page.click("#forget")
        await wait_for_badge(page, "The server does not answer.")
        assert await page.evaluate("document.getElementById('retry').innerText") == "Try again"
        await page.set_offline(False)
        await page.click("#retry")
        await wait_for_badge(page, PUBLIC_BADGE)
        assert (await run_in_editor(page, "{ viewer { role } }"))["data"]


@pytest.mark.parametrize(
    ("body", "status", "sentence"),
    [
        ("<h1>Bad gateway</h1>", 502, "The server, or a proxy before it, failed (status 502)."),
        ("", 503, "The server, or a proxy before it, failed (status 503)."),
        ("<!doctype html>", 200, "What answered is not the GraphQL server (status 200)."),
        ("null", 404, "What answered is not the GraphQL server (status 404)."),
    ],
)
async def test_responses_of_others_are_a_sentence(page: Page, body: str, status: int, sentence: str) -> None:
    response = f"new Response({orjson.dumps(body).decode()}, {{status: {status}}})"
    await page.evaluate(f"(window.fetch = async () => {response}, 0)")
    (error,) = (await run_in_editor(page, "{ viewer { role } }"))["errors"]
    assert error["message"].startswith(sentence)
    assert (await text_of_summary(page)).startswith(f"Status {status} ")


async def test_missing_server_of_a_subscription_is_a_sentence(browser: str, server_url: str) -> None:
    async with open_page(browser) as page:
        await open_graphiql(page, f"{server_url}/graphiql")
        await page.evaluate(
            "(window.WebSocket.prototype.addEventListener = () => {}, window.WebSocket = new Proxy(WebSocket,"
            " {construct: (Socket, [url, protocol]) => new Socket(url.replace(/:\\d+/, ':1'), protocol)}), 0)"
        )
        await page.evaluate(f"{EDITOR_JS}.setValue('subscription Later {{ nothing }}')")
        await page.wait_for(f"{EDITOR_JS}.operationName === 'Later'")
        await page.click(".graphiql-execute-button")
        await page.wait_for(f"{RESULT_JS}.includes('The server does not answer.')", 40)
        assert "stack" not in await page.evaluate(RESULT_JS)


# Commands and links


async def keep_copied_text(page: Page) -> None:
    """Puts copied texts and sent requests into variables of the page."""
    await page.evaluate(
        "(navigator.clipboard.writeText = async text => { window.copied = text }, window.sent = [],"
        " window.send = fetch, window.fetch = (url, options) => { sent.push({url: String(url),"
        " headers: Object.fromEntries(new Headers(options.headers)), body: options.body});"
        " return send(url, options) }, 0)"
    )


async def copy(page: Page, label: str) -> str:
    await page.evaluate("window.copied = undefined, 0")
    await page.click(f'button[aria-label="{label}"]')
    await page.wait_for("window.copied !== undefined")
    return str(await page.evaluate("copied"))


def arguments_of_curl(command: str, shell: str, token: str) -> list[str]:
    """The arguments that a shell passes to curl."""
    output = subprocess.run(
        [shell, "-c", FAKE_CURL + command],
        env={"CONTENTQL_TOKEN": token, "PATH": "/usr/bin:/bin"},
        capture_output=True,
        check=True,
    )
    return output.stdout.decode().split("\0")[:-1]


def parse_arguments(arguments: list[str]) -> dict[str, Any]:
    """URL, headers and body of the arguments of curl."""
    url, *options = arguments
    result: dict[str, Any] = {"url": url, "headers": {}}
    for option, value in zip(options[::2], options[1::2], strict=True):
        if option == "-H":
            name, _, text = value.partition(": ")
            result["headers"][name] = text
        else:
            assert option == "--data-raw"
            result["body"] = value
    return result


AWKWARD = """query Awkward($a: ID) {
  articles(search: "it's \\\\ \\"$HOME\\" `id` !1 %s é \U0001f600", first: 1) { totalCount }
  article(id: $a) { id }
}"""


@pytest.mark.parametrize("has_token", [False, True])
async def test_curl_command_sends_the_same_request(page: Page, token: str, has_token: bool) -> None:
    """In each POSIX shell, whatever the text contains; the token is read from the environment."""
    await keep_copied_text(page)
    if has_token:
        await enter_token(page, token)
        await page.wait_for(f"{BADGE_TEXT_JS}.startsWith('Jane Doe')")
        box = "document.getElementById('as-of')"
        await page.evaluate(f"({box}.value = '2026-12-24T18:05', {box}.dispatchEvent(new Event('change')))")
        await page.wait_for("document.getElementById('moment')")
    await page.click('[data-name="variables"]')
    await page.evaluate(f'{VARIABLES_JS}.setValue(\'{{"a": "art_701\\\'"}}\')')
    await page.evaluate(f'{HEADERS_JS}.setValue(\'{{"X-Request-Id": "it\\\'s"}}\')')
    await page.evaluate(f"{EDITOR_JS}.setValue({orjson.dumps(AWKWARD).decode()})")
    await page.wait_for(f"{EDITOR_JS}.operationName === 'Awkward'")
    await page.evaluate("sent.length = 0, 0")
    await page.click(".graphiql-execute-button")
    await page.wait_for("sent.length === 1")
    (sent,) = await page.evaluate("sent")
    command = await copy(page, "Copy as cURL")
    assert await page.evaluate(TOAST_JS) == "Copied as a cURL command."
    assert token not in command
    assert ("$CONTENTQL_TOKEN" in command) == has_token
    for shell in filter(None, map(shutil.which, ("sh", "dash", "bash"))):
        assert parse_arguments(arguments_of_curl(command, shell, token)) == sent
    assert ("authorization" in sent["headers"]) == has_token


async def test_curl_command_hides_tokens_of_own_headers_and_variables(page: Page, token: str) -> None:
    await keep_copied_text(page)
    await page.click('[data-name="headers"]')
    for scheme, own in (("Bearer ", token), ("", token), ("Basic ", "amFuZTpzZWNyZXQ=")):
        text = orjson.dumps({"authorization": f"{scheme}{own}"}).decode()
        await page.evaluate(f"{HEADERS_JS}.setValue({orjson.dumps(text).decode()})")
        variables = orjson.dumps({"token": own}).decode()
        await page.evaluate(f"{VARIABLES_JS}.setValue({orjson.dumps(variables).decode()})")
        command = await copy(page, "Copy as cURL")
        assert own not in command
        request = parse_arguments(arguments_of_curl(command, "sh", own))
        assert request["headers"]["authorization"] == f"{scheme}{own}"
        assert orjson.loads(request["body"])["variables"] == {"token": own}
    await page.evaluate(f"{VARIABLES_JS}.setValue('{{')")
    await page.click('button[aria-label="Copy as cURL"]')
    await page.wait_for(f"{TOAST_JS}.startsWith('The variables or headers are not JSON.')")


async def test_share_link_opens_the_operation_in_a_new_tab(
    browser: str, page: Page, server_url: str, token: str
) -> None:
    """In another browser, once; the operation is in the fragment, which no request contains."""
    await keep_copied_text(page)
    await enter_token(page, token)
    await page.wait_for(f"{BADGE_TEXT_JS}.startsWith('Jane Doe')")
    query = f'# {token}\n# a+b&c=d%20#"é\nquery Shared($a: ID!) {{ article(id: $a) {{ id }} }}\n'
    await page.evaluate(f"{EDITOR_JS}.setValue({orjson.dumps(query).decode()})")
    await page.evaluate(f'{VARIABLES_JS}.setValue(\'{{"a": "art_701"}}\')')
    await page.evaluate(f'{HEADERS_JS}.setValue(\'{{"x-own": "secret"}}\')')
    link = await copy(page, "Copy link to this operation")
    assert await page.evaluate(TOAST_JS) == "Copied a link to the operation."
    assert link.startswith(f"{server_url}/graphiql#query=")
    assert token not in link
    assert "secret" not in link
    async with open_page(browser) as other:
        await other.open(f"{server_url}/graphiql")
        await other.wait_for(f"{TAB_TITLES_JS}.length === 8")
        titles = await other.evaluate(TAB_TITLES_JS)
        await other.evaluate(f"location.href = {orjson.dumps(link).decode()}, 0")
        await other.wait_for(f"{TAB_TITLES_JS}.at(-1) === 'Shared'")
        assert await other.evaluate(f"{EDITOR_JS}.getValue()") == query.replace(token, "cql_…")
        assert orjson.loads(await other.evaluate(f"{VARIABLES_JS}.getValue()")) == {"a": "art_701"}
        assert await other.evaluate(RESULT_JS) == ""
        assert await other.evaluate("location.href") == f"{server_url}/graphiql"
        assert await other.evaluate(TAB_TITLES_JS) == [*titles, "Shared"]
        assert not any("Shared" in url for url in other.requested_urls if "#" not in url)
    async with open_page(browser) as other:
        await other._send("Page.navigate", url=link)
        await other.wait_for(f"{TAB_TITLES_JS}.at(-1) === 'Shared'")
        state = "Object.entries(localStorage).find(([name]) => name.endsWith('tabState'))[1]"
        await other.wait_for(f"{state}.includes('query Shared')")
        await open_graphiql(other, f"{server_url}/graphiql/")
        assert (await other.evaluate(TAB_TITLES_JS)).count("Shared") == 1


async def test_texts_are_copied_without_a_clipboard_api(page: Page) -> None:
    """At addresses without https, browsers have none."""
    await page.evaluate(
        "(Object.defineProperty(navigator, 'clipboard', {value: undefined}),"
        " document.execCommand = () => { window.copied = document.activeElement.value; return true }, 0)"
    )
    assert (await copy(page, "Copy as cURL")).startswith("curl ")
    await page.evaluate("(document.execCommand = () => false, 0)")
    await page.click('button[aria-label="Copy as cURL"]')
    await page.wait_for(f"{TOAST_JS} === 'The browser does not allow copying.'")


async def test_addresses_in_the_result_open_in_a_new_tab(page: Page, server_url: str) -> None:
    await run_in_editor(page, '{ media(id: "med_350") { url } }')
    await page.evaluate("(window.open = (...values) => { window.opened = values }, 0)")
    await page.click(".result-window .cm-link-address")
    await page.wait_for("window.opened")
    url = f"{server_url}/demo/media/marrow/comet.jpg"
    assert await page.evaluate("opened") == [url, "_blank", "noopener,noreferrer"]


# The last article


async def test_last_article_survives_a_reload(page: Page, server_url: str, token: str) -> None:
    """Until the token is removed; without a reload, it is there for the next token."""
    await enter_token(page, token)
    await page.wait_for(f"{BADGE_TEXT_JS}.startsWith('Jane Doe')")
    mutation = 'mutation Write { made: createArticle(input: {headline: "Kept"}) { article { id } } }'
    result = await run_in_editor(page, mutation)
    article_id = result["data"]["made"]["article"]["id"]
    await run_in_editor(page, "{ latestNews(first: 1) { nodes { id } } }")
    await open_graphiql(page, f"{server_url}/graphiql/")
    await page.click("#examples summary")
    await page.click("#examples button[value^='15-']")
    await page.wait_for(f"{VARIABLES_JS}.getValue().includes('article')")
    assert orjson.loads(await page.evaluate(f"{VARIABLES_JS}.getValue()")) == {"article": article_id}
    await page.wait_for(f"{EDITOR_JS}.operationName === 'PreviewLink'")
    await page.click(".graphiql-execute-button")
    await page.wait_for(f"{RESULT_JS} !== ''")
    payload = orjson.loads(await page.evaluate(RESULT_JS))["data"]["createPreviewLink"]
    assert payload["url"].startswith(f"{server_url}/preview/cqlp_")
    await page.click("#forget")
    await wait_for_badge(page, PUBLIC_BADGE)
    assert await page.evaluate(SESSION_STORAGE_JS) == "{}"
    await enter_token(page, token)
    await page.wait_for(f"{BADGE_TEXT_JS}.startsWith('Jane Doe')")
    assert article_id in await page.evaluate(SESSION_STORAGE_JS)
