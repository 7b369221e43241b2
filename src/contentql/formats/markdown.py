"""Parser of body Markdown into typed blocks; embedded HTML follows the rules of HTML bodies.

CommonMark with tables, strikethrough, footnotes, definition lists, front matter and links without brackets.
White space collapses as in HTML; only a line break after a backslash or two spaces is preserved. A picture
whose address is the id of a media file shows that file; `"video"`, `"audio"` or `"gallery"` as its title
names another kind of block. The URL of a video or post on a line of its own becomes an embed.
"""

from __future__ import annotations

from collections.abc import Sequence

from linkify_it import LinkifyIt
from markdown_it import MarkdownIt
from markdown_it.common.utils import unescapeAll
from markdown_it.token import Token
from mdit_py_plugins.deflist import deflist_plugin
from mdit_py_plugins.footnote import footnote_plugin
from mdit_py_plugins.front_matter import front_matter_plugin

from contentql.content.blocks import Block
from contentql.content.embeds import embed_provider
from contentql.content.warnings import WarningCode
from contentql.formats.body_callbacks import BodyCallbacks
from contentql.formats.html import HtmlReader
from contentql.formats.html_embeds import make_embed
from contentql.formats.html_safety import Problem, UnsafeContentError
from contentql.formats.html_tokenizer import LiteralSpace


def markdown_to_blocks(text: str, callbacks: BodyCallbacks | None = None) -> tuple[Block, ...]:
    """Parses Markdown into blocks. Raises UnsafeContentError, OversizedContentError."""
    callbacks = callbacks or BodyCallbacks()
    reader = HtmlReader(callbacks, embeds_urls=False)
    for token in _MARKDOWN.parse(reader.normalize(text)):
        # The parser drops deeper levels.
        if token.nesting > 0 and token.level >= _MARKDOWN.options["maxNesting"] - 1:
            message = "The lists or quotes in the text are nested too deep."
            raise UnsafeContentError([Problem(message, "Use at most nine levels.")])
        if token.map:
            reader.line = token.map[0] + 1
        if token.type == "inline":
            children = token.children or []
            if not _read_embed(reader, children):
                for child in children:
                    _read(reader, child, callbacks)
        else:
            _read(reader, token, callbacks)
    return reader.blocks()


def _read(reader: HtmlReader, token: Token, callbacks: BodyCallbacks) -> None:
    match token.type:
        case "text":
            reader.text(token.content)
        case "text_special":  # a character that was escaped or written as a reference
            reader.text(LiteralSpace(token.content) if token.content.isspace() else token.content)
        case "code_inline":
            reader.open("code", {})
            reader.text(token.content)
            reader.close("code")
        case "html_inline" | "html_block":
            reader.feed(token.content)
        case "softbreak":  # a line break of the source, not of the text
            reader.text(" ")
        case "hardbreak":
            reader.open("br", {})
        case "fence" | "code_block":
            language = "".join(unescapeAll(token.info).split()[:1])
            reader.open("pre", {"class": f"language-{language}"})
            reader.text(token.content.removesuffix("\n"))
            reader.close("pre")
        case "image":
            _read_image(reader, token, callbacks)
        case "front_matter":
            message = "The front matter was left out; send its values as fields of the article."
            callbacks.warn(WarningCode.DROPPED, message, token.content[:200])
        case "footnote_ref":
            reader.open("sup", {})
            reader.text(_footnote_number(token))
            reader.close("sup")
        case "footnote_block_open":
            message = "Footnotes became paragraphs at the end of the text."
            callbacks.warn(WarningCode.CHANGED, message, "footnotes")
        case "footnote_open":
            reader.open("div", {})
            reader.builder.footnote = f"{_footnote_number(token)}. "
        case "footnote_close":
            reader.close("div")
        case "footnote_block_close" | "footnote_anchor":
            pass
        case _ if token.nesting < 0:
            reader.close(token.tag)
        case _:
            reader.open(token.tag, {name: str(value) for name, value in token.attrs.items()})
            if token.type == "paragraph_open" and reader.builder.footnote:
                reader.text(reader.builder.footnote)
                reader.builder.footnote = ""


def _read_image(reader: HtmlReader, token: Token, callbacks: BodyCallbacks) -> None:
    attributes = {name: str(value) for name, value in token.attrs.items()}
    source = attributes.get("src", "")
    if reader.is_rejected("img", {"src": source}):
        return
    if reader.show_image(source, _plain(token.children or []), attributes.get("title", "")) and token.content:
        with reader.builder.caption():
            for child in token.children or ():
                _read(reader, child, callbacks)


def _read_embed(reader: HtmlReader, children: Sequence[Token]) -> bool:
    """Shows the embed of a paragraph that has nothing but its URL; False for other paragraphs."""
    if [child.type for child in children] != ["link_open", "text", "link_close"]:
        return False
    url = str(children[0].attrs.get("href", ""))
    if children[0].markup != "linkify" or not embed_provider(url):
        return False
    embed = make_embed(url)
    if embed:
        reader.builder.show(embed)
    return embed is not None


def _plain(children: Sequence[Token]) -> str:
    return "".join(child.content or _plain(child.children or []) for child in children)


def _footnote_number(token: Token) -> str:
    return str(int(token.meta.get("id", 0)) + 1)


class _Markdown(MarkdownIt):
    """Parser that accepts every link as written: an unsafe link is rejected later, not shown as text."""

    def validateLink(self, url: str) -> bool:
        return True

    def normalizeLink(self, url: str) -> str:
        return url


def _parser() -> MarkdownIt:
    parser = _Markdown("commonmark", {"linkify": True}).enable(["table", "strikethrough", "linkify"])
    parser.disable("text_join")  # joins escaped characters with others
    parser.use(deflist_plugin).use(front_matter_plugin).use(footnote_plugin, inline=False)
    linkify = LinkifyIt(options={"fuzzy_link": False, "fuzzy_email": False, "fuzzy_ip": False})
    for schema in ("ftp:", "//", "mailto:"):
        linkify.add(schema, None)
    parser.linkify = linkify
    return parser


_MARKDOWN = _parser()
