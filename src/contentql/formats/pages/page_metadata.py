"""What a web page says of its article: JSON-LD first, then meta elements, then marked elements."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final
from urllib.parse import urljoin, urlsplit

from contentql.content.enums import Access
from contentql.formats.pages.html_tree import Element
from contentql.formats.pages.json_ld import JsonLd, Node, address_of, page_texts, text_of, types_of
from contentql.formats.plain_text import html_to_text

_TITLE_END: Final = re.compile(r"\s+[|–—·•»-]\s+[^|–—·•»]{1,80}$")
_HOME: Final = {
    "home",
    "homepage",
    "start",
    "startseite",
    "accueil",
    "inicio",
    "home page",
    "ホーム",
    "首页",
    "главная",
}
_TIERS: Final = {
    "free": Access.FREE, "metered": Access.METERED, "locked": Access.SUBSCRIBER, "premium": Access.SUBSCRIBER,
    "paid": Access.SUBSCRIBER, "subscriber": Access.SUBSCRIBER,
}  # fmt: skip
MAX_TAGS: Final = 500


class PageMetadata:
    """Values of a page; an empty text where it has none. `node` is the article of its JSON-LD."""

    def __init__(self, page: str, root: Element) -> None:
        scripts, self.title = [], ""
        for name, attributes, text in page_texts(page):
            if name == "title":
                self.title = self.title or html_to_text(text)
            elif "ld+json" in attributes.get("type", "").lower():
                scripts.append(text)
        self._root = root
        self._meta: dict[str, list[str]] = {}
        self._links: dict[str, str] = {}
        self.base = ""
        self.language = ""
        for element in root.elements("meta", "link", "base", "html"):
            self._read(element)
        self.json_ld = JsonLd(scripts)
        page_address = self.meta("og:url", "twitter:url")
        self.node: Node = self.json_ld.article((self._links.get("canonical", ""), page_address)) or {}
        self.is_article = bool(self.node) or self.meta("og:type") == "article"

    def _read(self, element: Element) -> None:
        if element.tag == "html":
            self.language = self.language or element.get("lang") or element.get("xml:lang")
        elif element.tag == "base":
            self.base = self.base or element.get("href").strip()
        elif element.tag == "link":
            for name in element.get("rel").lower().split():
                self._links.setdefault(name, element.get("href").strip())
        else:
            name = element.get("property") or element.get("name") or element.get("itemprop")
            value = element.get("content").strip()
            if element.get("http-equiv").lower() == "content-language":
                name = "content-language"
            if name and value:
                self._meta.setdefault(name.strip().lower(), []).append(value)

    def meta(self, *names: str) -> str:
        """The first value of the meta elements of the names."""
        return next((self._meta[name][0] for name in names if name in self._meta), "")

    def metas(self, *names: str) -> list[str]:
        return [value for name in names for value in self._meta.get(name, ())]

    def value(self, *names: str) -> str:
        """The first text of properties of the article."""
        return self.json_ld.text(self.node, *names)

    @property
    def canonical(self) -> str:
        return self.absolute(self._links.get("canonical", ""))

    @property
    def address(self) -> str:
        """The address of the page as its metadata name it; "" if none does."""
        properties = ("url", "mainEntityOfPage", "@id")
        own = [address_of(value) for name in properties for value in self.json_ld.all(self.node, name)]
        return next(filter(_is_web, (self.meta("og:url"), *own, self.meta("twitter:url"))), "")

    def absolute(self, address: str) -> str:
        if not address:
            return ""
        try:
            return urljoin(self.address, address)
        except ValueError:
            return ""

    def headline(self) -> str:
        """The headline by the metadata: without the name of the site, where the title of the page has it."""
        named = self.value("headline", "name") if self.node else ""
        if named:
            return html_to_text(named)
        site = html_to_text(self.meta("og:site_name"))
        text = html_to_text(self.meta("og:title", "twitter:title", "dc.title", "dcterms.title"))
        for mark in "|–—-·":
            text = text.removesuffix(f" {mark} {site}") if site else text
        return text

    def page_title(self) -> str:
        return _TITLE_END.sub("", self.title) or self.title

    def summary(self) -> str:
        names = ("og:description", "description", "twitter:description", "dc.description", "dcterms.abstract")
        return self.value("description", "abstract") or self.meta(*names)

    def known_texts(self) -> list[str]:
        """Texts that the body need not repeat: the summary, corrections, and credits of pictures."""
        corrections = (
            self.json_ld.text(node, "text") if isinstance(node, dict) else text_of(node)
            for node in self.json_ld.all(self.node, "correction")
        )
        credits = (str(facts.get("credit") or "") for _, facts in self.images())
        texts = (self.summary(), *corrections, *credits)
        return [" ".join(html_to_text(text).split()) for text in texts if text.strip()]

    def languages(self) -> str:
        """The language of the article, else of the page."""
        own = next(iter(self.json_ld.all(self.node, "inLanguage")), "")
        if isinstance(own, dict):
            own = own.get("alternateName") or own.get("name") or ""
        names = (self.language, self.meta("content-language", "dc.language", "og:locale"))
        return next(
            (name.replace("_", "-").split(",")[0] for name in (text_of(own), *names) if name.strip()), ""
        )

    def authors(self) -> Iterator[tuple[str, str | None]]:
        """Names of the authors, with the address of a page of theirs."""
        people = self.json_ld.all(self.node, "author", "creator")
        for person in people:
            if isinstance(person, dict):
                addresses = [address_of(value) for value in self.json_ld.all(person, "url", "sameAs")]
                url = next(filter(_is_web, addresses), None)
                names = person.get("name")
                for name in names if isinstance(names, list) else [names]:
                    if text := text_of(name):
                        yield text, url
            elif isinstance(person, str):
                for name in split_names(person):
                    yield name, None
        if people:
            return
        named = self.metas(
            "author", "article:author", "dc.creator", "dcterms.creator", "parsely-author", "byl"
        )
        marked = [element for element in self._root.elements()
                  if element.get("rel") == "author" or element.get("itemprop") == "author"]  # fmt: skip
        names = [name for name in named if not re.match(r"https?:|/|@", name)]
        for text in names or [element.text() for element in marked]:
            for name in split_names(text):
                yield name, None

    def times(self, *names: str) -> str:
        """The text of a time: of properties, else of meta elements, else of elements marked as the first."""
        if text := self.value(*names):
            return text
        known: Mapping[str, Sequence[str]] = {
            "datePublished": (
                "article:published_time", "article:published", "datepublished", "dc.date.issued",
                "dcterms.created", "dcterms.issued", "parsely-pub-date", "sailthru.date", "pubdate",
                "publishdate", "publish-date", "dc.date", "date", "og:article:published_time",
                "cxenseparse:recs:publishtime",
            ),
            "dateModified": (
                "article:modified_time", "article:modified", "og:updated_time", "datemodified",
                "dcterms.modified", "dc.date.modified", "last-modified", "lastmod",
            ),
        }  # fmt: skip
        if text := self.meta(*known.get(names[0], ())):
            return text
        marked = (
            e for e in self._root.elements("time", "meta", "span", "abbr") if e.get("itemprop") == names[0]
        )
        element = next(marked, None)
        if element is None and names[0] == "datePublished":
            element = next((e for e in self._root.elements("time") if "pubdate" in e.attributes), None)
        return (element.get("datetime") or element.get("content") or element.text()) if element else ""

    def sections(self) -> list[str]:
        """The path of the section, from the root."""
        crumbs = self.json_ld.breadcrumb()
        own, headline = {self.address.rstrip("/"), self.canonical.rstrip("/")}, self.headline().casefold()
        names = []
        for index, (name, url) in enumerate(crumbs):
            address = self.absolute(url)
            is_home = index == 0 and (name.casefold() in _HOME or _is_root(address))
            is_page = index == len(crumbs) - 1 and (
                name.casefold() == headline or address.rstrip("/") in own or (not url and len(crumbs) > 1)
            )
            if name and not is_home and not is_page:
                names.append(name)
        if names:
            return names[:6]
        sections = [
            text for value in self.json_ld.all(self.node, "articleSection") if (text := text_of(value))
        ]
        if len(sections) == 1:
            sections = re.split(r"\s+[>»/]\s+", sections[0])
        return (sections or self.metas("article:section")[:1])[:6]

    def keywords(self) -> list[str]:
        """The keywords, each once."""
        values = [text_of(value) for value in self.json_ld.all(self.node, "keywords")]
        values = values or self.metas("article:tag") or self.metas("news_keywords", "keywords")[:1]
        if len(values) == 1:
            values = re.split(r"[;,]", values[0])
        names = (" ".join(value.split()) for value in values)
        return list(dict.fromkeys(name for name in names if 0 < len(name) <= 200))[:MAX_TAGS]

    def access(self) -> Access | None:
        """Who may read the article; None if the page does not say."""
        tier = self.meta("article:content_tier", "content_tier").lower()
        if tier in _TIERS:
            return _TIERS[tier]
        own = _is_true(self.node.get("isAccessibleForFree"))
        parts = [_is_true(part.get("isAccessibleForFree")) for part in self.json_ld.all(self.node, "hasPart")
                 if isinstance(part, dict)]  # fmt: skip
        if own is False or False in parts:
            return Access.SUBSCRIBER
        return Access.FREE if own else None

    def images(self) -> list[tuple[str, dict[str, Any]]]:
        """Addresses of the pictures with what is said of them, the main one first."""
        images: dict[str, dict[str, Any]] = {}
        for value in self.json_ld.all(self.node, "image", "thumbnailUrl", "thumbnail"):
            if isinstance(value, str):
                images.setdefault(value, {})
            elif isinstance(value, dict):
                url = next(
                    (
                        text
                        for name in ("contentUrl", "url", "@id")
                        if _is_address(text := text_of(value.get(name)))
                    ),
                    "",
                )
                if url:
                    images.setdefault(url, self._image_facts(value))
        if not images and (
            url := self.meta("og:image:secure_url", "og:image", "og:image:url", "twitter:image")
        ):
            size = {name: _number(self.meta(f"og:image:{name}")) for name in ("width", "height")}
            images[url] = {"alt": self.meta("og:image:alt", "twitter:image:alt"), **size}
        return list(images.items())

    def _image_facts(self, node: Node) -> dict[str, Any]:
        def text(*names: str) -> str:
            return html_to_text(self.json_ld.text(node, *names))

        licence = text("license")
        return {
            "caption": text("caption", "description"),
            "credit": text("creditText", "creator", "author", "provider")[:300],
            "creator": text("creator", "author")[:300],
            "copyright": text("copyrightNotice", "copyrightHolder")[:300],
            "licence_url": licence if _is_web(licence) else None,
            "width": _number(node.get("width")),
            "height": _number(node.get("height")),
        }

    def entities(self) -> Iterator[tuple[str, Sequence[str], str]]:
        """What the article is about: names, types of schema.org, and the id of Wikidata or ""."""
        for name in ("about", "mentions"):
            for node in self.json_ld.all(self.node, name)[:MAX_TAGS]:
                if isinstance(node, dict) and (text := text_of(node)):
                    same = [
                        address_of(value) for value in (*self.json_ld.all(node, "sameAs"), node.get("@id"))
                    ]
                    match = next(
                        filter(
                            None,
                            (re.search(r"wikidata\.org/(?:wiki|entity)/(Q\d{1,18})\b", url) for url in same),
                        ),
                        None,
                    )
                    yield text, types_of(node), match[1] if match else ""


def split_names(text: str) -> list[str]:
    """The names in a byline such as `By Jane Doe and John Roe`."""
    text = re.sub(r"^\s*(?:by|von|por|par|di)\s+", "", text, flags=re.IGNORECASE)
    names = re.split(r"\s+(?:and|und|et|y|&)\s+|\s*[;|]\s*|\s*,\s+(?=\S+\s+\S)", text[:2_000])
    return [name for name in names if name.strip()]


def _is_web(address: str) -> bool:
    return address.startswith(("https://", "http://"))


def _is_address(text: str) -> bool:
    return bool(text) and not text.startswith(("#", "data:", "_:"))


def _is_root(address: str) -> bool:
    try:
        return bool(address) and not urlsplit(address).path.strip("/")
    except ValueError:
        return False


def _is_true(value: Any) -> bool | None:
    if isinstance(value, list):
        value = next(iter(value), None)
    if isinstance(value, bool):
        return value
    name = str(value).rpartition("/")[2].strip().lower() if isinstance(value, str) else ""
    return {"true": True, "yes": True, "false": False, "no": False}.get(name)


def _number(value: Any) -> int | None:
    if isinstance(value, dict):
        value = value.get("value")
    match = re.match(r"\s*(\d{1,6})(?:\.\d+)?\s*(?:px)?\s*$", str(value)) if value is not None else None
    return int(match[1]) if match else None
