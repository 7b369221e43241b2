"""JSON-LD in web pages: the nodes of all blocks, the article among them, and values in their many forms.

Invariant: no context is fetched; names are those of schema.org, with or without its address.
"""

from __future__ import annotations

import html
import json
import re
from collections import deque
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final, TypeAlias

import orjson

from contentql.content.enums import ContentType
from contentql.formats.html_safety import UnsafeContentError
from contentql.formats.html_tokenizer import tokenize_html

MAX_BLOCK: Final = 8 * 1024 * 1024  # characters
MAX_NODES: Final = 20_000
Node: TypeAlias = Mapping[str, Any]

_START_TAG: Final = re.compile(r"<\w+(?:[^>\"']|\"[^\"]*\"|'[^']*')*+>")
_WRAPPER: Final = re.compile(r"^\s*(?:<!--|//\s*<!\[CDATA\[|/\*\s*<!\[CDATA\[\s*\*/|<!\[CDATA\[)|"
                             r"(?:-->|//\s*\]\]>|/\*\s*\]\]>\s*\*/|\]\]>)\s*;?\s*$")  # fmt: skip
_TRAILING_COMMA: Final = re.compile(r",(?=\s*[}\]])")
# In the order in which an article is chosen among several nodes.
ARTICLE_TYPES: Final[Mapping[str, ContentType | None]] = {
    "LiveBlogPosting": ContentType.LIVE,
    "ReportageNewsArticle": ContentType.NEWS,
    "AnalysisNewsArticle": ContentType.ANALYSIS,
    "OpinionNewsArticle": ContentType.OPINION,
    "BackgroundNewsArticle": ContentType.EXPLAINER,
    "ReviewNewsArticle": ContentType.REVIEW,
    "AskPublicNewsArticle": ContentType.NEWS,
    "AdvertiserContentArticle": ContentType.SPONSORED,
    "NewsArticle": ContentType.NEWS,
    "SatiricalArticle": None,
    "Article": None,
    "BlogPosting": None,
    "SocialMediaPosting": None,
    "TechArticle": None,
    "Report": None,
    "Review": ContentType.REVIEW,
    "ClaimReview": ContentType.FACT_CHECK,
    "MediaReview": ContentType.FACT_CHECK,
}
_RANKS: Final = {name: rank for rank, name in enumerate(ARTICLE_TYPES)}
_INSIDE: Final = ("@graph", "mainEntity", "mainEntityOfPage", "subjectOf")


class JsonLd:
    """The nodes of a page; `broken` is the number of blocks that are no JSON."""

    def __init__(self, texts: Sequence[str]) -> None:
        self.broken = 0
        self.nodes: list[Node] = []
        self._by_id: dict[str, Node] = {}
        for text in texts:
            value = parse_json(text)
            if value is None:
                self.broken += 1
            else:
                self._collect(value)

    def _collect(self, value: Any) -> None:
        waiting = deque([value])
        while waiting and len(self.nodes) < MAX_NODES:
            item = waiting.popleft()
            if isinstance(item, list):
                waiting.extendleft(reversed(item[:MAX_NODES]))
            elif isinstance(item, dict):
                if len(item) > 1 or "@id" not in item:
                    self.nodes.append(item)
                    if isinstance(item.get("@id"), str):
                        self._by_id.setdefault(item["@id"], item)
                waiting.extend(item[name] for name in _INSIDE if isinstance(item.get(name), list | dict))

    def resolve(self, value: Any) -> Any:
        """The node that a value refers to by its id, else the value."""
        if isinstance(value, dict) and isinstance(value.get("@id"), str) and len(value) <= 2:
            return self._by_id.get(value["@id"], value)
        return value

    def all(self, node: Node, *names: str) -> list[Any]:
        """The values of the first of the properties that has any, as a list, with references resolved."""
        for name in names:
            value = node.get(name, node.get(f"schema:{name}"))
            values = value if isinstance(value, list) else [value]
            results = [self.resolve(item) for item in values if item not in (None, "", {}, [])]
            if results:
                return results
        return []

    def text(self, node: Node, *names: str) -> str:
        """The first text of the properties: a string, or the name of a node."""
        return next((text for value in self.all(node, *names) if (text := text_of(value))), "")

    def body(self, node: Node, *names: str) -> str:
        """The first string of the properties, with its lines."""
        return next((value for value in self.all(node, *names) if isinstance(value, str)), "")

    def article(self, addresses: Sequence[str] = ()) -> Node | None:
        """The article of the page: the one at one of its addresses, else by type, else the longest."""
        wanted = {_bare(address) for address in addresses if address}

        def key(numbered: tuple[int, Node]) -> tuple[bool, int, int]:
            number, node = numbered
            own = {_bare(text) for name in ("url", "mainEntityOfPage", "@id")
                   for value in self.all(node, name) if (text := address_of(value))}  # fmt: skip
            return not own & wanted, article_rank(node), number

        articles = [(n, node) for n, node in enumerate(self.nodes) if article_rank(node) < len(_RANKS)]
        return min(articles, key=key)[1] if articles else None

    def breadcrumb(self) -> list[tuple[str, str]]:
        """Names and addresses of the first breadcrumb with more than one item, from the root."""
        for node in self.nodes:
            if "BreadcrumbList" not in types_of(node):
                continue
            items = [item for item in self.all(node, "itemListElement") if isinstance(item, dict)]
            items.sort(key=_position)
            named = []
            for item in items:
                target = self.resolve(item.get("item"))
                name = text_of(item.get("name")) or (text_of(target) if isinstance(target, dict) else "")
                named.append((name, target if isinstance(target, str) else address_of(target)))
            if named:
                return named
        return []


