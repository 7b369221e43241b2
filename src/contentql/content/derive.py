"""What follows from what editors typed: paths, renderings, counts, chains, sections, the words for search.

Pure functions, but for `index`, which writes the search row. Whoever saves an article calls them; no column
named here is ever typed in.
"""

from __future__ import annotations

import datetime as dt
import math
import re
import secrets
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from html import escape
from itertools import pairwise
from typing import Any

from contentql.content import blocks as body
from contentql.content.blocks import Block
from contentql.content.search_terms import fold_text, tokenize
from contentql.store.models.content import MediaRole

MAX_HOPS = 5
MAX_SECTION_DEPTH = 7


def sort_name(name: str) -> str:
    """What lists are sorted by: case and accents do not count."""
    return fold_text(name).strip()[:200]


def path(parent: str | None, slug: str) -> str:
    return f"{parent}/{slug}" if parent else slug


def ancestor_paths(path: str) -> list[str]:
    """The paths above one, the root first: those of "world/asia/east" are "world" and "world/asia"."""
    parts = path.split("/")
    return ["/".join(parts[:n]) for n in range(1, len(parts))]


@dataclass(frozen=True)
class Section:
    """A row of `article_section`; `path` names the category."""

    path: str
    direct: bool
    position: int


def section_rows(own: Sequence[str]) -> list[Section]:
    """A row for every section an article stands in, the primary first, and one for each above those."""
    direct = list(dict.fromkeys(own))
    higher = [up for path in direct for up in ancestor_paths(path)]
    indirect = [path for path in dict.fromkeys(higher) if path not in direct]
    return [Section(path, path in direct, n) for n, path in enumerate([*direct, *indirect])]


def new_block_id() -> str:
    return f"blk_{secrets.token_hex(8)}"


def assign_block_ids(blocks: Iterable[Block], before: Iterable[Block] = ()) -> tuple[Block, ...]:
    """The blocks, each with an id: its own, that of a block which said the same `before`, or a new one."""
    blocks = tuple(blocks)
    taken = {block.id for block in blocks if block.id}
    known: dict[Block, list[str]] = {}
    for block in before:
        if block.id and block.id not in taken:
            known.setdefault(_anonymous(block), []).append(block.id)

    def identity(block: Block) -> str:
        same = known.get(block)
        return same.pop(0) if same else new_block_id()

    return tuple(block if block.id else block.model_copy(update={"id": identity(block)}) for block in blocks)


def lede(blocks: Iterable[Block]) -> str | None:
    """The first paragraph."""
    return next((block.text for block in blocks if isinstance(block, body.Paragraph)), None)


def plain_text(blocks: Iterable[Block]) -> str:
    """As plain text, a paragraph a line."""
    return "\n".join(said for said in map(body.block_text, blocks) if said)


def render_html(blocks: Iterable[Block]) -> str:
    """As HTML in which nothing but our own tags and cleaned embeds can be markup."""
    return "\n".join(filter(None, map(_html, blocks)))


def render_markdown(blocks: Iterable[Block]) -> str:
    return "\n\n".join(filter(None, map(_markdown, blocks)))


@dataclass(frozen=True)
class TextLength:
    words: int
    minutes: int


def measure_text(text: str) -> TextLength:
    """How long a text is. Scripts without spaces are counted and read by the character, 500 a minute."""
    characters = len(_CJK.findall(text))
    spaced = len(_CJK.sub(" ", text).split())
    minutes = math.ceil(spaced / 238 + characters / 500)
    return TextLength(spaced + characters, max(1, minutes))


@dataclass(frozen=True)
class Times:
    published: dt.datetime | None
    first_published: dt.datetime | None
    updated: dt.datetime | None


def publication_times(
    published: dt.datetime | None,
    *,
    public: bool,
    first: dt.datetime | None = None,
    updated: dt.datetime | None = None,
) -> Times:
    """`first` and `updated` as known so far. What goes `public` gets both, and its first time stays."""
    published, first, updated = (at and at.replace(microsecond=0) for at in (published, first, updated))
    shown = published if public else None
    return Times(published, first or shown, updated or shown)


@dataclass(frozen=True)
class ChainRow:
    """The derived columns of one row of a chain; `via` is the id of the next row towards the reader."""

    head: int
    hop: int
    origin: int | None
    via: int | None


def attribution_chain_rows(ids: Sequence[int], sources: Sequence[int | None]) -> list[ChainRow]:
    """The rows of a chain of attributions, given from the origin to the reader."""
    if len(ids) > MAX_HOPS + 1 or len(set(ids)) < len(ids):
        raise ValueError(f"a chain of sources has at most {MAX_HOPS} relays and never comes back to itself")
    return [ChainRow(ids[0], n, sources[0], via) for n, via in enumerate([*ids[1:], None])]


@dataclass(frozen=True)
class Placement:
    media: int
    role: MediaRole
    caption: str | None = None
    alt: str | None = None


