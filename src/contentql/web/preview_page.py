"""The HTML of previews: an article with its facts, its status and its sources, or a message."""

from __future__ import annotations

import base64
import datetime as dt
import hashlib
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from html import escape
from typing import Any, Final

from contentql.content import ids
from contentql.content.sanitizer import sanitize_body
from contentql.content.timestamps import format_timestamp
from contentql.errors import ApiError
from contentql.fixtures.demo_media import DEMO_MEDIA_PATH, demo_media_name
from contentql.web.templates import load_template


@dataclass(frozen=True)
class PictureSources:
    """Which pictures a page may load: those with https, those of its own `host`, and the demo newsroom's.

    `to_root`: relative URL from the page to the root of this server, or None if it has no demo pictures.
    """

    host: str
    to_root: str | None = None

    def source(self, url: str) -> str | None:
        """The URL to load a picture from; None if the page may not load it."""
        name = demo_media_name(url) if self.to_root else None
        if name:
            return f"{self.to_root}{DEMO_MEDIA_PATH}{name}"
        return url if url.startswith(("https://", f"http://{self.host}/")) else None


def render_article(article: Mapping[str, Any], ends: dt.datetime, pictures: PictureSources) -> str:
    """The page of an article, as `PREVIEW_QUERY` returns it; the link ends at `ends`."""
    parts = [f'<p class="banner" role="note">{_status(article)} This link ends at {_format_time(ends)}.</p>']
    if article["kicker"]:
        parts.append(f'<p class="kicker">{escape(article["kicker"])}</p>')
    parts.append(f"<h1>{escape(article['headline'])}</h1>")
    # Unless an editor wrote a lede, it repeats the beginning of the text, and is left out.
    lede = article["lede"] or ""
    if lede and not article["body"]["text"].startswith(lede.removesuffix("…")):
        parts.append(f'<p class="lede">{escape(lede)}</p>')
    if article["byline"]:
        parts.append(f'<p class="byline">{escape(article["byline"])}</p>')
    parts.append(_facts(article))
    parts.append(_lead_media(article["leadMedia"], pictures))
    parts.append(f'<div class="body">{_body(article["body"], pictures)}</div>')
    parts.append(_list("Sources", article["attributions"], _source))
    parts.append(_list("Corrections", article["corrections"], _correction))
    return _page(article["headline"], "\n".join(filter(None, parts)), article["language"])


def _status(article: Mapping[str, Any]) -> str:
    status: str = article["status"]
    if article["unpublishedChanges"]:
        return "Preview – changes that are not published."
    if status == "PUBLISHED":
        return "Preview – this article is published."
    result = status.lower().replace("_", " ")
    if status == "SCHEDULED" and article["publishedAt"]:
        result += f" for {_format_time(dt.datetime.fromisoformat(article['publishedAt']))}"
    return f"Preview – not published: {result}."


def _format_time(at: dt.datetime) -> str:
    at = at.astimezone(dt.UTC)
    return f'<time datetime="{format_timestamp(at)}">{at.day} {at:%B} {at.year:04}, {at:%H:%M} UTC</time>'


def _facts(article: Mapping[str, Any]) -> str:
    """Section, tags, version and times of an article as a list of names and values."""
    facts = {
        "Section": " › ".join(reversed(list(_section_names(article["category"])))),
        "Tags": ", ".join(tag["name"] for tag in article["tags"]),
        "Version": str(article["version"]),
    }
    values = {name: escape(value) for name, value in facts.items() if value}
    for name, field in (("Published", "publishedAt"), ("Updated", "updatedAt")):
        if article[field] and (field == "updatedAt" or article["status"] == "PUBLISHED"):
            values[name] = _format_time(dt.datetime.fromisoformat(article[field]))
    rows = (f"<div><dt>{name}</dt> <dd>{value}</dd></div>" for name, value in values.items())
    return f"<dl>{' '.join(rows)}</dl>"


def _section_names(section: Mapping[str, Any] | None) -> Iterator[str]:
    """The names of a section and of the sections that contain it, innermost first."""
    while section is not None:
        yield section["name"]
        section = section.get("parent")


def _lead_media(media: Mapping[str, Any] | None, pictures: PictureSources) -> str:
    if media is None:
        return ""
    below = " ".join(escape(media[name]) for name in ("caption", "credit") if media[name])
    caption = f"<figcaption>{below}</figcaption>" if below else ""
    picture = _picture(media, pictures)
    if picture:
        return f"<figure>{picture}{caption}</figure>"
    return f'<figure class="missing">{_file_link(media)}{caption}</figure>'


def _picture(media: Mapping[str, Any], pictures: PictureSources) -> str:
    source = pictures.source(media["url"]) if media["kind"] == "IMAGE" else None
    if source is None:
        return ""
    size = "".join(f' {name}="{media[name]}"' for name in ("width", "height") if media[name])
    return f'<img src="{escape(source)}" alt="{escape(media["alt"] or "")}"{size}>'


def _file_link(media: Mapping[str, Any]) -> str:
    """The kind of a file that the page does not show, as a link to it."""
    kind = escape(media["kind"].capitalize())
    if not media["url"].startswith(("http://", "https://")):
        return kind
    return f'<a href="{escape(media["url"])}" rel="noreferrer">{kind}</a>'


