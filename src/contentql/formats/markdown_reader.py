"""Reader of Markdown files with front matter, as Hugo, Jekyll, Eleventy, Astro and Obsidian write them.

A file without front matter has its first heading as the headline. Values of the front matter that no field
can hold are preserved. An article is identified by an id or the absolute address in its front matter, else by
the place of its file.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import PurePath
from typing import Any, Final

from contentql.content import blocks
from contentql.content.enums import Access, ContentType, CorrectionKind, MediaKind
from contentql.content.import_item import ImportItem, SourceStatus
from contentql.content.records import CorrectionRecord, FormatError
from contentql.content.warnings import WarningCode
from contentql.formats.article_builder import ArticleBuilder
from contentql.formats.detection import is_markdown
from contentql.formats.encodings import decode_text
from contentql.formats.feeds.feed_item import MAX_TAGS, identity, set_extra, slug_of_address
from contentql.formats.front_matter import FrontMatter, has_front_matter, split_front_matter
from contentql.formats.markdown_dialects import to_common_markdown
from contentql.formats.plain_text import html_to_text
from contentql.formats.registry import Format
from contentql.formats.source_file import ReadOptions, SourceFile
from contentql.language_tags import LanguageTagError, parse_language_tag

SYSTEM: Final = "markdown"  # of the external ids
MAX_FILE: Final = 4 << 20
SUFFIXES: Final = (".md", ".markdown", ".mdown", ".mkd", ".mdx")

_DATED_NAME: Final = re.compile(r"(\d{4}-\d\d-\d\d)[-_](.+)")
_SLUG_NAME: Final = re.compile(r"[a-z0-9]+(?:-[a-z0-9]+)+")
_GENERIC_NAME: Final = re.compile(
    r"_?(?:index|readme|untitled.*|stdin|-|new note.*|page|post)", re.IGNORECASE
)
_TRUE: Final = ("true", "yes", "on", "1", "y")
_FALSE: Final = ("false", "no", "off", "0", "n")
_PUBLIC_STATES: Final = ("published", "publish", "public", "live", "usable", "final", "done")
_CANCELED_STATES: Final = ("canceled", "cancelled", "killed", "withdrawn", "retracted")


def _sniff(head: bytes, name: str) -> bool:
    if PurePath(name).suffix.lower() in SUFFIXES:
        return True
    try:
        text = head.decode("utf-8-sig", errors="ignore").replace("\r\n", "\n")
    except ValueError:
        return False
    return "\0" not in text and (has_front_matter(text.lstrip("\n")) or is_markdown(name, text))


def _read(source: SourceFile, options: ReadOptions) -> Iterator[ImportItem]:
    try:
        source.read(MAX_FILE)
        text, encoding = decode_text(source.file, MAX_FILE)
        text = text.replace("\r\n", "\n").replace("\r", "\n").lstrip("\n")
        if "\0" in text:
            raise FormatError("the file is not text")
        if not text.strip():
            raise FormatError("the file is empty")
        front_matter = split_front_matter(text)
    except FormatError as exc:
        yield ImportItem(source.name, error=str(exc))
        return
    article = _Article(source, options, front_matter)
    if encoding.wrong_declaration:
        message = f"the file is not in UTF-8; it is read as {encoding.name}"
        article.builder.warn(WarningCode.GUESSED, message, "blocks")
    yield article.read()


class _Article:
    """Reads the article of a file."""

    def __init__(self, source: SourceFile, options: ReadOptions, front_matter: FrontMatter) -> None:
        self._source, self._options = source, options
        self._names = {_key(name): name for name in front_matter.values}
        self._values = front_matter.values
        self._body = front_matter.body
        self._read: set[str] = set()
        path = PurePath(source.name)
        self._path = path
        stem = path.stem if path.suffix.lower() in (*SUFFIXES, ".txt") else path.name
        self._stem, self._stem_language = _without_language(stem)
        addresses = [_text(self._take(name)) for name in ("url", "permalink", "canonicalurl", "canonical")]
        absolute = [address for address in addresses if re.match(r"https?://\S+$", address)]
        ids = [_text(self._peek(name)) for name in ("id", "uuid", "uid", "guid", "uri")]
        own_id = next((value for value in ids if re.search(r":|[0-9a-f]{8}-", value)), "")
        self.builder = ArticleBuilder(
            source.name,
            "",
            options,
            system=SYSTEM,
            external_id=identity(own_id, absolute[0] if absolute else "", "", "")
            if own_id or absolute
            else source.identity,
            base_url=absolute[0] if absolute else "",
        )
        for change in front_matter.changes:
            self.builder.warn(WarningCode.CHANGED, change, "extra")
        self._set_addresses(addresses)

    def read(self) -> ImportItem:
        builder = self.builder
        builder.source_status = self._status()
        self._set_language()
        self._set_slug()
        self._set_times()
        self._set_texts()
        self._set_people()
        self._set_terms()
        picture = self._lead_picture()
        self._set_body()
        builder.set("lead_media", picture)
        self._set_corrections()
        unread = {name: value for name, value in self._values.items() if _key(name) not in self._read}
        set_extra(builder, "frontMatter", unread)
        return builder.build()

    def _take(self, *names: str) -> Any:
        """The first value of the front matter with one of these names, which are all read."""
        value = None
        for name in names:
            if (original := self._names.get(name)) is None:
                continue
            candidate = self._values[original]
            if value is None and candidate is not None:
                value = candidate
                self._read.add(name)
            elif candidate is None or candidate == value:
                self._read.add(name)
        return value

    def _peek(self, name: str) -> Any:
        return self._values.get(self._names.get(name, ""))

    def _set_addresses(self, addresses: Sequence[str]) -> None:
        """The former addresses; one of another site than that of the article is its canonical one."""
        builder = self.builder
        url, permalink, *canonical = addresses
        own = url or permalink
        is_elsewhere = _flag(self._take("canonicalelsewhere")) is True
        for address in canonical:
            is_elsewhere |= bool(_host(own) and _host(address) and _host(address) != _host(own))
            if address and is_elsewhere:
                builder.set("canonical_url", builder.link(address, "canonicalUrl"))
                builder.set("canonical_elsewhere", builder.get("canonical_url") is not None)
            else:
                builder.add_address(address)
        for address in (url, permalink):
            if address and "{" not in address and ":" not in address.replace("://", ""):
                builder.add_address(address)
        for name in ("aliases", "redirectfrom", "redirects"):
            aliases = _texts(self._peek(name))
            # Those of Obsidian are other names of a note.
            if aliases and all(alias.startswith(("/", "http://", "https://")) for alias in aliases):
                self._take(name)
                for alias in aliases[:MAX_TAGS]:
                    builder.add_address(alias)

    def _status(self) -> SourceStatus:
        state = _text(self._take("status", "state")).lower()
        if state in _CANCELED_STATES:
            return SourceStatus.CANCELED
        hides = [_flag(self._take(name)) is True for name in ("draft", "private", "unlisted", "hidden")]
        hides += [_flag(self._peek(name)) is False for name in ("published", "publish", "public")]
        visibility = _text(self._take("visibility")).lower()
        has_password = bool(self._take("password", "passphrase"))
        folders = [part.lower() for part in self._path.parts[:-1]]
        is_hidden = any(hides) or has_password or visibility in ("private", "hidden", "password", "draft")
        if state and state not in _PUBLIC_STATES:
            is_hidden = True
        return SourceStatus.HIDDEN if is_hidden or "_drafts" in folders else SourceStatus.PUBLIC

    def _set_language(self) -> None:
        value = self._take("lang", "language", "locale")
        text = "no" if value is False else _text(value)
        self.builder.set_language(text.replace("_", "-") or self._stem_language)

    def _set_slug(self) -> None:
        slug = _text(self._take("slug")).strip("/")
        if "/" in slug:
            slug = slug.rpartition("/")[2]
        if not slug:
            addresses = [_text(self._peek(name)) for name in ("permalink", "url", "canonicalurl")]
            for address in addresses:
                whole = address if "://" in address else f"https://site{address}"
                if address and "{" not in address and ":" not in address.replace("://", ""):
                    slug = slug or slug_of_address(whole)
        name = self._stem
        if _GENERIC_NAME.fullmatch(name) and len(self._path.parts) > 1:
            name = self._path.parts[-2]
        if dated := _DATED_NAME.fullmatch(name):
            name = dated[2]
        if slug:
            self.builder.set_slug(slug)
        elif _SLUG_NAME.fullmatch(name):
            self.builder.set_slug(name)

    def _set_times(self) -> None:
        builder = self.builder
        names = _PUBLISHED
        if _flag(self._peek("published")) is None:
            names = ("published", *names)
        for name in ("published", "publish", "public"):
            self._take(name)
        published = builder.set_time("published_at", _text(self._take(*names)) or None)
        updated = builder.set_time("updated_at", _text(self._take(*_UPDATED)) or None)
        if updated is not None and updated == published:
            builder.set("updated_at", None)
        dated = _DATED_NAME.fullmatch(self._stem)
        if published is None and dated and (at := builder.parse_time(dated[1], "publishedAt")):
            builder.guess(
                "published_at", at, f"the day of publication is that in the name of the file, {dated[1]}"
            )
            published = at
        builder.source_modified_at = updated or published
        builder.set_time(
            "expires_at", _text(self._take("expirydate", "expires", "expiresat", "unpublishdate"))
        )
        builder.set_time("embargo_until", _text(self._take("embargo", "embargountil", "embargoed")))

    def _set_texts(self) -> None:
        builder = self.builder
        builder.set_html_text("headline", _text(self._take("title", "headline")))
        for field, names in _TEXTS.items():
            value = self._take(*names)
            if isinstance(value, dict):
                value = value.get("text") or value.get("place")
            builder.set_html_text(field, _text(value))
        urgency = _text(self._take("urgency", "priority"))
        if re.fullmatch("[1-9]", urgency):
            builder.set("urgency", int(urgency))
        self._set_choice("content_type", ContentType, _text(self._take("contenttype", "genre")))
        access = _text(self._take("access"))
        visibility = _text(self._peek("visibility")).lower()
        if visibility in ("members", "paid", "subscribers"):
            access = access or ("metered" if visibility == "members" else "subscriber")
        self._set_choice("access", Access, access)

    def _set_choice(self, field: str, choices: Callable[[str], Any], value: str) -> None:
        if value:
            try:
                self.builder.set(field, choices(re.sub(r"\W+", "_", value).upper()))
            except ValueError:
                message = f"{value[:100]!r} is no {field.replace('_', ' ')}"
                self.builder.warn(WarningCode.DROPPED, message, field, value[:100])

    def _set_people(self) -> None:
        for author in _items(self._take("authors", "author", "creator"))[:50]:
            values = author if isinstance(author, Mapping) else {"name": author}
            name = _text(values.get("name") or values.get("title"))
            url = _text(values.get("url") or values.get("link") or values.get("website"))
            if name:
                self.builder.add_author(name, url=url or None)

    def _set_terms(self) -> None:
        builder = self.builder
        for name in _texts(self._take("categories", "category", "section", "sections"), split=False)[:100]:
            path = [part.strip() for part in name.split("/") if part.strip()]
            if path:
                builder.add_section(*path)
        for name in dict.fromkeys(_texts(self._take("tags", "tag", "keywords"), split=True)[:500]):
            builder.add_tag(name.removeprefix("#"))

    def _lead_picture(self) -> int | None:
        """The picture of the front matter: an address, or an object or list with one."""
        value = next(iter(_items(self._take(*_PICTURES))), None)
        values = value if isinstance(value, Mapping) else {"src": value}
        address = _text(
            next((values[name] for name in ("src", "url", "image", "path") if values.get(name)), "")
        )
        if not address:
            return None
        facts = {
            "alt": values.get("alt") or self._take("imagealt", "coveralt", "featureimagealt"),
            "caption": values.get("caption") or self._take("imagecaption", "featureimagecaption"),
            "credit": values.get("credit") or self._take("imagecredit"),
            "copyright": values.get("copyright"),
        }
        cleaned = {name: html_to_text(_text(fact)) for name, fact in facts.items()}
        if self._is_missing(address):
            return None
        return self.builder.add_media(address, MediaKind.IMAGE, **cleaned)

    def _is_missing(self, address: str) -> bool:
        """Whether the address of a picture is relative to nothing; it is preserved."""
        if self.builder.media_address(address) is not None or ":" in address:
            return False
        missing = self.builder.extra.setdefault("markdown", {}).setdefault("missingMedia", [])
        if address not in missing and len(missing) < 100:
            missing.append(address[:1_000])
        message = (
            f"the address of the picture {address[:200]!r} is relative to a site that the file does not name"
        )
        self.builder.warn(WarningCode.DROPPED, f"{message}; it is stored in extra.missingMedia", "media")
        return True

    def _set_body(self) -> None:
        builder = self.builder
        is_mdx = self._path.suffix.lower() == ".mdx"
        dialect = to_common_markdown(self._body, is_mdx=is_mdx)
        for code, message in dialect.warnings:
            builder.warn(code, message, "blocks")
        for address in dialect.pictures:
            self._is_missing(address)
        # A rule at the beginning is no front matter.
        builder.markdown_body(f"\n{dialect.text}")
        self._take_headline()

    def _take_headline(self) -> None:
        """The first heading as the headline, or without it if it repeats the headline."""
        builder = self.builder
        body = list(builder.get("blocks"))
        index = next((n for n, block in enumerate(body) if isinstance(block, blocks.Heading)), None)
        headline = builder.get("headline")
        if index is not None:
            text = " ".join(blocks.block_text(body[index]).split())
            if not headline or (index == 0 and text.casefold() == " ".join(headline.split()).casefold()):
                if not headline:
                    builder.set_text("headline", text)
                del body[index]
                builder.set_body(body)
        name = _DATED_NAME.sub(r"\2", self._stem)
        if not builder.get("headline") and re.search(r"\w{3}", name) and not _GENERIC_NAME.fullmatch(name):
            title = name if " " in name else name.replace("-", " ").replace("_", " ").capitalize()
            builder.guess("headline", title[:300], "the file has no title; the headline is its name")

    def _set_corrections(self) -> None:
        """Sets the corrections; a list with one that has no time or text is preserved as it is."""
        corrections = []
        for value in _items(self._peek("corrections")):
            values = value if isinstance(value, Mapping) else {}
            at = self.builder.parse_time(_text(values.get("date")), "corrections")
            text = html_to_text(_text(values.get("text")))
            kind = CorrectionKind.__members__.get(_text(values.get("kind")).upper())
            if at is None or not text:
                return
            kind = kind or CorrectionKind.CORRECTION
            corrections.append(CorrectionRecord(kind=kind, at=at, text=text))
        if corrections:
            self._take("corrections")
            self.builder.set("corrections", tuple(corrections))


_PUBLISHED: Final[tuple[str, ...]] = (
    "publishdate", "pubdate", "date", "publishedat", "datepublished", "publisheddate", "created",
)  # fmt: skip
_UPDATED: Final = (
    "lastmod", "updated", "modified", "updatedat", "lastmodified", "lastmodifiedat", "dateupdated",
    "updateddate", "modifieddate", "datemodified",
)  # fmt: skip
_EXPIRES: Final = ("expirydate", "expires", "expiresat", "unpublishdate")
_PICTURES: Final = (
    "image", "cover", "featuredimage", "featureimage", "heroimage", "thumbnail", "images", "banner",
)  # fmt: skip
_TEXTS: Final = {
    "summary": ("summary", "description", "excerpt", "abstract"),
    "kicker": ("kicker", "eyebrow"),
    "short_headline": ("shortheadline", "linktitle", "shorttitle"),
    "byline": ("byline",),
    "dateline_place": ("dateline",),
    "copyright_notice": ("copyright",),
    "usage_terms": ("usageterms",),
    "ed_note": ("ednote",),
}


def _key(name: str) -> str:
    """A name without case, hyphens and underscores: `publish_date`, `publishDate`."""
    return re.sub(r"[\s_.-]", "", name).lower()


def _text(value: Any) -> str:
    if isinstance(value, list) and value:
        value = value[0]
    return str(value).strip() if isinstance(value, str | int | float) and not isinstance(value, bool) else ""


def _items(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [] if value in (None, "") else [value]


def _texts(value: Any, *, split: bool = False) -> list[str]:
    """The texts of a list, or of a text; with `split`, of a text with commas."""
    texts = []
    for item in _items(value):
        if isinstance(item, Mapping):
            item = item.get("name") or item.get("title") or item.get("slug")
        texts += str(item).split(",") if split and isinstance(value, str) else [str(item)]
    return [text.strip() for text in texts if text and text.strip() and text != "None"]


def _host(address: str) -> str:
    match = re.match(r"https?://([^/?#\s]+)", address)
    return match[1].lower() if match else ""


def _flag(value: Any) -> bool | None:
    word = str(value).strip().lower()
    return True if word in _TRUE else False if word in _FALSE else None


def _without_language(stem: str) -> tuple[str, str | None]:
    """A name such as `story.fr` without its language, and the language."""
    name, dot, suffix = stem.rpartition(".")
    if dot and re.fullmatch(r"[a-z]{2}(-[a-zA-Z]{2,4})?", suffix):
        try:
            return name, parse_language_tag(suffix).text
        except LanguageTagError:
            pass
    return stem, None


FORMAT: Final = Format("markdown", _sniff, _read)
