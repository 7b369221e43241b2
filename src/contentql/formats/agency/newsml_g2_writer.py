"""Writer of NewsML-G2 2.35: a news message with a news item for each article, its text in XHTML.

Lost by nature: chains and spans of attributions, which become sources of information. Corrections become
notes to editors. What an import of NewsML-G2 kept is written again, with the catalogs of its codes.
"""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Iterable, Iterator, Mapping
from html import escape as escape_html
from typing import Any, Final

from contentql.content.timestamps import format_timestamp
from contentql.formats.agency.newscodes import (
    SCHEMES,
    concept_uri,
    genre_uri,
    publication_status,
)
from contentql.formats.agency.newsml_g2_content import MAIN
from contentql.formats.agency.newsml_g2_elements import LEAD_CLASS, MEDIA_CLASS, NAMESPACE, OWN_SCHEMES
from contentql.formats.agency.newsml_g2_extra import ExtraElements
from contentql.formats.agency.ninjs_concepts import LITERAL_SCHEME
from contentql.formats.agency.xhtml import to_xhtml
from contentql.formats.article_document import ArticleDocument, FeedInfo
from contentql.formats.article_html import article_media, hops_of, render_body, source_name
from contentql.formats.xml_text import XML_DECLARATION, clean_text, element, empty_element, open_tag

CONTENT_TYPE: Final = "application/vnd.iptc.g2.newsmessage+xml; charset=utf-8"
VERSION: Final = "2.35"
CATALOG: Final = "http://www.iptc.org/std/catalog/catalog.IPTC-G2-Standards_41.xml"
_NATURES: Final = {
    "TOPIC": "abstract",
    "PERSON": "person",
    "ORGANISATION": "organisation",
    "PLACE": "geoArea",
    "EVENT": "event",
    "WORK": "object",
}


def write(articles: Iterable[ArticleDocument], feed: FeedInfo) -> Iterator[bytes]:
    """Yields the message: its header, each item, its end."""
    sent = format_timestamp(feed.updated or dt.datetime.now(dt.UTC).replace(microsecond=0))
    header = element("sent", sent) + element("sender", feed.site)
    start = open_tag("newsMessage", xmlns=NAMESPACE)
    yield f"{XML_DECLARATION}{start}<header>{header}</header><itemSet>\n".encode()
    for article in articles:
        yield f"{news_item(article, feed, sent)}\n".encode()
    yield b"</itemSet></newsMessage>\n"


def news_item(article: ArticleDocument, feed: FeedInfo, sent: str) -> str:
    """The element `newsItem` of an article. `sent`: the version of one without a time."""
    extra = ExtraElements.of(article.get("extra"))
    attributes = {
        "guid": article["uri"],
        "version": article.get("version") or 1,
        "standard": "NewsML-G2",
        "standardversion": VERSION,
        "conformance": "power",
        "xml_lang": article.get("language"),
    }
    body = render_body(article, feed.home_url, with_sources=feed.with_sources)
    parts = [
        open_tag("newsItem", **attributes),
        _catalogs(extra),
        extra.elements("hopHistory"),
        _rights(article, extra),
        _management(article, feed, extra, sent),
        _content_meta(article, extra),
        *_asserts(article, extra),
        _content(article, body),
        "</newsItem>",
    ]
    return "".join(parts)


def _catalogs(extra: ExtraElements) -> str:
    references = [CATALOG, *extra.catalog_references]
    schemes = {**extra.schemes, **OWN_SCHEMES}
    listed = "".join(empty_element("scheme", alias=alias, uri=uri) for alias, uri in schemes.items())
    return "".join(empty_element("catalogRef", href=href) for href in references) + (
        f"<catalog>{listed}</catalog>"
    )


def _rights(article: ArticleDocument, extra: ExtraElements) -> str:
    rights = article.get("rights") or {}
    notice = element("copyrightNotice", rights.get("copyrightNotice"))
    terms = element("usageTerms", rights.get("usageTerms"))
    holder = extra.elements("copyrightHolder")
    return f"<rightsInfo>{holder}{notice}{terms}</rightsInfo>" if holder or notice or terms else ""


