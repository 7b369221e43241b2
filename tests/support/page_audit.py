"""Accessibility checks of a page in the browser: contrast of its text and size of its controls."""

from __future__ import annotations

from typing import Any

from tests.support.browser import Page

_VISIBLE_JS = """
  const visible = element => {
    const box = element.getBoundingClientRect()
    const options = {opacityProperty: true, visibilityProperty: true}
    if (!box.width || !box.height || !element.checkVisibility(options)) return false
    const x = Math.min(Math.max(box.x + box.width / 2, 0), innerWidth - 1)
    const y = Math.min(Math.max(box.y + box.height / 2, 0), innerHeight - 1)
    if (box.right <= 0 || box.bottom <= 0 || box.left >= innerWidth || box.top >= innerHeight) return false
    const top = document.elementFromPoint(x, y)
    return top === null || element.contains(top) || top.contains(element)
  }
"""

_CONTRAST_JS = f"""(() => {{
  {_VISIBLE_JS}
  const canvas = document.createElement("canvas").getContext("2d", {{willReadFrequently: true}})
  const rgba = color => {{
    canvas.clearRect(0, 0, 1, 1)
    canvas.fillStyle = color
    canvas.fillRect(0, 0, 1, 1)
    const [r, g, b, a] = canvas.getImageData(0, 0, 1, 1).data
    return [r, g, b, a / 255]
  }}
  const over = ([r, g, b, a], back) => [r, g, b].map((value, n) => value * a + back[n] * (1 - a))
  const backOf = element => {{
    if (!element) return rgba("Canvas").slice(0, 3)
    const color = rgba(getComputedStyle(element).backgroundColor)
    return color[3] === 1 ? color.slice(0, 3) : over(color, backOf(element.parentElement))
  }}
  const luminance = color => color.map(value => value / 255)
    .map(value => value <= 0.04045 ? value / 12.92 : ((value + 0.055) / 1.055) ** 2.4)
    .reduce((sum, value, n) => sum + value * [0.2126, 0.7152, 0.0722][n], 0)
  const opacity = element =>
    element ? Number(getComputedStyle(element).opacity) * opacity(element.parentElement) : 1
  const texts = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT)
  const failures = new Map()
  let count = 0
  while (texts.nextNode()) {{
    const element = texts.currentNode.parentElement
    if (!texts.currentNode.data.trim() || !visible(element) || element.closest(":disabled, script, style"))
      continue
    count += 1
    const style = getComputedStyle(element)
    const back = backOf(element)
    const color = rgba(style.color)
    color[3] *= opacity(element)
    const [dark, light] = [luminance(back), luminance(over(color, back))].sort((a, b) => a - b)
    const ratio = (light + 0.05) / (dark + 0.05)
    const size = parseFloat(style.fontSize)
    const large = size >= 24 || (size >= 18.66 && Number(style.fontWeight) >= 700)
    if (ratio < (large ? 3 : 4.5))
      failures.set(
        `${{element.tagName}}.${{element.className}}`, [texts.currentNode.data.trim().slice(0, 40), ratio])
  }}
  return [count, [...failures].map(([name, [text, ratio]]) => `${{name}} "${{text}}" ${{ratio.toFixed(2)}}`)]
}})()"""

_CONTROLS = "button, input, summary, select, textarea, [role=button], [role=tab], [role=combobox]"

_SMALL_CONTROLS_JS = f"""(() => {{
  {_VISIBLE_JS}
  const controls = [...document.querySelectorAll({_CONTROLS!r})]
    .filter(element => visible(element) && !element.closest(".CodeMirror"))
  return [controls.length, controls.map(element => [element, element.getBoundingClientRect()])
    .filter(([element, box]) => box.width < 43.9 || box.height < 43.9)
    .map(([{{id, tagName, className, ariaLabel}}, box]) =>
      `${{tagName}}#${{id}}.${{className}} ${{ariaLabel}} ${{box.width}}x${{box.height}}`)]
}})()"""


async def low_contrast_texts(page: Page) -> list[str]:
    """The visible texts with less contrast than WCAG AA requires: 4.5 to 1, or 3 to 1 for large text."""
    return await _failures(page, _CONTRAST_JS)


async def small_controls(page: Page) -> list[str]:
    """The visible controls that are less than 44 pixels high or wide."""
    return await _failures(page, _SMALL_CONTROLS_JS)


async def _failures(page: Page, script: str) -> list[str]:
    result: Any = await page.evaluate(script)
    count, failures = result
    assert count, "nothing was checked"
    return list(failures)
