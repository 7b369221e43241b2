"""The article within a web page: the element with its text, without what pages put around and into it."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Final

from contentql.formats.pages.credits import is_credit
from contentql.formats.pages.html_repairs import repair_pictures
from contentql.formats.pages.html_tree import Element

_BODY_CLASSES: Final = re.compile(
    r"(?:article|story|post|entry|content|news|single|page)[-_]*(?:body|text|content|copy)(?:[-_]*(?:text|content|copy|inner))?"
    r"|(?:body|text)[-_]*(?:copy|content)|articletext|storytext|rich-?text|prose",
    re.IGNORECASE,
)
# Elements and roles that hold no text of an article.
_NO_TEXT_TAGS: Final = {
    "nav", "form", "footer", "button", "dialog", "menu", "script", "style", "noscript", "template",
    "select", "input", "textarea", "svg", "canvas",
}  # fmt: skip
_NO_TEXT_ROLES: Final = {
    "navigation", "complementary", "banner", "contentinfo", "search", "dialog", "alertdialog", "menu",
    "menubar", "toolbar", "alert", "form",
}  # fmt: skip
_NO_TEXT_WORDS: Final = {
    "share", "sharing", "sharebar", "social", "socials", "related", "recommended", "recommendations",
    "newsletter", "newsletters", "promo", "promos", "promotion", "advert", "adverts", "advertisement",
    "advertising", "ad", "ads", "adslot", "adsbygoogle", "banner", "comments", "comment", "disqus",
    "cookie", "cookies", "consent", "gdpr", "breadcrumb", "breadcrumbs", "byline", "bylines", "toolbar",
    "sidebar", "teaser", "teasers", "popular", "trending", "subscribe", "subscription", "signup",
    "outbrain", "taboola", "nav", "navigation", "menu", "tags", "taglist", "pagination", "pager", "popup",
    "modal", "overlay", "sponsored", "skip", "readmore", "jumplink", "mostread", "printonly", "feedback",
    "rating", "follow", "followus", "donate", "donation",
}  # fmt: skip
_NO_TEXT_NAMES: Final = re.compile(
    r"most-?(?:read|viewed|popular)|also-?(?:read|like)|read-?(?:more|next|also)|sr-only|visually-?hidden"
    r"|screen-?reader|author-?(?:bio|box|info|card)|post-?(?:meta|tags|nav|footer)|entry-?(?:meta|footer)"
    r"|article-?(?:meta|footer|tags|tools)|more-?(?:from|on|stories)|up-?next|sign-?up|topic-?list|tag-?list",
    re.IGNORECASE,
)
_WORDS: Final = re.compile(r"[A-Z]?[a-z]+|[A-Z]+|\d+")
_KICKER: Final = {"kicker", "eyebrow", "overline", "roofline", "dachzeile"}
_STANDFIRST: Final = {
    "standfirst", "subtitle", "subheadline", "dek", "deck", "strapline", "summary", "description",
    "abstract", "intro", "lede", "lead", "excerpt", "teaser", "subhead", "subheading",
}  # fmt: skip
_CREDIT: Final = {
    "credit",
    "credits",
    "copyright",
    "photographer",
    "source",
    "attribution",
    "byline",
    "rights",
}


_CREDIT_AT_END: Final = re.compile(r"\(((?:photo|foto|bild|credit|image)\b[^()]{1,150})\)$", re.IGNORECASE)
_GALLERIES: Final = {"gallery", "slideshow", "carousel", "galerie"}


@dataclass
class PageArticle:
    """The body of a page, and what was shown above it.

    `pictures` are the facts of the pictures by address as it is written: credit, width and height.
    """

    body: Element
    headline: str = ""
    kicker: str = ""
    pictures: dict[str, dict[str, str | int]] = field(default_factory=dict)


def find_article(root: Element, known: Iterable[str] = ()) -> PageArticle | None:
    """Finds the article of a page and cleans it; None if the page names no element that holds it.

    `known` are texts that the article has as fields, such as its summary, which the body need not repeat.
    """
    region = _region(root)
    return None if region is None else clean_article(region, known)


def densest_article(root: Element, known: Iterable[str] = ()) -> PageArticle:
    """The element with the most text in its own paragraphs, of a page that names none; cleaned."""
    return clean_article(_densest(root) or root.first("body") or root, known)


def clean_article(region: Element, known: Iterable[str] = ()) -> PageArticle:
    """Removes from an element what is not the text of the article."""
    article = PageArticle(region)
    texts = set(known)
    repair_pictures(region)
    total = _text_lengths(region)
    whole = total[id(region)] or 1
    for element in region.elements():
        if not element.tag:
            continue
        if element.tag == "figure" or element.tag == "picture":
            _read_credit(element, article, texts)
        elif element.tag == "h1":
            article.headline = article.headline or element.text()
            element.remove()
        elif element.tag == "header":
            _clean_header(element, article)
        elif _is_no_text(element) and total.get(id(element), 0) * 2 < whole:
            element.remove()
        elif element.tag == "article" and total.get(id(element), 0) * 4 < whole:
            element.remove()  # a teaser of another one
        elif element.tag == "aside" and _has_more_than_a_quote(element):
            element.remove()
        elif element.tag in ("p", "div", "span", "h2", "time", "address"):
            _remove_field(element, article, texts)
    for picture in region.elements("img"):
        _note_size(picture, article)
    return article


def _region(root: Element) -> Element | None:
    """The element that the page names as the body of its article, else as the article or main part."""
    bodies = list(root.outermost(lambda element: "articleBody" in element.get("itemprop").split()))
    if bodies:
        return _joined(bodies)
    total = _text_lengths(root)
    articles = sorted(root.elements("article"), key=lambda element: -total[id(element)])
    mains = [element for element in root.elements() if element.tag == "main" or element.get("role") == "main"]
    outer = next(iter(articles), None)
    main = max(mains, key=lambda element: total[id(element)], default=None)
    if outer is not None and main is not None:
        # Where articles are teasers, most of the text of the main part is outside of each of them.
        within = sum(total[id(article)] for article in root.outermost(lambda e: e.tag == "article"))
        rest = total[id(main)] - within
        outer = main if rest > 2 * total[id(outer)] else outer
    region = outer or main
    search = region or root
    length = total[id(search)]
    for element in search.elements("div", "section"):
        named = [*element.classes, element.get("id")]
        is_body = any(_BODY_CLASSES.fullmatch(name) for name in named)
        if is_body and total[id(element)] * (2 if region else 4) > length:
            return element if region is None else _joined([*_before(region, element), element])
    return region


def _before(region: Element, body: Element) -> list[Element]:
    """The headline, kicker and pictures above the body of an article."""
    seen = False

    def choose(element: Element) -> bool | None:
        nonlocal seen
        seen = seen or element is body
        if seen or (element.tag != "header" and _is_no_text(element)):
            return None
        return element.tag in ("h1", "figure", "img") or _has_class(element, _KICKER, strict=True)

    return list(region.outermost(choose))


def _joined(bodies: list[Element]) -> Element:
    if len(bodies) == 1:
        return bodies[0]
    region = Element("div")
    for body in bodies:
        region.append(body)
    return region


def _text_lengths(root: Element) -> dict[int, int]:
    """The number of characters within each element that are not in links, by its identity."""
    lengths: dict[int, int] = {}
    order: list[Element] = [root, *root.elements()]
    for element in reversed(order):
        length = sum(len(child.strip()) for child in element.children if isinstance(child, str))
        length += sum(
            lengths.get(id(child), 0)
            for child in element.children
            if isinstance(child, Element) and child.tag not in ("a", *_NO_TEXT_TAGS)
        )
        lengths[id(element)] = length
    return lengths


def _densest(root: Element) -> Element | None:
    scores: dict[int, float] = {}
    elements: dict[int, Element] = {}
    lengths = _text_lengths(root)
    for paragraph in root.elements("p", "pre", "blockquote"):
        length = lengths[id(paragraph)]
        if length < 25:
            continue
        parent, share = paragraph.parent, 1.0
        for _ in range(2):
            if parent is None:
                break
            if parent.tag and not _is_no_text(parent):
                scores[id(parent)] = scores.get(id(parent), 0.0) + length * share
                elements[id(parent)] = parent
            parent, share = parent.parent, share / 2
    return elements[max(scores, key=lambda key: scores[key])] if scores else None


def _is_no_text(element: Element) -> bool:
    """Whether the tag, role or class of an element says that it is not text of an article."""
    if element.tag in _NO_TEXT_TAGS or element.get("role") in _NO_TEXT_ROLES:
        return True
    if element.get("aria-hidden") == "true" and element.tag not in ("img", "figure"):
        return True
    if element.tag in (
        "body",
        "html",
        "main",
        "img",
        "video",
        "audio",
        "a",
        "p",
        "span",
        "blockquote",
        "iframe",
    ):
        return element.tag in ("p", "span") and _has_class(element, {"byline", "sr"}, strict=True)
    return _has_class(element, _NO_TEXT_WORDS, strict=False)


def _has_class(element: Element, words: set[str], *, strict: bool) -> bool:
    for name in (*element.classes, element.get("id")):
        parts = [part.lower() for part in _WORDS.findall(name)]
        if words & set(parts) or (not strict and _NO_TEXT_NAMES.search(name)):
            return True
    return False


def _clean_header(header: Element, article: PageArticle) -> None:
    """Leaves the pictures of the header of an article; its texts are fields of the article."""
    headline = header.first("h1")
    article.headline = article.headline or (headline.text() if headline else "")
    for element in header.elements("p", "span", "div"):
        if not article.kicker and _has_class(element, _KICKER, strict=True):
            article.kicker = element.text()
    pictures = list(header.outermost(lambda element: element.tag in ("figure", "img")))
    header.replace(*pictures)


def _has_more_than_a_quote(aside: Element) -> bool:
    if _has_class(aside, {"quote", "pullquote", "pull"}, strict=True):
        return False
    return (
        aside.first("a", "ul", "ol", "h2", "h3", "h4", "img", "form", "iframe") is not None
        or not aside.text()
    )


def _remove_field(element: Element, article: PageArticle, known: set[str]) -> None:
    """Removes a line that only repeats a field: kicker, standfirst, byline, time."""
    if element.tag in ("p", "h2", "div", "span") and element.attributes.get("class"):
        if _has_class(element, _KICKER, strict=True) and len(element.text()) <= 100:
            article.kicker = article.kicker or element.text()
            element.remove()
        elif _has_class(element, _STANDFIRST, strict=True) and element.text() in known:
            element.remove()
        elif _has_class(element, {"correction", "corrections"}, strict=True):
            text = element.text()
            if any(text.endswith(correction) for correction in known):
                element.remove()
    elif element.tag == "time" and element.parent is not None and _stands_alone(element, element.parent):
        element.remove()


def _stands_alone(element: Element, parent: Element) -> bool:
    """Whether an element is not a part of a sentence."""
    if parent.tag in ("p", "span", "li", "td", "blockquote"):
        return parent.text() == element.text()
    return not any(isinstance(child, str) and child.strip() for child in parent.children)


def is_gallery(element: Element) -> bool:
    """Whether an element shows several pictures that belong together."""
    if element.tag != "figure" and not _has_class(element, _GALLERIES, strict=True):
        return False
    return sum(1 for _ in element.elements("img")) > 1 and element.first("p") is None


def _read_credit(figure: Element, article: PageArticle, known: set[str]) -> None:
    """Takes the credit out of the caption of a figure."""
    picture, caption = figure.first("img", "video", "audio"), figure.first("figcaption")
    if picture is None or caption is None:
        return
    for element in caption.elements("span", "small", "cite", "em", "i", "p", "div"):
        is_marked = _has_class(element, _CREDIT, strict=True) or element.get("itemprop") in (
            "copyrightHolder", "creditText", "author", "creator",
        )  # fmt: skip
        if is_marked and (text := element.text()):
            article.pictures.setdefault(picture.get("src"), {})["credit"] = text.strip("()[] ")[:300]
            element.remove()
            return
    text = caption.text()
    credit = _CREDIT_AT_END.search(text)
    end = credit[1] if credit else next((name for name in known if text.endswith(name)), "")
    if is_credit(text) or end:
        article.pictures.setdefault(picture.get("src"), {})["credit"] = (end or text)[:300]
        if is_credit(text):
            caption.remove()
        elif caption.children == [last := caption.children[-1]] and isinstance(last, str):
            caption.children = [text[: text.rindex(end)].rstrip("( /–—-")]


def _note_size(picture: Element, article: PageArticle) -> None:
    width, height = picture.get("width"), picture.get("height")
    if all(size.isascii() and size.isdecimal() and int(size[:6]) > 0 for size in (width, height)):
        facts = article.pictures.setdefault(picture.get("src"), {})
        facts.update({"width": int(width[:6]), "height": int(height[:6])})
