"""Detection of pages in a format that cannot be imported, so that their markup is not stored as text."""

from __future__ import annotations

import csv
import itertools
import re
from pathlib import PurePath

_SUFFIXES = {
    ".html": "HTML",
    ".htm": "HTML",
    ".xhtml": "HTML",
    ".md": "Markdown",
    ".markdown": "Markdown",
    ".csv": "CSV",
    ".tsv": "CSV",
    ".xml": "XML",
    ".rtf": "RTF",
}
_HTML_START = re.compile(
    r"<(!doctype\s|!--|\?xml|(html|head|body|title|meta|main|article|section|div|p|h[1-6]|table|ul|ol|span)\b)",
    re.IGNORECASE,
)
_HTML_TAG = re.compile(
    r"</(p|div|h[1-6]|a|b|i|em|strong|span|li|ul|ol|table|article|section)\s*>", re.IGNORECASE
)
_MARKDOWN = re.compile(
    r"^\#{1,6}[ ]\S"  # heading
    r"|^(```|~~~)"  # code
    r"|!?\[[^\]\n]*\]\((https?:|mailto:|/|\#|\.)[^)\s]*\)"  # link or image
    r"|(?<![*\w])\*\*[^\s*][^*\n]*\*\*(?!\*)",  # strong emphasis
    re.MULTILINE | re.VERBOSE,
)
_FRONT_MATTER = re.compile(r"(---|\+\+\+)\s*\n[^\n]+\n(.*\n)*?\1\s*(\n|$)")
_UNDERLINE = re.compile(r"[^\n]+\n(={3,}|-{3,})\s*(\n|$)")
_DELIMITERS = ",;\t|"
_MAX_CSV_ROWS = 100


def detect_markup(name: str, text: str) -> str | None:
    """Detects from name and content that a file is not plain text; returns its format, or None."""
    if format := _SUFFIXES.get(PurePath(name).suffix.lower()):
        return format
    start = text.lstrip()
    if start.startswith("{\\rtf"):
        return "RTF"
    if start.startswith(("%PDF-", "%!PS")):
        return "PDF" if start.startswith("%PDF-") else "PostScript"
    if _HTML_START.match(start) or len(_HTML_TAG.findall(text)) > 1:
        return "HTML"
    if _FRONT_MATTER.match(start) or _UNDERLINE.match(start) or _MARKDOWN.search(text):
        return "Markdown"
    return "CSV" if any(_is_csv(start, delimiter) for delimiter in _DELIMITERS) else None


def is_markdown(name: str, text: str) -> bool:
    """Whether a file is Markdown by its name or content."""
    return detect_markup(name, text) == "Markdown"


def _is_csv(text: str, delimiter: str) -> bool:
    """Whether the text is a table: a first row of short column names, and rows of as many cells."""
    lines = (line for line in text.splitlines() if line.strip())
    try:
        rows = list(itertools.islice(csv.reader(lines, delimiter=delimiter, strict=True), _MAX_CSV_ROWS))
    except csv.Error:
        return False
    if len(rows) < 2 or len(rows[0]) < 2:
        return False
    names = rows[0]
    return all(
        0 < len(name) <= 60 and name == name.strip() and not name[0].isdigit() for name in names
    ) and all(len(row) == len(names) for row in rows)
