"""HTML of Ghost's documents: Lexical and Mobiledoc with their cards, for posts whose HTML is not exported."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from html import escape
from typing import Any, Final

from markdown_it import MarkdownIt

from contentql.content.warnings import WarningCode

MAX_DEPTH: Final = 40
_FORMATS: Final = ((1, "strong"), (2, "em"), (4, "s"), (16, "code"), (32, "sub"), (64, "sup"))
_MARKUPS: Final = {"strong", "b", "em", "i", "s", "strike", "code", "sub", "sup", "a"}
_SECTIONS: Final = {"p", "h1", "h2", "h3", "h4", "h5", "h6", "blockquote", "aside"}
_MARKDOWN: Final = MarkdownIt("commonmark").enable(["table", "strikethrough"])
Warn = Callable[[WarningCode, str], None]


def lexical_html(document: Any, warn: Warn) -> str:
    """The HTML of a document of the Lexical editor; "" if it is none."""
    root = document.get("root") if isinstance(document, dict) else None
    return _nodes(_children(root), warn, 0) if isinstance(root, dict) else ""


def mobiledoc_html(document: Any, warn: Warn) -> str:
    """The HTML of a Mobiledoc document (0.3); "" if it is none."""
    if not isinstance(document, dict):
        return ""
    return "".join(_section(section, document, warn) for section in _list(document.get("sections")))


def card_html(name: str, payload: Mapping[str, Any], warn: Warn) -> str:
    """The HTML of a card; "" with a warning for one without a text."""

    def value(*names: str) -> str:
        return next((text for key in names if isinstance(text := payload.get(key), str) and text.strip()), "")

    caption = f"<figcaption>{value('caption')}</figcaption>" if value("caption") else ""
    source = escape(value("src", "url"))
    match name.removeprefix("card-"):
        case "image":
            return f'<figure><img src="{source}" alt="{escape(value("alt"))}">{caption}</figure>'
        case "gallery":
            shown = "".join(
                _image(image) for image in _list(payload.get("images")) if isinstance(image, dict)
            )
            return f'<figure class="kg-gallery-card">{shown}{caption}</figure>'
        case "html":
            return value("html")
        case "markdown":
            return f"<div>{_markdown(value('markdown'))}</div>"
        case "hr" | "horizontalrule":
            return "<hr>"
        case "code" | "codeblock":
            language = escape(value("language"))
            return f'<pre><code class="language-{language}">{escape(value("code"))}</code></pre>'
        case "embed":
            return f'<figure class="wp-block-embed">{source}{caption}</figure>'
        case "bookmark":
            details = payload.get("metadata")
            title = details.get("title") if isinstance(details, dict) else None
            return _related(source, str(title or value("title") or value("url")))
        case "video" | "audio" as tag:
            text = caption or (f"<figcaption>{escape(value('title'))}</figcaption>" if value("title") else "")
            return f'<figure><{tag} src="{source}"></{tag}>{text}</figure>'
        case "file":
            title = value("fileTitle", "fileName", "title") or value("src")
            return f'<p><a href="{source}">{escape(title)}</a></p>'
        case "callout":
            return f"<p>{escape(value('calloutEmoji', 'emoji'))} {value('calloutText', 'text')}</p>"
        case "toggle":
            return f"<h4>{value('heading')}</h4>{value('content')}"
        case "button" | "email-cta":
            link = f'<p><a href="{escape(value("buttonUrl"))}">{escape(value("buttonText"))}</a></p>'
            return value("html") + (link if value("buttonUrl") and value("buttonText") else "")
        case "header":
            return f"<h2>{value('heading', 'header')}</h2><p>{value('subheading', 'subheader')}</p>"
        case "product":
            return f"<h4>{value('productTitle')}</h4>{value('productDescription')}"
        case "call-to-action":
            return value("textValue")
        case "paywall":
            return ""
        case other:
            warn(WarningCode.DROPPED, f"the card {other[:50]!r} has no text of its own and was left out")
            return ""


def _image(image: Mapping[str, Any]) -> str:
    source, alt = (escape(str(image.get(name) or "")) for name in ("src", "alt"))
    return f'<img src="{source}" alt="{alt}">'


def _related(url: str, title: str) -> str:
    return f'<p data-type="related_link"><a href="{url}">{escape(" ".join(title.split()))}</a></p>'


def _markdown(text: str) -> str:
    return str(_MARKDOWN.render(text))


def _list(value: Any) -> Sequence[Any]:
    return value if isinstance(value, list) else ()


def _children(node: Mapping[str, Any]) -> Iterable[Mapping[str, Any]]:
    return (child for child in _list(node.get("children")) if isinstance(child, dict))


def _nodes(nodes: Iterable[Mapping[str, Any]], warn: Warn, depth: int) -> str:
    if depth > MAX_DEPTH:
        warn(WarningCode.DROPPED, f"what is nested more than {MAX_DEPTH} levels deep was left out")
        return ""
    return "".join(_node(node, warn, depth) for node in nodes)


def _node(node: Mapping[str, Any], warn: Warn, depth: int) -> str:
    name = str(node.get("type") or "")
    if name in ("text", "extended-text"):
        text = escape(str(node.get("text") or ""), quote=False)
        bits = node.get("format")
        for bit, tag in _FORMATS:
            if isinstance(bits, int) and bits & bit:
                text = f"<{tag}>{text}</{tag}>"
        return text
    if name in ("linebreak", "tab"):
        return "<br>" if name == "linebreak" else " "
    element = _element(name, node)
    if element is None:
        return card_html(name, node, warn)
    tag, attributes = element
    inner = _nodes(_children(node), warn, depth + 1)
    return f"<{tag}{attributes}>{inner}</{tag}>"


def _element(name: str, node: Mapping[str, Any]) -> tuple[str, str] | None:
    """Tag and attributes of a node with children; None for a card."""
    match name.removeprefix("extended-"):
        case "paragraph":
            return "p", ""
        case "heading":
            tag = str(node.get("tag") or "h2")
            return tag if tag in _SECTIONS else "h2", ""
        case "quote":
            return "blockquote", ""
        case "aside":
            return "aside", ""
        case "list":
            return ("ol", "") if node.get("listType") == "number" or node.get("tag") == "ol" else ("ul", "")
        case "listitem":
            return "li", ""
        case "link" | "autolink" | "at-link":
            return "a", f' href="{escape(str(node.get("url") or ""))}"'
        case "" | "root":
            return "div", ""
        case _:
            return ("div", "") if node.get("children") else None


def _section(section: Any, document: Mapping[str, Any], warn: Warn) -> str:
    kind = section[0] if isinstance(section, list) and section else None
    if kind == 1 and len(section) > 2:
        tag = section[1] if section[1] in _SECTIONS else "p"
        return f"<{tag}>{_markers(section[2], document)}</{tag}>"
    if kind == 2 and len(section) > 1:
        return f'<figure><img src="{escape(str(section[1]))}"></figure>'
    if kind == 3 and len(section) > 2:
        tag = "ol" if section[1] == "ol" else "ul"
        items = "".join(f"<li>{_markers(item, document)}</li>" for item in _list(section[2]))
        return f"<{tag}>{items}</{tag}>"
    if kind == 10 and len(section) > 1:
        card = _entry(document, "cards", section[1])
        if card and isinstance(card[0], str):
            payload = card[1] if len(card) > 1 and isinstance(card[1], dict) else {}
            return card_html(card[0], payload, warn)
    warn(WarningCode.DROPPED, "a section of the text cannot be read and was left out")
    return ""


def _markers(markers: Any, document: Mapping[str, Any]) -> str:
    pieces: list[str] = []
    opened: list[str] = []
    for marker in _list(markers):
        if not (isinstance(marker, list) and len(marker) >= 4 and isinstance(marker[1], list)):
            continue
        for index in marker[1]:
            tag, attributes = _markup(_entry(document, "markups", index))
            opened.append(tag)
            pieces.append(f"<{tag}{attributes}>")
        if marker[0] == 0:
            pieces.append(escape(str(marker[3]), quote=False))
        else:
            atom = _entry(document, "atoms", marker[3])
            is_return = bool(atom) and atom[0] == "soft-return"
            text = str(atom[1]) if len(atom) > 1 else ""
            pieces.append("<br>" if is_return else escape(text, quote=False))
        closes = marker[2] if isinstance(marker[2], int) else 0
        for _ in range(min(closes, len(opened))):
            pieces.append(f"</{opened.pop()}>")
    return "".join(pieces)


def _markup(markup: Sequence[Any]) -> tuple[str, str]:
    tag = str(markup[0]) if markup else ""
    if tag not in _MARKUPS:
        return "span", ""
    names = _list(markup[1]) if len(markup) > 1 else ()
    address = next((str(names[n + 1]) for n in range(0, len(names) - 1, 2) if names[n] == "href"), "")
    return tag, f' href="{escape(address)}"' if tag == "a" else ""


def _entry(document: Mapping[str, Any], name: str, index: Any) -> Sequence[Any]:
    entries = _list(document.get(name))
    is_valid = isinstance(index, int) and 0 <= index < len(entries)
    return _list(entries[index]) if is_valid else ()