def _management(article: ArticleDocument, feed: FeedInfo, extra: ExtraElements, sent: str) -> str:
    status = publication_status(article.get("status"))
    corrections = [f"{part['kind']}: {part['text']}" for part in article.get("corrections") or ()]
    notes = dict.fromkeys([*(article.get("edNote") or "").split("\n"), *corrections])
    parts = {
        "itemClass": empty_element("itemClass", qcode="ninat:text"),
        "provider": extra.elements("provider") or _named("provider", feed.site or "unknown"),
        "versionCreated": element(
            "versionCreated", article.get("updatedAt") or article.get("publishedAt") or sent
        ),
        "firstCreated": element("firstCreated", article.get("publishedAt")),
        "embargoed": element("embargoed", article.get("embargoUntil")),
        "pubStatus": empty_element("pubStatus", qcode=f"stat:{status}"),
        "fileName": extra.elements("fileName"),
        "edNote": "".join(element("edNote", note) for note in notes),
        "signal": empty_element("signal", qcode="sig:correction") if corrections else "",
        "expires": element("expires", article.get("expiresAt")),
        "link": "".join(
            [
                empty_element("link", rel="irel:seeAlso", href=article["canonicalUrl"])
                if article.get("canonicalUrl")
                else "",
                extra.elements("links"),
            ]
        ),
    }
    return f"<itemMeta>{extra.in_order('itemMeta', parts)}</itemMeta>"


def _content_meta(article: ArticleDocument, extra: ExtraElements) -> str:
    place = (article.get("dateline") or {}).get("place")
    dateline = (article.get("dateline") or {}).get("text") or place
    creators, contributors = _authors(article)
    headlines = (("kicker", "kicker"), ("short", "shortHeadline"))
    parts = {
        "icon": _icons(article.get("leadMedia") or {}),
        "urgency": element("urgency", article.get("urgency")),
        "contentCreated": element("contentCreated", extra.text("contentCreated")),
        "located": "" if extra.has("contentMeta", "located", place) else _named("located", place),
        "infoSource": _sources(article),
        "creator": creators,
        "contributor": contributors,
        "language": empty_element("language", tag=article["language"]) if article.get("language") else "",
        "genre": _genre(article),
        "subject": "".join([*_sections(article), *_tags(article, extra)]),
        "slugline": extra.elements("slugline") or element("slugline", article.get("slug")),
        "headline": element("headline", article["headline"])
        + "".join(element("headline", article.get(name), role=f"cqlrole:{role}") for role, name in headlines),
        "dateline": element("dateline", dateline),
        "by": element("by", _byline(article)),
        "description": element("description", article.get("summary"), role="drol:summary"),
    }
    meta = extra.in_order("contentMeta", parts, also=("concepts", "descriptions"))
    return f"<contentMeta>{meta}</contentMeta>"


def _named(name: str, value: str | None, **attributes: object) -> str:
    """An element of a concept with a name and no code."""
    if not value or not clean_text(value).strip():
        return ""
    attributes = {"literal": value, **attributes}
    return f"{open_tag(name, **attributes)}{element('name', value)}</{name}>"


def _byline(article: ArticleDocument) -> str:
    names = [credit["author"]["name"] for credit in article.get("authors") or ()]
    return str(article.get("byline") or " and ".join(names))


def _authors(article: ArticleDocument) -> tuple[str, str]:
    """The writers as creators, the others as contributors."""
    creators, contributors = [], []
    for credit in article.get("authors") or ():
        author, role = credit["author"], credit.get("role") or "WRITER"
        uri = next(iter(author.get("sameAs") or ()), None) or author.get("canonicalUrl")
        code = {"uri": uri} if uri else {"literal": author["name"]}
        name = element("name", author["name"])
        if role == "WRITER":
            creators.append(f"{open_tag('creator', **code)}{name}</creator>")
        else:
            start = open_tag("contributor", role=f"cqlrole:{role.lower()}", **code)
            contributors.append(f"{start}{name}</contributor>")
    return "".join(creators), "".join(contributors)


def _sources(article: ArticleDocument) -> str:
    names: dict[str, None] = {}
    for attribution in article.get("attributions") or ():
        for hop in hops_of(attribution):
            names[source_name(hop.get("source"))] = None
    return "".join(_named("infoSource", name, role="cpprole:contentSource") for name in names)


def _genre(article: ArticleDocument) -> str:
    content_type = article.get("contentType")
    if not content_type:
        return ""
    name, uri = content_type.lower().replace("_", " "), genre_uri(content_type)
    code = {"qcode": f"genre:{uri.rpartition('/')[2]}"} if uri else {"literal": name.replace(" ", "-")}
    return f"{open_tag('genre', **code)}{element('name', name)}</genre>"


def _sections(article: ArticleDocument) -> Iterator[str]:
    """The primary section and the others, each after those above it, with their paths as literals."""
    paths: set[str] = set()
    primary = article.get("category")
    for category in [*([primary] if primary else []), *(article.get("categories") or ())]:
        above, parent = [category], category.get("parent")
        while parent:
            above.append(parent)
            parent = parent.get("parent")
        for part in reversed(above):
            if part["path"] not in paths:
                paths.add(part["path"])
                start = open_tag("subject", type="cpnat:abstract", literal=part["path"])
                yield f"{start}{element('name', part['name'])}</subject>"


