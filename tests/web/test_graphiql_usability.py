"""GraphiQL on phones and desktops: layout, contrast, keyboard, tabs and the bar."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator

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
from tests.support.page_audit import low_contrast_texts, small_controls

from contentql.web.graphiql import editorial_examples

ALL_TOKENS = """# Comment
mutation X($a: ID! = "s") { no(a: 1.5, b: true, c: null, d: E, e: $a) @skip(if: $a) { ...F } }
fragment F on Article { id }
?"""
PHONE = (390, 844)
TABLET = (768, 1024)
DESKTOP = (1280, 800)
ACTIVE_TAB_JS = "document.querySelector('.graphiql-tab-active')"
ACTIVE_EDITOR_JS = "document.activeElement.closest('.CodeMirror')"
ACTIVE_LABEL_JS = f"{ACTIVE_EDITOR_JS}?.querySelector('[aria-label]')?.ariaLabel"


async def click_by_script(page: Page, selector: str) -> None:
    """Clicks an element that may be covered, and waits for the next frames."""
    await page.wait_for(f"document.querySelector({selector!r})")
    await page.evaluate(f"document.querySelector({selector!r}).click()")
    await page.evaluate("new Promise(done => setTimeout(done, 300))")


async def states(page: Page, token: str) -> AsyncIterator[str]:
    """Brings the page into all its states, one after the other."""
    yield "first visit"
    for name in ("Documentation Explorer", "History", "GraphiQL Explorer"):
        await click_by_script(page, f'button[aria-label="Show {name}"]')
        yield name
        await click_by_script(page, f'button[aria-label="Hide {name}"]')
    await click_by_script(page, ".graphiql-execute-button")
    await page.wait_for(f"{RESULT_JS} !== ''")
    yield "result"
    await click_by_script(page, '[data-name="variables"]')
    yield "variables"
    await click_by_script(page, "#examples summary")
    yield "examples"
    await click_by_script(page, "#examples summary")
    for name in ("settings", "short keys"):
        await click_by_script(page, f'button[aria-label="Open {name} dialog"]')
        yield name
        await click_by_script(page, ".graphiql-dialog-close")
    await page.evaluate(f"{EDITOR_JS}.setValue({orjson.dumps(ALL_TOKENS).decode()})")
    yield "syntax"
    await page.evaluate("document.getElementById('token').focus()")
    await click_by_script(page, "#identity-button")
    yield "identity"
    await page.evaluate("document.getElementById('token').focus()")
    await page.type_text(token)
    await click_by_script(page, "#bar button")
    await page.wait_for(f"{BADGE_TEXT_JS}.startsWith('Jane Doe')")
    await set_as_of(page, "2026-12-24T18:05")
    await page.wait_for("document.getElementById('moment')")
    yield "as of"
    await page.evaluate("document.getElementById('token').value = 'cql_nonsense'")
    await click_by_script(page, "#bar button")
    await page.wait_for("document.getElementById('who').className === 'refused'")
    yield "refused"


async def bounding_box(page: Page, selector: str) -> dict[str, float]:
    box: dict[str, float] = await page.evaluate(
        f"document.querySelector({selector!r}).getBoundingClientRect().toJSON()"
    )
    return box


async def set_as_of(page: Page, text: str) -> None:
    box = "document.getElementById('as-of')"
    await page.evaluate(f"({box}.value = {text!r}, {box}.dispatchEvent(new Event('change')))")


@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize("size", [PHONE, TABLET, DESKTOP])
async def test_texts_have_contrast_and_controls_fit_fingers(
    browser: str, server_url: str, token: str, theme: str, size: tuple[int, int]
) -> None:
    """WCAG AA in both themes; on a phone controls have 44 pixels and the bar at most 56."""
    async with open_page(browser) as page:
        await page.resize(*size)
        await page.set_color_scheme(theme)
        await open_graphiql(page, f"{server_url}/graphiql")
        async for state in states(page, token):
            assert await low_contrast_texts(page) == [], state
            assert await page.evaluate("document.documentElement.scrollWidth") == size[0], state
            assert await page.evaluate("document.getElementById('bar').offsetHeight") <= 56, state
            if size == PHONE:
                assert await small_controls(page) == [], state


async def test_chosen_theme_has_contrast(page: Page) -> None:
    """The theme of the settings, unlike that of the system."""
    await page.resize(*DESKTOP)
    for system, chosen in (("light", "Dark"), ("dark", "Light")):
        await page.set_color_scheme(system)
        await click_by_script(page, 'button[aria-label="Open settings dialog"]')
        await page.evaluate(
            "[...document.querySelectorAll('.graphiql-dialog button')]"
            f".find(button => button.innerText === '{chosen}').click()"
        )
        await click_by_script(page, ".graphiql-dialog-close")
        assert await low_contrast_texts(page) == []
        background = await page.evaluate("getComputedStyle(document.getElementById('bar')).backgroundColor")
        assert (int(background.split("(")[1].split(",")[0]) < 128) == (chosen == "Dark")
    page.console_errors.clear()  # of the dialog's own component


async def test_phone_shows_operation_above_result(page: Page) -> None:
    """Both panes have the whole width and room for some lines; a pane of the side bar covers them."""
    await page.resize(*PHONE)
    await page.click(".graphiql-execute-button")
    await page.wait_for(f"{RESULT_JS} !== ''")
    boxes = {}
    for name in (".graphiql-query-editor .graphiql-editor", ".result-window", ".graphiql-sidebar"):
        boxes[name] = await page.evaluate(
            f"document.querySelector({name!r}).getBoundingClientRect().toJSON()"
        )
    query, result, sidebar = boxes.values()
    for pane in (query, result):
        assert pane["width"] > 360
        assert pane["height"] > 200
    assert query["bottom"] <= result["top"] < result["bottom"] <= sidebar["top"] < sidebar["bottom"] <= 844
    await page.click('button[aria-label="Show Documentation Explorer"]')
    await page.wait_for("document.querySelector('.graphiql-doc-explorer-root-type')")
    docs = await bounding_box(page, ".graphiql-plugin")
    assert (docs["left"], docs["width"]) == (0, 390)
    assert docs["bottom"] <= sidebar["top"]


async def test_phone_hides_token_and_moment_behind_a_button(page: Page, token: str) -> None:
    await page.resize(*PHONE)
    visible = "document.getElementById('token').checkVisibility()"
    button = "document.getElementById('identity-button')"
    assert not await page.evaluate(visible)
    await page.click("#identity-button")
    assert await page.evaluate(f"{visible} && {button}.ariaExpanded === 'true'")
    await page.press("Escape", "Escape", 27)
    assert not await page.evaluate(f"{visible} || {button}.ariaExpanded === 'true'")
    await page.click("#identity-button")
    await enter_token(page, token)
    await page.wait_for(f"{BADGE_TEXT_JS}.startsWith('Jane Doe') && !{visible}")


@pytest.mark.parametrize("size", [PHONE, DESKTOP])
async def test_badge_shows_the_moment_in_local_time_until_it_is_cleared(
    page: Page, token: str, size: tuple[int, int]
) -> None:
    """With the name of the time zone; the request has the same moment in UTC."""
    await page.set_time_zone("Asia/Kolkata")
    await page.resize(*size)
    if size == PHONE:
        await page.click("#identity-button")
    await enter_token(page, token)
    await page.wait_for(f"{BADGE_TEXT_JS}.startsWith('Jane Doe')")
    await page.evaluate(
        "(window.sent = [], window.send = fetch, window.fetch = (url, options) =>"
        " { sent.push(options.headers['X-Preview-At']); return send(url, options) }, 0)"
    )
    await set_as_of(page, "2026-12-24T18:05")
    await page.wait_for(f"{BADGE_TEXT_JS}.includes('As of 24 Dec 2026, 18:05 GMT+5:30')")
    assert await page.evaluate("sent") == ["2026-12-24T12:35:00.000Z"]
    assert await page.evaluate(
        "(({right, bottom}) => right <= innerWidth && bottom <= document.getElementById('bar').offsetHeight)"
        "(document.getElementById('moment').getBoundingClientRect())"
    )
    await page.click("#now")
    await page.wait_for(f"!{BADGE_TEXT_JS}.includes('As of')")
    assert await page.evaluate("document.getElementById('as-of').value") == ""
    assert await page.evaluate("sent") == ["2026-12-24T12:35:00.000Z", None]
    assert "as-of" not in await page.evaluate(SESSION_STORAGE_JS)
    assert not await page.evaluate("document.getElementById('now').checkVisibility()")


async def test_refused_token_offers_to_continue_without(browser: str, server_url: str) -> None:
    async with open_page(browser) as page:
        await open_graphiql(page, f"{server_url}/graphiql")
        await enter_token(page, "cql_nonsense")
        await page.wait_for("document.getElementById('who').className === 'refused'")
        assert await page.evaluate("document.getElementById('retry').innerText") == "Continue without a token"
        await page.click("#retry")
        await wait_for_badge(page, PUBLIC_BADGE)
        assert await page.evaluate(SESSION_STORAGE_JS) == "{}"
        assert not await page.evaluate("document.getElementById('retry').checkVisibility()")
        assert "data" in await run_in_editor(page, "{ viewer { role } }")


# Keyboard


async def test_tab_leaves_editors_after_escape(page: Page) -> None:
    """Without Escape it indents; Escape that closes a list of proposals does not count."""
    await page.evaluate(f"({EDITOR_JS}.setValue('{{'), {EDITOR_JS}.focus(), {EDITOR_JS}.setCursor(0, 1))")
    await page.press("Tab", "Tab", 9)
    assert await page.evaluate(f"{EDITOR_JS}.getValue()") != "{"
    await page.press(" ", "Space", 32, ctrl=True)
    await page.wait_for("document.querySelector('.CodeMirror-hints')")
    await page.press("Escape", "Escape", 27)
    await page.wait_for("!document.querySelector('.CodeMirror-hints')")
    await page.press("Tab", "Tab", 9)
    assert await page.evaluate(f"Boolean({ACTIVE_EDITOR_JS})")
    text = await page.evaluate(f"{EDITOR_JS}.getValue()")
    await page.press("Escape", "Escape", 27)
    await page.wait_for("document.getElementById('toast').innerText === 'Press Tab to leave the editor.'")
    await page.press("Tab", "Tab", 9)
    assert await page.evaluate("document.activeElement.className.includes('graphiql-execute-button')")
    assert await page.evaluate(f"{EDITOR_JS}.getValue()") == text
    await page.evaluate(f"{EDITOR_JS}.focus()")
    await page.press("Tab", "Tab", 9)  # a new visit begins without Escape
    assert await page.evaluate(f"Boolean({ACTIVE_EDITOR_JS})")


async def test_tab_order_reaches_the_end_of_the_page(page: Page) -> None:
    """Also through the result, which cannot be edited, and the editor of variables."""
    await page.click('[data-name="variables"]')
    await page.evaluate("document.getElementById('token').focus()")
    seen: list[str] = []
    for _ in range(80):
        if await page.evaluate(f"Boolean({ACTIVE_EDITOR_JS})"):
            await page.press("Escape", "Escape", 27)
        await page.press("Tab", "Tab", 9)
        seen.append(await page.evaluate(f"{ACTIVE_LABEL_JS} ?? document.activeElement.tagName"))
        if seen[-1] == "BODY":
            break
    assert seen[-1] == "BODY", seen
    leave = "To leave the editor, press Escape, then Tab."
    for label in (f"Operation. {leave}", f"Variables. {leave}", "Result."):
        assert seen.count(label) == 1, seen


# Panes and tabs


async def test_empty_history_explains_itself(page: Page) -> None:
    text = "document.querySelector('.graphiql-history').innerText"
    await page.click('button[aria-label="Show History"]')
    await page.wait_for(f"{text}.includes('Operations that you run are listed here')")
    await page.click(".graphiql-execute-button")
    await page.wait_for("document.querySelector('.graphiql-history-item')")
    await page.wait_for(f"!{text}.includes('Operations that you run')")
    await page.click(".graphiql-history-header button")
    await page.wait_for(f"{text}.includes('Operations that you run are listed here')")


async def test_tabs_fit_the_window(page: Page) -> None:
    """The examples have room beside each other; of many more tabs, the active one is in view."""
    await page.resize(*DESKTOP)
    tabs = "document.querySelector('.graphiql-tabs')"
    assert await page.evaluate(f"{tabs}.scrollWidth <= {tabs}.clientWidth")
    assert len(await page.evaluate(TAB_TITLES_JS)) == 8
    for _ in range(2):
        for name, text in editorial_examples().items():
            await page.click("#examples summary")
            await page.click(f"#examples button[value='{name}']")
            title = re.findall(r"^(?:query|mutation) (\w+)", text, re.M)[0]
            await page.wait_for(f"{ACTIVE_TAB_JS}.innerText.trim() === '{title}'")
    assert len(await page.evaluate(TAB_TITLES_JS)) == 17
    for size in (DESKTOP, PHONE):
        await page.resize(*size)
        await page.click("#examples summary")
        await page.click("#examples button[value^='16-']")
        await page.wait_for(
            "(({left, right}, bar) => bar.left - 1 <= left && right <= bar.right + 1)"
            f"({tabs}.querySelector('.graphiql-tab-active').getBoundingClientRect(),"
            f" {tabs}.getBoundingClientRect())"
        )
        assert await page.evaluate("document.documentElement.scrollWidth") == size[0]


async def test_page_has_an_icon(page: Page, server_url: str) -> None:
    icon = await page.evaluate("document.querySelector('link[rel=icon]').href")
    assert icon == f"{server_url}/graphiql/static/favicon.svg"
    assert await page.evaluate(f"fetch('{icon}').then(response => response.headers.get('content-type'))") == (
        "image/svg+xml; charset=utf-8"
    )
