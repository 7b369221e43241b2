"""Custom fields of a WordPress post: what is kept of them, and what is not, such as passwords and addresses.

Invariant: values are text; serialised PHP is never unserialised.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Final

from contentql.content.warnings import WarningCode
from contentql.formats.article_builder import ArticleBuilder

MAX_VALUE: Final = 64 * 1024  # characters of one value
MAX_ALL: Final = 256 * 1024
MAX_KEYS: Final = 300

# Notes of the editor, caches, and what is read into fields.
_NOT_KEPT: Final = re.compile(
    r"_edit_(?:lock|last)|_encloseme|_pingme|_oembed_.*|_wp_old_(?:slug|date)|_thumbnail_id|_wp_trash_meta_.*"
    r"|_wp_desired_post_slug|footnotes|_wp_suggested_privacy_policy_content"
)
_SECRET: Final = re.compile(
    r"pass(?:word|wd|phrase)?(?:$|[_-])|passw|pwd|secret|token|api[_-]?key|private[_-]?key|access[_-]?key|auth(?:$|[_-](?!or))"
    r"|credential|nonce|e-?mail|phone|(?:^|[_-])ip(?:$|[_-]|addr)|user[_-]?agent|session|cookie|webhook",
    re.IGNORECASE,
)
_PERSONAL: Final = re.compile(
    r"[\w.+-]{1,64}@[\w-]{1,63}(?:\.[\w-]{1,63})+|\b(?:\d{1,3}\.){3}\d{1,3}\b|\$(?:P|2[aby]?|wp|argon2\w{0,2})\$"
)


def keep_meta(builder: ArticleBuilder, meta: Iterable[tuple[str, str]]) -> dict[str, str | list[str]]:
    """The fields that are kept, by key; several values of one key are a list. Warns of the others."""
    fields: dict[str, str | list[str]] = {}
    length = 0
    for key, value in meta:
        key, value = builder.clean(key, "extra")[:255], builder.clean(value, "extra")
        if not value or _NOT_KEPT.fullmatch(key):
            continue
        reason = ""
        if _SECRET.search(key) or _PERSONAL.search(value[:MAX_VALUE]):
            reason = "it may be a secret or personal"
        elif len(value) > MAX_VALUE or length + len(value) > MAX_ALL:
            reason = f"it has {len(value):,} characters"
        elif len(fields) >= MAX_KEYS and key not in fields:
            reason = f"the post has more than {MAX_KEYS} fields"
        if reason:
            builder.warn(WarningCode.DROPPED, f"the custom field {key!r} was left out: {reason}", "extra")
            continue
        length += len(value)
        known = fields.get(key)
        if known is None:
            fields[key] = value
        elif isinstance(known, list):
            known.append(value)
        else:
            fields[key] = [known, value]
    return fields


def first_values(meta: Iterable[tuple[str, str]]) -> Mapping[str, str]:
    """The first value of each key that is not empty."""
    values: dict[str, str] = {}
    for key, value in meta:
        if value:
            values.setdefault(key, value)
    return values
