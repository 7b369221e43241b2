"""Embeds in HTML: the code that other sites offer for embedding, WordPress figures and our own rendering."""

from __future__ import annotations

import re
from collections.abc import Mapping
from html import escape
from typing import Final

from pydantic import ValidationError

from contentql.content.blocks import Block, Embed, Quote, Unknown
from contentql.content.embeds import embed_provider
from contentql.content.warnings import WarningCode
from contentql.formats.body_callbacks import BodyCallbacks
from contentql.formats.html_styles import VOID
from contentql.formats.html_tokenizer import LiteralSpace

_SPACES: Final = re.compile(r"[ \t\n]+")
_URL: Final = re.compile(r"https?://[^\s<>\"']+")
_QUOTE_CLASSES: Final = {
    "twitter-tweet", "twitter-video", "instagram-media", "tiktok-embed", "bluesky-embed", "text-post-media",
    "reddit-embed-bq", "reddit-card",
}  # fmt: skip
# Hosts of the scripts that come with the code of an embed.
_WIDGETS: Final = re.compile(
    r"(?:https?:)?//(?:platform\.(?:twitter|x|instagram)\.com|www\.(?:instagram|tiktok|threads\.net|threads)(?:\.com)?"
    r"|embed\.(?:bsky\.app|reddit\.com|redditmedia\.com)|connect\.facebook\.net|telegram\.org|datawrapper\.dwcdn\.net"
    r"|public\.flourish\.studio)/[\w./?=&#%-]*",
    re.ASCII,
)


def is_widget_script(tag: str, attributes: Mapping[str, str]) -> bool:
    """Whether a script only loads the widget of an embed, which clients load by themselves."""
    return tag == "script" and _WIDGETS.fullmatch(attributes.get("src", "")) is not None


def begins_embed(tag: str, attributes: Mapping[str, str]) -> bool:
    """Whether an element and everything in it is one embed or unknown block."""
    classes = set(attributes.get("class", "").split())
    if tag == "figure":
        return attributes.get("data-type") in ("embed", "unknown") or "wp-block-embed" in classes
    if tag == "blockquote":
        return bool(classes & _QUOTE_CLASSES)
    return tag == "div" and bool(classes & {"fb-post", "fb-video"}) and "data-href" in attributes


def frame_embed(attributes: Mapping[str, str]) -> Embed | None:
    """The embed of an `iframe`, None if its address is not that of a known site."""
    url = attributes.get("src", "").strip()
    url = f"https:{url}" if url.startswith("//") else url
    return make_embed(url, title=attributes.get("title")) if embed_provider(url) else None


def make_embed(
    url: str,
    *,
    provider: str | None = None,
    title: str | None = None,
    html: str | None = None,
    text: str | None = None,
) -> Embed | None:
    """An embed, None if its URL or another value is not valid."""
    try:
        return Embed.model_validate(
            {
                "url": url,
                "provider": provider or embed_provider(url),
                "title": title or None,
                "html": html or None,
                "fallback_text": text or None,
            }
        )
    except ValidationError:
        return None


class EmbedReader:
    """Reads the tags and texts of one element until its end."""

    def __init__(self, tag: str, attributes: Mapping[str, str], callbacks: BodyCallbacks) -> None:
        self._tag, self._attributes, self._callbacks = tag, attributes, callbacks
        self._depth = 1
        self._html: list[str] = []
        self._text: list[str] = []
        self._caption: list[str] | None = None
        self._in_caption = False
        self._links: list[str] = []

    @property
    def is_finished(self) -> bool:
        return not self._depth

    def text(self, text: str) -> None:
        if self._in_caption and self._caption is not None:
            self._caption.append(text if isinstance(text, LiteralSpace) else _SPACES.sub(" ", text))
            return
        self._text.append(text)
        self._html.append(escape(text, quote=False))

    def open(self, tag: str, attributes: Mapping[str, str]) -> None:
        if tag == self._tag:
            self._depth += 1
        elif tag == "figcaption" and self._depth == 1:
            self._in_caption, self._caption = True, self._caption or []
            return
        if self._in_caption:
            self._caption = [*(self._caption or []), "\n"] if tag == "br" else self._caption
            return
        if tag in ("a", "iframe"):
            self._links.append(attributes.get("href") or attributes.get("src") or "")
        if tag in ("p", "br"):
            self._text.append("\n")
        names = "".join(f' {name}="{escape(value)}"' for name, value in attributes.items())
        self._html.append(f"<{tag}{names}>")

    def close(self, tag: str) -> Block | None:
        """The block, if this is the end tag of the element."""
        if tag == self._tag:
            self._depth -= 1
            if not self._depth:
                return self.finish()
        if tag == "figcaption" and self._depth == 1:
            self._in_caption = False
        elif not self._in_caption and tag not in VOID:
            self._html.append(f"</{tag}>")
        return None

    def finish(self) -> Block | None:
        """The block of what was read; None, with a warning, if it has no valid address."""
        caption = "".join(self._caption or ())
        kind = self._attributes.get("data-type")
        if self._tag == "figure" and kind == "unknown":
            name = self._attributes.get("data-original-type", "") or "UNKNOWN"
            return Unknown(original_type=name, fallback_text=caption or None)
        if self._tag == "figure" and kind == "embed":
            return self._rendered(caption)
        text = "".join(self._text).strip()
        embed = make_embed(self._url(text), text=caption.strip() or self._fallback(text))
        if embed is None:
            self._callbacks.warn(
                WarningCode.DROPPED, "An embed has no address; its text was kept.", text[:100]
            )
            return Quote(text=text) if text else None
        return embed

    def _rendered(self, caption: str) -> Block | None:
        """The embed that this project rendered."""
        html = "".join(self._html)
        if html.startswith('<a href="') and " rel=" not in html:
            html = ""  # the link in place of HTML
        names = {name: self._attributes.get(f"data-{name}", "") for name in ("url", "provider", "title")}
        # The provider is not derived: an embed may have none.
        text = self._attributes.get("data-fallback") or caption
        embed = make_embed(names["url"], title=names["title"], html=html, text=text)
        if embed is None:
            self._callbacks.warn(
                WarningCode.DROPPED, "An embed without a valid address was left out.", names["url"]
            )
            return None
        return embed.model_copy(update={"provider": names["provider"] or None})

    def _url(self, text: str) -> str:
        """The address of the content: that in an attribute, else the last link to a known site, else any."""
        for name in ("data-instgrm-permalink", "data-href", "data-bluesky-uri", "cite"):
            value = self._attributes.get(name, "")
            if value.startswith("https://"):
                return value
        known = [link for link in self._links if embed_provider(link)]
        written = _URL.findall(text)
        return (
            known[-1:] or [link for link in self._links if _URL.fullmatch(link)][-1:] or written[:1] or [""]
        )[0]

    def _fallback(self, text: str) -> str | None:
        lines = (_SPACES.sub(" ", line).strip() for line in text.split("\n"))
        return "\n".join(line for line in lines if line and not _URL.fullmatch(line)) or None