def media_placements(
    lead: int | None, blocks: Iterable[Block], placed: Sequence[Placement] = ()
) -> tuple[Placement, ...]:
    """Every media of an article: those `placed` by hand, then what the lead and the blocks add."""
    found = list(placed)
    if lead is not None and not any(p.media == lead and p.role is MediaRole.LEAD for p in found):
        found.insert(0, Placement(lead, MediaRole.LEAD))
    present = {placement.media for placement in found}
    for block in blocks:
        role = MediaRole.GALLERY if isinstance(block, body.Gallery) else MediaRole.INLINE
        for media in body.block_media(block):
            if media not in present:
                present.add(media)
                found.append(Placement(media, role))
    return tuple(found)


@dataclass(frozen=True)
class SearchTerms:
    """An article's words for search, in three parts that no phrase may cross."""

    headline: tuple[str, ...]
    summary: tuple[str, ...]
    body: tuple[str, ...]


def search_terms(headline: str, about: Iterable[str | None], text: str, language: str) -> SearchTerms:
    """`about`: kicker, short headline, summary, lede and byline. Never pass what the public may not read."""
    parts = [headline, "\n".join(said for said in about if said), text]
    left = _MAX_INDEX
    seen: set[str] = set()
    kept: list[tuple[str, ...]] = []
    for part in parts:
        found = [word for word in tokenize(part, language) if word]
        for n, word in enumerate(found):
            left -= 2 if word in seen else len(word.encode()) + 8
            seen.add(word)
            if left < 0:
                found = found[:n]
                break
        kept.append(tuple(found))
    return SearchTerms(*kept)


def tsvector(words: SearchTerms) -> str:
    """The words as PostgreSQL writes a tsvector: 'kim':1A,14B 'coffin':5A."""
    places: dict[str, list[str]] = {}
    position = 0
    for weight, part in zip("ABC", (words.headline, words.summary, words.body), strict=True):
        for word in part:
            position += 1
            places.setdefault(word, []).append(f"{min(position, _MAX_POSITION)}{weight}")
        position += _GAP
    return " ".join(f"'{word}':{','.join(dict.fromkeys(found))}" for word, found in sorted(places.items()))


async def write_search_row(connection: Any, article: int, words: SearchTerms) -> None:
    """Writes the search row of an article over Tortoise's connection."""
    if connection.capabilities.dialect == "postgres":
        await connection.execute_query(
            "INSERT INTO article_search (article_id, document) VALUES ($1, $2::text::tsvector)"
            " ON CONFLICT (article_id) DO UPDATE SET document = excluded.document",
            [article, tsvector(words)],
        )
        return
    await connection.execute_query("DELETE FROM article_search WHERE rowid = ?", [article])
    await connection.execute_query(
        "INSERT INTO article_search (rowid, headline, summary, body) VALUES (?, ?, ?, ?)",
        [article, *(" ".join(part) for part in (words.headline, words.summary, words.body))],
    )


_CJK = re.compile("[\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af\uf900-\ufaff]")

# PostgreSQL counts no further, and between two parts a phrase must find no neighbour.
_MAX_POSITION = 16_383
_GAP = 10
# A tsvector holds one megabyte; of a longer text both databases know the same beginning.
_MAX_INDEX = 1_000_000


def _anonymous(block: Block) -> Block:
    return block.model_copy(update={"id": None})


def _html(block: Block) -> str:
    match block:
        case body.Paragraph():
            return f"<p>{_marked(block, _HTML, _escape)}</p>"
        case body.Heading():
            return f"<h{block.level}>{_escape(block.text)}</h{block.level}>"
        case body.Quote():
            return f"<blockquote><p>{_escape(block.text)}</p></blockquote>"
        case body.Pullquote():
            return f"<aside><p>{_escape(block.text)}</p></aside>"
        case body.List():
            tag = "ol" if block.ordered else "ul"
            return f"<{tag}>{''.join(f'<li>{_escape(item)}</li>' for item in block.items)}</{tag}>"
        case body.Image() | body.Video() | body.Audio() | body.Gallery():
            # By id and not by address: a picture whose licence ends must not live on in a stored text.
            named = " ".join(map(str, body.block_media(block)))
            caption = body.block_text(block)
            below = f"<figcaption>{_escape(caption)}</figcaption>" if caption else ""
            return f'<figure data-type="{block.type.lower()}" data-media="{named}">{below}</figure>'
        case body.Embed():
            return block.html or f"<p>{_anchor(block.url, block.fallback_text or block.url)}</p>"
        case body.Table():
            rows = (_row(row, "td" if n else "th") for n, row in enumerate(block.rows))
            return f"<table>{''.join(rows)}</table>"
        case body.CodeText():
            return f"<pre><code>{escape(block.text)}</code></pre>"
        case body.Rule():
            return "<hr>"
        case body.LiveEntry():
            at = body.format_timestamp(block.at)
            title = f"<h3>{_escape(block.title)}</h3>" if block.title else ""
            return f'<section><time datetime="{at}">{at}</time>{title}<p>{_escape(block.text)}</p></section>'
        case body.CorrectionText():
            return f"<p><em>{_escape(block.text)}</em></p>"
        case body.RelatedLink():
            return f"<p>{_anchor(block.url, block.title)}</p>"
        case body.Unknown():
            return f"<p>{_escape(block.fallback_text)}</p>" if block.fallback_text else ""