def page_texts(page: str) -> Iterator[tuple[str, Mapping[str, str], str]]:
    """The scripts and titles of a page, which no other part of it contains: tag, attributes, content."""
    opened: tuple[str, Mapping[str, str], int] | None = None
    try:
        for piece in tokenize_html(page):
            if isinstance(piece, str):
                continue
            if piece.name in ("script", "title") and not piece.closes:
                opened = piece.name, piece.attributes, piece.position
            elif opened and piece.closes and piece.name == opened[0]:
                name, attributes, start = opened
                source = page[start : piece.position]
                begin = _START_TAG.match(source)
                yield name, attributes, source[begin.end() if begin else 0 :]
                opened = None
            else:
                opened = None
    except UnsafeContentError:
        return


def parse_json(text: str) -> Any:
    """The value of a block, also of one with the usual mistakes; None if it is no JSON."""
    text = _WRAPPER.sub("", text.strip().lstrip("\ufeff"))[:MAX_BLOCK].strip()
    try:
        return orjson.loads(text.encode("utf-8", "replace"))
    except orjson.JSONDecodeError:
        pass
    for repaired in (text, _TRAILING_COMMA.sub("", text), html.unescape(text)):
        try:
            # Line ends within strings; a semicolon or another value after the first.
            value, _ = json.JSONDecoder(strict=False).raw_decode(repaired)
        except (ValueError, RecursionError):
            continue
        if isinstance(value, dict | list):
            return value
    return None


def types_of(node: Any) -> list[str]:
    """The types of a node without the address of schema.org."""
    value = node.get("@type", node.get("type")) if isinstance(node, dict) else None
    names = value if isinstance(value, list) else [value]
    return [re.split(r"[/#:]", name)[-1] for name in names if isinstance(name, str)]


def article_rank(node: Node) -> int:
    """How likely a node is the article: 0 is the most likely, a number beyond all types is none."""
    return min((_RANKS.get(name, len(_RANKS)) for name in types_of(node)), default=len(_RANKS))


def text_of(value: Any) -> str:
    """The text of a value: a string or number, the name of a node, or a value with a language."""
    if isinstance(value, str):
        return " ".join(value.split()) if len(value) < 10_000 else value
    if isinstance(value, bool):
        return ""
    if isinstance(value, int | float):
        return str(value)
    if isinstance(value, list):
        return next((text for item in value if (text := text_of(item))), "")
    if isinstance(value, dict):
        for name in ("name", "@value", "headline", "text", "alternateName"):
            if isinstance(value.get(name), str | list) and (text := text_of(value[name])):
                return text
    return ""


def address_of(value: Any) -> str:
    """The address of a value: a string, or that of a node."""
    if isinstance(value, dict):
        names = ("@id", "url", "contentUrl")
        value = next((value[name] for name in names if isinstance(value.get(name), str)), "")
    return value if isinstance(value, str) else ""


def _bare(address: str) -> str:
    return re.sub(r"^https?://(www\.)?", "", address.partition("#")[0]).rstrip("/")


def _position(item: Node) -> float:
    try:
        return float(item.get("position") or 0)
    except (TypeError, ValueError):
        return 0.0
