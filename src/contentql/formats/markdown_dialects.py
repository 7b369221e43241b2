"""Markdown of site generators and note programs as common Markdown: shortcodes, wiki links, MDX.

What cannot be resolved stays as text, with a warning. Code is left as it is.
"""

from __future__ import annotations

import re
from html import escape
from typing import Final, NamedTuple

from contentql.content.warnings import WarningCode

_FENCE: Final = re.compile(r" {0,3}(```+|~~~+)")
_MDX_LINE: Final = re.compile(
    r"(?:import\s.+\sfrom\s+['\"]|import\s+['\"]|export\s+(?:const|default|function)\b)"
)
_CODE: Final = re.compile(r"(`+)(?!`).+?(?<!`)\1(?!`)")
_SHORTCODE: Final = re.compile(r"\{\{[<%]\s*+(/?)([\w/-]+)((?:[^{}]|\{(?!\{))*?)/?\s*[%>]\}\}")
_LIQUID: Final = re.compile(r"\{%-?\s*(\w+)([^{}]*?)-?%\}")
_ARGUMENT: Final = re.compile(r"""(?:([\w-]+)\s*=\s*)?(?:"([^"]*)"|`([^`]*)`|'([^']*)'|([^\s"'=]+))""")
_WIKI: Final = re.compile(r"(!?)\[\[([^\[\]|\n]+)(?:\|([^\[\]\n]*))?\]\]")
_COMMENT: Final = re.compile(r"%%[^%\n]*%%")
_PICTURE: Final = re.compile(r"!\[[^\[\]\n]*\]\(\s*<?([^\s()<>]+)")
_VIDEOS: Final = {
    "youtube": "https://www.youtube.com/watch?v={}",
    "vimeo": "https://vimeo.com/{}",
}


class Dialect(NamedTuple):
    """Common Markdown, the relative addresses of its pictures, and what was changed."""

    text: str
    pictures: tuple[str, ...]
    warnings: tuple[tuple[WarningCode, str], ...]


def to_common_markdown(text: str, *, is_mdx: bool = False) -> Dialect:
    """Resolves what is not common Markdown in a text with newlines as line ends."""
    converter = _Converter()
    lines: list[str] = []
    fence = ""
    for line in text.split("\n"):
        match = _FENCE.match(line)
        if fence:
            is_end = match and match[1].startswith(fence) and not line[match.end() :].strip()
            fence = "" if is_end else fence
        elif match:
            fence = match[1]
        elif is_mdx and _MDX_LINE.match(line):
            converter.warn(WarningCode.DROPPED, f"the line {line[:100]!r} is code and was left out")
            continue
        elif not line.startswith(("    ", "\t")):
            line = converter.convert(line)
        lines.append(line)
    return Dialect("\n".join(lines), tuple(converter.pictures), tuple(converter.warnings))


class _Converter:
    def __init__(self) -> None:
        self.warnings: dict[tuple[WarningCode, str], None] = {}
        self.pictures: dict[str, None] = {}

    def warn(self, code: WarningCode, message: str) -> None:
        self.warnings[code, message] = None

    def convert(self, line: str) -> str:
        if "[" not in line and "{" not in line and "%%" not in line:
            return line
        pieces: list[str] = []
        at = 0
        for code in _CODE.finditer(line):
            pieces += [self._convert(line[at : code.start()]), code[0]]
            at = code.end()
        return "".join((*pieces, self._convert(line[at:])))

    def _convert(self, text: str) -> str:
        text = _SHORTCODE.sub(self._shortcode, text)
        text = _LIQUID.sub(self._liquid, text)
        text = _COMMENT.sub(self._comment, text)
        text = _WIKI.sub(self._wiki, text)
        for match in _PICTURE.finditer(text):
            if not re.match(r"[a-zA-Z][\w+.-]*:|//|med_", match[1]):
                self.pictures[match[1]] = None
        return text

    def _shortcode(self, match: re.Match[str]) -> str:
        return self._call(match[0], match[2].lower(), match[3], closes=bool(match[1]))

    def _liquid(self, match: re.Match[str]) -> str:
        return self._call(match[0], match[1].lower(), match[2], closes=match[1].startswith("end"))

    def _call(self, source: str, name: str, arguments: str, *, closes: bool) -> str:
        values: dict[str, str] = {}
        for match in _ARGUMENT.finditer(arguments[:5_000]):
            value = next((part for part in match.groups()[1:] if part is not None), "")
            values.setdefault(match[1] or str(len(values)), value)
        first = values.get("id") or values.get("0") or ""
        if name in _VIDEOS and re.fullmatch(r"[\w-]{1,100}", first) and not closes:
            return f"\n\n{_VIDEOS[name].format(first)}\n\n"
        address = values.get("src") or (values.get("0") if name in ("figure", "image", "img") else "")
        if name in ("figure", "image", "img") and address and not closes:
            if not re.match(r"[a-zA-Z][\w+.-]*:|//", address):
                self.pictures[address] = None
            caption = " ".join(
                filter(None, (values.get("caption") or values.get("title"), values.get("attr")))
            )
            picture = f'<img src="{escape(address)}" alt="{escape(values.get("alt", ""))}">'
            caption = f"<figcaption>{escape(caption)}</figcaption>" if caption else ""
            return f"\n\n<figure>{picture}{caption}</figure>\n\n"
        self.warn(WarningCode.CHANGED, f"the shortcode {name[:50]!r} is not known and stayed as text")
        return source

    def _comment(self, match: re.Match[str]) -> str:
        self.warn(WarningCode.DROPPED, f"the comment {match[0][:100]!r} was left out")
        return ""

    def _wiki(self, match: re.Match[str]) -> str:
        """A link between notes as its words; a picture among them has no address."""
        shows, target, label = match[1], match[2].strip(), (match[3] or "").strip()
        if shows:
            self.pictures[target] = None
            return ""
        self.warn(WarningCode.CHANGED, f"the link to the note {target[:100]!r} became plain text")
        return label or target