def _escape(text: str) -> str:
    return escape(text).replace("\n", "<br>")


def _anchor(href: str, text: str) -> str:
    return f'<a href="{escape(href)}">{_escape(text)}</a>'


def _row(cells: Iterable[str], tag: str) -> str:
    return f"<tr>{''.join(f'<{tag}>{_escape(cell)}</{tag}>' for cell in cells)}</tr>"


def _markdown(block: Block) -> str:
    match block:
        case body.Paragraph():
            # A line end that is only written is a space to whoever reads it.
            return _marked(block, _MARKDOWN, _plain).strip().replace("\n", "\\\n")
        case body.Heading():
            return f"{'#' * block.level} {_line(block.text)}"
        case body.Quote() | body.Pullquote():
            return "\n>\n".join(f"> {_plain(line)}" for line in block.text.split("\n"))
        case body.List():
            return "\n".join(
                f"{f'{n}.' if block.ordered else '-'} {_line(item)}" for n, item in enumerate(block.items, 1)
            )
        case body.Image() | body.Video() | body.Audio():
            return f"*{_plain(block.caption)}*" if block.caption else ""
        case body.Embed():
            return f"[{_plain(block.fallback_text or block.url)}](<{block.url}>)"
        case body.Table():
            return "\n".join(_markdown_rows(block.rows))
        case body.CodeText():
            fence = "`" * max(3, 1 + max((len(run) for run in re.findall("`+", block.text)), default=0))
            return f"{fence}{block.language or ''}\n{block.text}\n{fence}"
        case body.Rule():
            return "---"
        case body.LiveEntry():
            title = f" {_plain(block.title)}" if block.title else ""
            return f"**{body.format_timestamp(block.at)}**{title}\n\n{_plain(block.text)}"
        case body.CorrectionText():
            return f"*{_plain(block.text)}*"
        case body.RelatedLink():
            return f"[{_plain(block.title)}](<{block.url}>)"
        case body.Unknown():
            return _plain(block.fallback_text or "")
        case body.Gallery():
            return ""


def _markdown_rows(rows: Iterable[Sequence[str]]) -> Iterable[str]:
    for n, row in enumerate(rows):
        cells = (_line(cell).replace("|", r"\|") for cell in row)
        yield f"| {' | '.join(cells)} |"
        if n == 0:
            yield f"|{' --- |' * len(row)}"


def _plain(text: str) -> str:
    """Text that Markdown shows as it is, whatever it looks like."""
    # An empty line would end the block, and a line that begins with spaces could be code.
    text = re.sub(r"[ \t]*\n\s*", "\n", text)
    text = re.sub(r"([\\`*_\[\]<>]|&(?=#?\w+;))", r"\\\1", text)
    return re.sub(r"(?m)^(\s*)([-+=#~](?!\w)|\d+(?=[.)](?:\s|$)))", _held, text)


def _line(text: str) -> str:
    return _plain(text.replace("\n", " "))


def _held(found: re.Match[str]) -> str:
    space, sign = found.groups()
    return f"{space}{sign}\\" if sign.isdigit() else f"{space}\\{sign}"


_HTML: Mapping[str, tuple[str, str]] = {
    "strong": ("<strong>", "</strong>"),
    "em": ("<em>", "</em>"),
    "link": ('<a href="{}">', "</a>"),
    "mention": ("<span>", "</span>"),
}
_MARKDOWN: Mapping[str, tuple[str, str]] = {
    "strong": ("**", "**"),
    "em": ("*", "*"),
    "link": ("[", "](<{}>)"),
    "mention": ("", ""),
}


def _marked(block: body.Paragraph, tags: Mapping[str, tuple[str, str]], said: Any) -> str:
    """Cut where any mark begins or ends, so that marks may overlap and tags still nest."""
    cuts = sorted({0, len(block.text), *(at for mark in block.marks for at in (mark.start, mark.end))})
    pieces = []
    for start, end in pairwise(cuts):
        piece = said(block.text[start:end])
        for mark in sorted(block.marks, key=lambda mark: (mark.kind, mark.start)):
            if mark.start <= start and end <= mark.end and (mark.kind != "link" or mark.href):
                opening, closing = (tag.format(escape(mark.href or "")) for tag in tags[mark.kind])
                piece = f"{opening}{piece}{closing}"
        pieces.append(piece)
    return "".join(pieces)