def _tags(article: ArticleDocument, extra: ExtraElements) -> Iterator[str]:
    mentions = {mention["entity"]["id"]: mention for mention in article.get("entities") or ()}
    for tag in article.get("tags") or ():
        mention = mentions.get(tag["id"]) or {}
        code, others = _tag_codes(tag, extra)
        start = open_tag(
            "subject",
            type=f"cpnat:{_NATURES.get(tag['type'], 'abstract')}",
            relevance=mention.get("relevance"),
            confidence=mention.get("confidence"),
            **code,
        )
        names = element("name", tag["name"])
        for name in tag.get("names") or ():
            names += element("name", name["name"], xml_lang=name["language"])
        yield f"{start}{names}{''.join(empty_element('sameAs', **other) for other in others)}</subject>"


def _tag_codes(tag: Mapping[str, Any], extra: ExtraElements) -> tuple[dict[str, str], list[dict[str, str]]]:
    """The attribute with the first code of a tag, its name if it has none, and those of the others."""
    codes = []
    for code in tag.get("codes") or ():
        scheme, value = code["scheme"], code["code"]
        is_alias = scheme in SCHEMES or scheme in extra.schemes or bool(extra.catalog_references)
        if is_alias and re.fullmatch(r"[^\s:/]+", scheme) and not re.search(r"\s", value):
            codes.append({"qcode": f"{scheme}:{value}"})
        elif uri := concept_uri(scheme, value):
            codes.append({"uri": uri})
        elif scheme == LITERAL_SCHEME:
            codes.append({"literal": value})
        else:
            codes.append({"literal": f"{scheme}:{value}"})
    if tag.get("wikidata"):
        codes.append({"uri": f"{SCHEMES['wikidata']}{tag['wikidata']}"})
    return (codes[0], codes[1:]) if codes else ({"literal": tag["name"]}, [])


def _asserts(article: ArticleDocument, extra: ExtraElements) -> Iterator[str]:
    """The positions of places."""
    for tag in article.get("tags") or ():
        if position := tag.get("position"):
            where = empty_element("position", latitude=position["latitude"], longitude=position["longitude"])
            start = open_tag("assert", **_tag_codes(tag, extra)[0])
            yield f"{start}<geoAreaDetails>{where}</geoAreaDetails></assert>"


def _icons(media: Mapping[str, Any]) -> str:
    """The files of the main picture."""
    files = [media, *(media.get("renditions") or ())] if media.get("kind") == "IMAGE" else []
    icons: dict[str, str] = {}
    for file in files:
        name = re.sub(r"[^\w.-]+", "-", file.get("name") or "")
        icons.setdefault(
            file["url"],
            empty_element(
                "icon",
                rendition=f"cqlrend:{MAIN if file is media else name}" if file is media or name else None,
                href=file["url"],
                contenttype=file.get("mime"),
                size=file.get("bytes"),
                width=file.get("width"),
                height=file.get("height"),
            ),
        )
    return "".join(icons.values())


def _content(article: ArticleDocument, body: str) -> str:
    """The content set; media that the body does not show are figures at its beginning and end."""
    figures: dict[bool, list[str]] = {True: [], False: []}
    lead = (article.get("leadMedia") or {}).get("url")
    for media, caption, alt in article_media(article):
        if escape_html(media["url"]) not in body and media.get("kind") == "IMAGE":
            below = escape_html(caption)
            if media.get("credit"):
                below += f' <span class="credit">{escape_html(media["credit"])}</span>'
            size = "".join(f' {name}="{media[name]}"' for name in ("width", "height") if media.get(name))
            image = f'<img src="{escape_html(media["url"])}" alt="{escape_html(alt)}"{size}>'
            caption_element = f"<figcaption>{below}</figcaption>" if below else ""
            is_lead = media["url"] == lead
            class_ = LEAD_CLASS if is_lead else MEDIA_CLASS
            figures[is_lead].append(f'<figure class="{class_}">{image}{caption_element}</figure>')
    html = "\n".join(filter(None, [*figures[True], body, *figures[False]]))
    if not html:
        return ""
    title = element("title", article["headline"])
    return (
        '<contentSet><inlineXML contenttype="application/xhtml+xml">'
        f'<html xmlns="http://www.w3.org/1999/xhtml"><head>{title}</head><body>{to_xhtml(html)}</body></html>'
        "</inlineXML></contentSet>"
    )