# As `content/render.py` writes it: media by id, for the page to fill in.
_FIGURE_PATTERN: Final = re.compile(r'<figure (?=[^>]*data-type="(\w+)")(?=[^>]*data-media="([\d ]*)")[^>]*>')
_LIVE_ENTRY_PATTERN: Final = re.compile(r'<section (?=[^>]*data-type="live_entry")([^>]*)>')
_TIME_PATTERN: Final = re.compile(r'<time[^>]* datetime="([^"]+)"[^>]*>([^<]*)</time>')
_LIVE_ENTRY_FLAGS: Final = {"pinned": "Pinned", "key-event": "Key event", "summary": "Summary"}


def _body(body: Mapping[str, Any], pictures: PictureSources) -> str:
    """The stored HTML of the body with its pictures in place and its times in words; sanitized, as it may be
    of another program."""
    by_number: dict[str, Mapping[str, Any]] = {}
    for block in body["blocks"]:
        for media in (block.get("media"), *(block.get("items") or ())):
            decoded = ids.decode_id(media["id"]) if media else None
            if decoded:
                by_number[str(decoded[1])] = media

    def with_files(match: re.Match[str]) -> str:
        files = [by_number[number] for number in match[2].split() if number in by_number]
        shown = "".join(_picture(media, pictures) for media in files)
        if shown:
            return f'<figure class="{match[1]}">{shown}'
        links = " ".join(map(_file_link, files))
        return f'<figure class="missing">{links or match[1].capitalize()}'

    html = _FIGURE_PATTERN.sub(with_files, sanitize_body(body["html"]))
    return _TIME_PATTERN.sub(_time_in_words, _LIVE_ENTRY_PATTERN.sub(_live_entry, html))


def _live_entry(section: re.Match[str]) -> str:
    """The opening tag of a live entry, with its flags as words."""
    flags = [words for name, words in _LIVE_ENTRY_FLAGS.items() if f'data-{name}="true"' in section[1]]
    return section[0] + "".join(f"<strong>{words}</strong> " for words in flags)


def _time_in_words(element: re.Match[str]) -> str:
    """A `<time>` element whose text is the machine-readable time, or missing, with the time in words."""
    if element[2].strip() not in ("", element[1]):
        return element[0]
    try:
        at = dt.datetime.fromisoformat(element[1])
    except ValueError:
        return element[0]
    return element[0] if at.tzinfo is None else _format_time(at)


def _list(title: str, things: list[Any], entry: Callable[[Any], str]) -> str:
    entries = "".join(f"<li>{entry(thing)}</li>" for thing in things)
    return f"<section><h2>{title}</h2><ul>{entries}</ul></section>" if entries else ""


_WORDS: Final[Mapping[str, str]] = {
    "ACCORDING_TO": "according to",
    "REPORTED_BY": "reported by",
    "CITING": "citing",
    "RELEASED_BY": "released by",
    "SAID": "said by",
    "TOLD": "told by",
    "QUOTED": "quoted from",
    "DENIED": "denied by",
    "SEEN_BY": "seen by",
    "PHOTO_CREDIT": "photo by",
    "DATA": "data from",
}


def _source(attribution: Mapping[str, Any]) -> str:
    """The source of an attribution with its chain of relays, and the claim."""
    hops = []
    for hop in attribution["chain"]:
        source = hop["source"]
        name = source["name"] or source["describedAs"] if source else None
        hops.append(f"{_WORDS.get(hop['kind'], 'from')} <b>{escape(name or 'an unnamed source')}</b>")
    way = ", ".join(hops)
    result = f": {escape(attribution['claim'])}" if attribution["claim"] else ""
    quote = f" <q>{escape(attribution['quote'])}</q>" if attribution["quote"] else ""
    return f"{way[:1].upper()}{way[1:]}{result}{quote}"


def _correction(correction: Mapping[str, Any]) -> str:
    at = _format_time(dt.datetime.fromisoformat(correction["correctedAt"]))
    return f"{correction['kind'].capitalize()}, {at}: {escape(correction['text'])}"


def render_error(refusal: ApiError) -> tuple[int, str]:
    """Status and page. The reason why a link is not valid is not disclosed."""
    if refusal.status in (401, 403, 404, 422):
        return 404, _message(
            "This link shows nothing",
            "It has ended, was not copied whole, or the article is gone. Ask its sender for a new one.",
        )
    if refusal.status == 429:
        return 429, _message("Too much at once", "Wait a minute, and open the link again.")
    return refusal.status, _message("Not just now", "The preview cannot be shown. Try again in a moment.")


def _message(title: str, text: str) -> str:
    return _page(title, f"<h1>{title}</h1>\n<p>{text}</p>", "en")


_STYLE = load_template("preview.css").template
_STYLE_HASH = base64.b64encode(hashlib.sha256(_STYLE.encode()).digest()).decode()

PREVIEW_HEADERS: Final = {
    "content-type": "text/html; charset=utf-8",
    "cache-control": "private, no-store",
    "content-security-policy": "; ".join((
        "default-src 'none'",
        "img-src 'self' https: data:",  # data: for the icon
        f"style-src 'sha256-{_STYLE_HASH}'",
        "base-uri 'none'",
        "form-action 'none'",
        "frame-ancestors 'none'",
    )),
    "referrer-policy": "no-referrer",
    "x-content-type-options": "nosniff",
    "x-frame-options": "DENY",
    "x-robots-tag": "noindex, nofollow",
}  # fmt: skip


def _page(title: str, content: str, language: str) -> str:
    return load_template("preview.html").substitute(
        language=escape(language), title=escape(title), style=_STYLE, content=content
    )
