"""Shortcodes of WordPress: tags in square brackets within the text of a post.

Invariant: linear time; knows nothing of what a shortcode means.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from html import unescape
from typing import Final

MAX_NESTING: Final = 20

# A quoted value may have brackets in pairs only, so that no search runs past the next open bracket.
_TAG: Final = re.compile(
    r"""(?P<escaped>\[?)\[(?P<closes>/?)(?P<name>[a-zA-Z][\w-]{0,80})
    (?P<attributes>(?: (?=[\s"'/])
        (?: "(?:[^"\[\]]|\[[^"\[\]]*\])*+" | '(?:[^'\[\]]|\[[^'\[\]]*\])*+' | [^\[\]"'] )*+
        [^\[\]]*+ )?)\]""",
    re.VERBOSE,
)
_ATTRIBUTE: Final = re.compile(
    r"""(?P<name>[\w-]{1,80})\s{0,5}=\s{0,5}(?:"(?P<double>[^"]*)"|'(?P<single>[^']*)'|(?P<bare>[^\s"'\]]+))"""
    r"""|"(?P<quoted>[^"]*)"|(?P<word>[^\s"']+)"""
)


@dataclass
class Shortcode:
    """A shortcode as it stands in the text: `values` are its attributes without a name, `content` what is
    between its tags, None without an end tag, and `source` all of it."""

    name: str
    attributes: dict[str, str] = field(default_factory=dict)
    values: tuple[str, ...] = ()
    content: str | None = None
    source: str = ""

    def get(self, *names: str) -> str:
        """The first attribute of the names that is not empty, else ""."""
        return next((value for name in names if (value := self.attributes.get(name, "").strip())), "")


def replace_shortcodes(text: str, names: set[str], replace: Callable[[Shortcode], str]) -> str:
    """The text with the shortcodes of the names replaced, also those within the content of others.

    Other brackets stay as they are; `[[name]]` becomes `[name]`.
    """
    if "[" not in text:
        return text
    return _Replacement(text, names, replace).result()


def find_shortcodes(text: str) -> Iterator[str]:
    """The names of what looks like shortcodes: with an attribute, an underscore or an end tag."""
    for tag in _TAG.finditer(text):
        if "=" in tag["attributes"] or "_" in tag["name"] or tag["closes"]:
            yield tag["name"]


class _Replacement:
    """A stack of open shortcodes, each with the text since its tag."""

    def __init__(self, text: str, names: set[str], replace: Callable[[Shortcode], str]) -> None:
        self._text, self._names, self._replace = text, names, replace
        self._open: list[tuple[Shortcode, list[str]]] = []
        self._pieces: list[str] = []

    def result(self) -> str:
        at = 0
        for tag in _TAG.finditer(self._text):
            start, end = tag.span()
            if tag["escaped"]:
                if self._text.startswith("]", end) and tag["name"].lower() in self._names:
                    self._add(self._text[at : start + 1], self._text[start + 2 : end])
                    at = end + 1
                    continue
                start += 1
            if tag["name"].lower() not in self._names:
                continue
            self._add(self._text[at:start])
            at = end
            self._tag(tag["name"].lower(), bool(tag["closes"]), tag["attributes"], self._text[start:end])
        self._add(self._text[at:])
        while self._open:
            self._finish_without_end()
        return "".join(self._pieces)

    def _add(self, *texts: str) -> None:
        (self._open[-1][1] if self._open else self._pieces).extend(texts)

    def _tag(self, name: str, closes: bool, attributes: str, source: str) -> None:
        if closes:
            if all(shortcode.name != name for shortcode, _ in self._open):
                self._add(source)
                return
            while self._open[-1][0].name != name:
                self._finish_without_end()
            shortcode, content = self._open.pop()
            shortcode.content = "".join(content)
            self._add(self._replace(shortcode))
            return
        shortcode = _parse(name, attributes.rstrip("/ "), source)
        if attributes.rstrip().endswith("/") or len(self._open) >= MAX_NESTING:
            self._add(self._replace(shortcode))
        else:
            self._open.append((shortcode, []))

    def _finish_without_end(self) -> None:
        shortcode, content = self._open.pop()
        self._add(self._replace(shortcode), *content)


def _parse(name: str, attributes: str, source: str) -> Shortcode:
    shortcode = Shortcode(name, source=source)
    values = []
    for match in _ATTRIBUTE.finditer(attributes.replace("“", '"').replace("”", '"').replace("″", '"')):
        if match["name"]:
            value = match["double"] or match["single"] or match["bare"] or ""
            shortcode.attributes.setdefault(match["name"].lower(), unescape(value))
        else:
            values.append(unescape(match["quoted"] or match["word"] or ""))
    shortcode.values = tuple(values)
    return shortcode
