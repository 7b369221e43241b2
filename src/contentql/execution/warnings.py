"""Warnings of a response, in `extensions.warnings`: sections that do not exist."""

from __future__ import annotations

from collections.abc import Sequence
from difflib import SequenceMatcher
from typing import Any, Final

import orjson

from contentql.content.slugs import normalize_slug
from contentql.planner.plan import Plan
from contentql.planner.variables import Variables

_SIMILARITY: Final = 0.6  # of two texts, from 0 to 1, from which one is suggested for the other
_MAX_LENGTH: Final = 200  # characters of a path for which a suggestion is searched


def section_warnings(plan: Plan, columns: Sequence[bytes], variables: Variables) -> list[dict[str, Any]]:
    """Returns a warning for every list of a section that does not exist.

    `columns` has one JSON value for each section of the plan: null, or the paths of the sections that may be
    suggested if there is no such section.
    """
    warnings = []
    for requested, column in zip(plan.sections, columns, strict=True):
        paths = orjson.loads(column)
        if paths is None:
            continue
        section = str(requested.section.value(variables))
        suggestion = _nearest(normalize_slug(section), paths)
        warning: dict[str, Any] = {
            "code": "UNKNOWN_SECTION",
            "message": f'There is no section "{_short(section)}".',
            "path": requested.path,
        }
        if suggestion is not None:
            warning["message"] += f' Did you mean "{suggestion}"?'
            warning["suggestion"] = suggestion
        warnings.append(warning)
    return warnings


def _nearest(section: str, paths: Sequence[str]) -> str | None:
    """Returns the path that is most similar to a text, as a whole or in its last part."""
    if len(section) > _MAX_LENGTH:
        return None
    matcher = SequenceMatcher(b=section.strip("/").casefold(), autojunk=False)
    best, suggestion = _SIMILARITY, None
    for path in paths:
        for text in dict.fromkeys((path, path.rpartition("/")[2])):
            matcher.set_seq1(text.casefold())
            if matcher.real_quick_ratio() >= best and matcher.quick_ratio() >= best:
                ratio = matcher.ratio()
                if ratio > best:
                    best, suggestion = ratio, path
    return suggestion


def _short(text: str) -> str:
    return text if len(text) <= 80 else text[:79] + "…"
