"""Checks of rendered bodies with an HTML5 parser and with Markdown parsers that let everything through."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Mapping

from markdown_it import MarkdownIt
from selectolax.lexbor import LexborHTMLParser, LexborNode

_PAGE = {"html", "head", "body", "main"}
_INLINE = {"a", "br", "strong", "em", "span", "s", "code", "sub", "sup"}
HTML_TAGS = _INLINE | {
    "p", "h2", "h3", "h4", "blockquote", "aside", "ol", "ul", "li", "figure", "figcaption", "table", "tbody",
    "tr", "th", "td", "pre", "code", "hr", "section", "time",
}  # fmt: skip
MARKDOWN_TAGS = HTML_TAGS | {"thead", "img"}
# What each attribute may look like.
_ATTRIBUTES: Mapping[tuple[str, str], str] = {
    ("figure", "data-type"): r"image|video|audio|gallery|embed|unknown",
    ("figure", "data-url"): r"https?://.*",
    ("figure", "data-provider"): r"(?s:.*)",
    ("figure", "data-fallback"): r"(?s:.*)",
    ("figure", "data-title"): r"(?s:.*)",
    ("figure", "data-original-type"): r"(?s:.*)",
    ("p", "data-type"): r"paragraph|correction|related_link",
    ("section", "data-type"): r"live_entry",
    ("section", "data-key-event"): r"true",
    ("section", "data-summary"): r"true",
    ("section", "data-pinned"): r"true",
    ("blockquote", "data-attribution"): r"att_\d+",
    ("span", "lang"): r"[\w-]+",
    ("span", "data-mention"): r"\w+",
    ("img", "src"): r"med_\d+",
    ("img", "alt"): r"(?s:.*)",
    ("img", "title"): r"video|audio|gallery",
    ("figure", "data-media"): r"[\d ]+",
    ("time", "datetime"): r"[\dTZ:-]+",
    ("code", "class"): r"language-[\w.+#/-]{1,50}",
    ("ol", "start"): r"\d+",
}
_SCHEMES = {"http", "https", "mailto", "tel", ""}


class _Permissive(MarkdownIt):
    """A parser that accepts HTML and every link, as some websites configure theirs."""

    def validateLink(self, url: str) -> bool:
        return True


PARSERS = (
    _Permissive("commonmark", {"html": True}).enable("table"),
    _Permissive("js-default", {"html": True}),
)


def inert_text(html: str, tags: Collection[str] = HTML_TAGS) -> str:
    """The visible text of HTML, after checks that it has only these tags, harmless attributes and links."""
    tree = LexborHTMLParser(f"<!doctype html><html><head></head><body><main>{html}</main></body></html>")
    main = tree.css("main")
    assert len(main) == 1, html
    assert tree.body is not None
    assert [node.tag for node in tree.body.iter(include_text=True)] == ["main"], html
    return "".join(_texts(main[0], tags))


def inert_markdown_text(markdown: str) -> str:
    """The visible text of Markdown, after the same checks of what parsers make of it."""
    first, *others = (inert_text(parser.render(markdown), MARKDOWN_TAGS) for parser in PARSERS)
    assert [squeeze(other) for other in others] == [squeeze(first)] * len(others), markdown
    return first


def squeeze(text: str) -> str:
    """The text without white space, which renderings may change."""
    return re.sub(r"\s+", "", text)


def _texts(parent: LexborNode, tags: Collection[str]) -> Iterator[str]:
    for node in parent.iter(include_text=True):
        if node.tag == "-text":
            yield node.text_content or ""
            continue
        assert node.tag in tags, (node.tag, parent.html)
        for name, value in node.attributes.items():
            if (node.tag, name) == ("a", "href"):
                assert _scheme(value or "") in _SCHEMES, (value, parent.html)
            elif name == "id":
                assert re.fullmatch(r"blk_[\w-]+", value or ""), parent.html
            else:
                assert re.fullmatch(_ATTRIBUTES.get((str(node.tag), name), "(?!)"), value or ""), parent.html
        if node.tag == "img":
            yield node.attributes.get("alt") or ""
        if node.tag in ("br", "p", "td", "th", "li"):
            yield "\n"
        yield from _texts(node, tags)


def _scheme(url: str) -> str:
    """The scheme of a URL as a browser reads it."""
    url = re.sub(r"[\t\n\r]", "", url).strip("".join(map(chr, range(33))))
    match = re.match(r"([a-z][a-z0-9+.-]*):", url, re.IGNORECASE)
    return match[1].lower() if match else ""
