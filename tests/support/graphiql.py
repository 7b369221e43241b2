"""GraphiQL in the browser: what it shows, and its most common actions."""

from __future__ import annotations

from typing import Any

import orjson
from tests.support.browser import Page

TAB_TITLES_JS = "[...document.querySelectorAll('.graphiql-tab-button')].map(tab => tab.innerText.trim())"
EDITOR_JS = "document.querySelector('.graphiql-query-editor .CodeMirror').CodeMirror"
RESULT_JS = "document.querySelector('.result-window .CodeMirror').CodeMirror.getValue()"
BADGE_TEXT_JS = "document.getElementById('who').innerText"
SESSION_STORAGE_JS = "JSON.stringify(sessionStorage)"
PUBLIC_BADGE = "Public · What is published, and nothing else."


async def open_graphiql(page: Page, url: str) -> None:
    """Opens GraphiQL and waits until its editor has the schema for its hints."""
    await page.open(url)
    await page.wait_for(f"{EDITOR_JS}.getValue() !== '' && {EDITOR_JS}.options.hintOptions.schema")


async def wait_for_badge(page: Page, text: str) -> None:
    """Waits until the badge has the text."""
    await page.wait_for(f"{BADGE_TEXT_JS} === {orjson.dumps(text).decode()}")


async def enter_token(page: Page, token: str) -> None:
    """Enters the token in the bar above GraphiQL."""
    await page.click("#token")
    await page.type_text(token)
    await page.click("#bar button")


async def run_in_editor(page: Page, query: str) -> Any:
    """Runs the query in the open tab; returns the response that GraphiQL shows."""
    await page.evaluate(f"{EDITOR_JS}.setValue({orjson.dumps(query).decode()})")
    await page.evaluate("document.querySelector('.result-window .CodeMirror').CodeMirror.setValue('')")
    # The button runs the operation that GraphiQL has parsed, a moment after the text changes.
    name = query.split()[1] if query.startswith("mutation") else ""
    await page.wait_for(f"({EDITOR_JS}.operationName ?? '') === '{name}'")
    await page.click(".graphiql-execute-button")
    await page.wait_for(f"{RESULT_JS} !== ''")
    return orjson.loads(await page.evaluate(RESULT_JS))
