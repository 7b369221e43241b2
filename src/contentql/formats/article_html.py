"""HTML of an article's body for readers outside of the site: with its media in place, and absolute URLs."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from html import escape, unescape
from typing import Any, Final
from urllib.parse import urljoin

from contentql.content.sanitizer import sanitize_body
from contentql.formats.article_document import ArticleDocument

# As `content/render.py` writes it: media by id.
_FIGURE: Final = re.compile(
    r'<figure (?=[^>]*data-type="(\w+)")(?=[^>]*data-media="([\d ]*)")[^>]*>(.*?)</figure>', re.DOTALL
)
_CAPTION: Final = re.compile(r"<figcaption>(.*?)</figcaption>", re.DOTALL)
_TAG: Final = re.compile(r"<[a-z][^<>]*>")
_URL_ATTRIBUTE: Final = re.compile(r'(\s(?:href|src|poster|cite)=")([^"]*)"')


def render_body(article: ArticleDocument, base_url: str = "", *, with_sources: bool = False) -> str:
    """The HTML of the body. `base_url`: URL that relative ones are resolved by, the article's own by default.

    Media that are not in the article, as those whose licence has ended, are left out with their captions.
    `with_sources` appends a list of the sources.
    """
    files = _media_by_number(article)
    base = article.get("canonicalUrl") or base_url

    def with_urls(tag: re.Match[str]) -> str:
        return _URL_ATTRIBUTE.sub(lambda match: f'{match[1]}{_absolute(match[2], base)}"', tag[0])

    html = sanitize_body((article.get("body") or {}).get("html") or "")
    html = _FIGURE.sub(lambda figure: _figure(figure, files), html)
    html = _TAG.sub(with_urls, html) if base else html
    return html + (_sources(article) if with_sources else "")


def source_name(source: Mapping[str, Any] | None) -> str:
    """The name of a source, or the description of an unnamed one; "" for none."""
    return (source.get("name") or source.get("describedAs") or "") if source else ""


def hops_of(attribution: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    """Yields the hops of an attribution, from the origin to the reader."""
    if attribution.get("chain"):
        yield from attribution["chain"]
        return
    hop: Mapping[str, Any] | None = attribution
    while hop:
        yield hop
        hop = hop.get("via")


def description(article: ArticleDocument) -> str:
    """The summary, else the introductory paragraph; "" if there is none."""
    return article.get("summary") or article.get("lede") or ""


def article_media(article: ArticleDocument) -> Iterator[tuple[Mapping[str, Any], str, str]]:
    """Yields the media of an article, the lead media first, each once, with their captions and alternative
    texts in the article."""
    lead = article.get("leadMedia")
    placements = [placement for placement in article.get("media") or () if placement.get("media")]
    placements.sort(key=lambda item: (item.get("role") != "LEAD", item.get("position") or 0))
    seen = set()
    if lead and all(item["media"]["url"] != lead["url"] for item in placements):
        placements.insert(0, {"media": lead})
    for placement in placements:
        media = placement["media"]
        if media["url"] not in seen:
            seen.add(media["url"])
            caption = placement.get("caption") or media.get("caption") or ""
            yield media, caption, placement.get("alt") or media.get("alt") or ""


def _media_by_number(article: ArticleDocument) -> dict[str, Mapping[str, Any]]:
    entries = (article.get("liveEntries") or {}).get("nodes") or ()
    files = [media for media, _, _ in article_media(article)]
    files += [entry["picture"] for entry in entries if entry.get("picture")]
    return {media["id"].rpartition("_")[2]: media for media in files}


def _figure(figure: re.Match[str], files: Mapping[str, Mapping[str, Any]]) -> str:
    media = [files[number] for number in figure[2].split() if number in files]
    if not media:
        return ""
    caption = _CAPTION.search(figure[3])
    credits = dict.fromkeys(file["credit"] for file in media if file.get("credit"))
    parts = [caption[1]] if caption else [escape(media[0].get("caption") or "")] if len(media) == 1 else []
    parts += [f'<span class="credit">{escape(credit)}</span>' for credit in credits]
    below = " ".join(filter(None, parts))
    shown = "".join(map(_element, media))
    return f"<figure>{shown}{f'<figcaption>{below}</figcaption>' if below else ''}</figure>"


def _element(media: Mapping[str, Any]) -> str:
    url = escape(media["url"])
    match media.get("kind"):
        case "IMAGE":
            size = "".join(f' {name}="{media[name]}"' for name in ("width", "height") if media.get(name))
            return f'<img src="{url}" alt="{escape(media.get("alt") or "")}"{size}>'
        case "VIDEO" | "AUDIO" as kind:
            name = kind.lower()
            return f'<{name} src="{url}" controls></{name}>'
    return f'<a href="{url}">{escape(media.get("caption") or "Document")}</a>'


def _absolute(address: str, base: str) -> str:
    try:
        return escape(urljoin(base, unescape(address)))
    except ValueError:
        return address


def _sources(article: ArticleDocument) -> str:
    """The sources of the attributions with the relays that reported them, as an HTML list."""
    items: dict[str, None] = {}
    for attribution in article.get("attributions") or ():
        hops = []
        for hop in hops_of(attribution):
            name, homepage = escape(source_name(hop.get("source"))), (hop.get("source") or {}).get("homepage")
            address = hop.get("url") or homepage
            if name:
                hops.append(f'<a href="{escape(address)}">{name}</a>' if address else name)
        if hops:
            items[" via ".join(hops)] = None
    listed = "".join(f"<li>{item}</li>" for item in items)
    return f"\n<h2>Sources</h2>\n<ul>{listed}</ul>" if listed else ""
