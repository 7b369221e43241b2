"""Text in XML 1.0: escaped, without the characters that no XML document may have."""

from __future__ import annotations

import re
from typing import Final
from xml.sax.saxutils import escape, quoteattr

XML_DECLARATION: Final = '<?xml version="1.0" encoding="UTF-8"?>\n'
# Production 2 of XML 1.0; U+0085 and the other C1 controls are allowed, but discouraged and never text.
_FORBIDDEN: Final = re.compile("[^\t\n\r\x20-\x7e\xa0-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def clean_text(text: str) -> str:
    """The text without characters that XML does not allow."""
    return _FORBIDDEN.sub("", text)


def element(name: str, text: object, **attributes: object) -> str:
    """An element with text; "" if the text is empty. `_` in the name of an attribute stands for `:`."""
    value = clean_text(str(text if text is not None else ""))
    # A bare carriage return would be read as a line feed.
    content = escape(value, {"\r": "&#13;"})
    return f"<{name}{_attributes(attributes)}>{content}</{name}>" if value else ""


def empty_element(name: str, **attributes: object) -> str:
    """An element without content. Attributes that are None or "" are left out."""
    return f"<{name}{_attributes(attributes)}/>"


def open_tag(name: str, **attributes: object) -> str:
    return f"<{name}{_attributes(attributes)}>"


def cdata(name: str, text: str) -> str:
    """An element with its text in a CDATA section; "" if the text is empty."""
    safe = clean_text(text).replace("]]>", "]]]]><![CDATA[>")
    return f"<{name}><![CDATA[{safe}]]></{name}>" if safe else ""


def _attributes(values: dict[str, object]) -> str:
    return "".join(
        f" {name.replace('_', ':', 1)}={quoteattr(clean_text(str(value)))}"
        for name, value in values.items()
        if value not in (None, "")
    )
