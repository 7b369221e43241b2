"""Front matter of Markdown files: YAML, TOML or JSON, as plain values.

YAML is read so that what an editor typed stays as it is: `no` is a word, `007` and `1.10` are texts, a date
is a text. Tags of YAML are refused, and so are references to lists and objects, which can grow without bound.
"""

from __future__ import annotations

import datetime as dt
import json
import re
import tomllib
from collections import Counter
from collections.abc import Callable
from typing import Any, Final, NamedTuple

import yaml

from contentql.content.records import FormatError

MAX_FRONT_MATTER: Final = 1 << 18  # characters
MAX_DEPTH: Final = 20

_YAML: Final = re.compile(r"---[ \t]*(?:yaml)?[ \t]*\n(?P<text>(?:.*\n)*?)(?:---|\.\.\.)[ \t]*(?:\n|\Z)")
_TOML: Final = re.compile(
    r"(?:\+\+\+|---[ \t]*toml)[ \t]*\n(?P<text>(?:.*\n)*?)(?:\+\+\+|---)[ \t]*(?:\n|\Z)"
)
_JSON: Final = re.compile(r"(?:;;;|---[ \t]*json)[ \t]*\n(?P<text>(?:.*\n)*?)(?:;;;|---)[ \t]*(?:\n|\Z)")
_TAB: Final = re.compile(r"^(?P<blanks>[ ]*\t[ \t]*)", re.MULTILINE)


class FrontMatter(NamedTuple):
    """The values, the text below them, the number of lines above that, and what was changed to read them."""

    values: dict[str, Any]
    body: str
    lines: int = 0
    changes: tuple[str, ...] = ()


def split_front_matter(text: str) -> FrontMatter:
    """Splits a file, with newlines as line ends. Raises FormatError if its front matter cannot be read."""
    for pattern, parse in ((_YAML, _parse_yaml), (_TOML, _parse_toml), (_JSON, _parse_json)):
        if match := pattern.match(text):
            return _split(text, match["text"], match.end(), parse)
    if text.startswith("{"):
        return _split_json(text)
    return FrontMatter({}, text)


def has_front_matter(text: str) -> bool:
    """Whether a text begins with front matter, or with the beginning of some that is cut off."""
    if any(pattern.match(text) for pattern in (_YAML, _TOML, _JSON)):
        return True
    return re.match(r"(?:---|\+\+\+)[ \t]*\n[\w\"'-]+[ \t]*[:=]", text) is not None


def _split(text: str, source: str, end: int, parse: Callable[[str], tuple[Any, list[str]]]) -> FrontMatter:
    if len(source) > MAX_FRONT_MATTER:
        raise FormatError(f"the front matter is larger than {MAX_FRONT_MATTER >> 10} KiB")
    values, changes = parse(source)
    if values is None:
        values = {}
    if not isinstance(values, dict):
        # Lines above and within the text.
        return FrontMatter({}, text)
    return FrontMatter(_plain(values), text[end:], text.count("\n", 0, end), tuple(changes))


def _split_json(text: str) -> FrontMatter:
    try:
        values, end = json.JSONDecoder(strict=False).raw_decode(text[:MAX_FRONT_MATTER])
    except (ValueError, RecursionError):
        return FrontMatter({}, text)
    return FrontMatter(_plain(values), text[end:].lstrip("\n"), text.count("\n", 0, end))


def _plain(value: Any, depth: int = 0) -> Any:
    """JSON values, with times in ISO 8601."""
    if depth > MAX_DEPTH:
        raise FormatError(f"the front matter is nested more than {MAX_DEPTH} levels deep")
    if isinstance(value, dict):
        return {str(name): _plain(part, depth + 1) for name, part in value.items()}
    if isinstance(value, list):
        return [_plain(part, depth + 1) for part in value]
    if isinstance(value, dt.datetime | dt.date | dt.time):
        return value.isoformat()
    if isinstance(value, int) and not isinstance(value, bool) and abs(value) >= 1 << 53:
        return str(value)
    return value if isinstance(value, str | int | float | bool) or value is None else str(value)


def _parse_toml(text: str) -> tuple[Any, list[str]]:
    try:
        return tomllib.loads(text, parse_float=str), []
    except (tomllib.TOMLDecodeError, RecursionError, ValueError) as exc:
        raise FormatError(f"the front matter is not valid TOML: {str(exc)[:200]}") from None


def _parse_json(text: str) -> tuple[Any, list[str]]:
    try:
        return json.loads(text, strict=False), []
    except (ValueError, RecursionError) as exc:
        raise FormatError(f"the front matter is not valid JSON: {str(exc)[:200]}") from None


def _parse_yaml(text: str) -> tuple[Any, list[str]]:
    changes: list[str] = []
    if _TAB.search(text):
        text = _TAB.sub(lambda match: match["blanks"].expandtabs(2), text)
        changes.append("tabs at the beginning of lines of the front matter became spaces")
    loader = _Loader(text)
    try:
        values = loader.get_single_data()
    except yaml.MarkedYAMLError as exc:
        line = f" (line {exc.problem_mark.line + 2})" if exc.problem_mark else ""
        hint = ": put values with a colon or a quote into quotes" if "mapping" in str(exc.problem) else ""
        raise FormatError(f"the front matter is not valid YAML: {exc.problem}{line}{hint}") from None
    except (yaml.YAMLError, RecursionError, ValueError) as exc:
        raise FormatError(f"the front matter is not valid YAML: {str(exc)[:200]}") from None
    finally:
        loader.dispose()
    changes += [f"the front matter has {name!r} twice, the last one was read" for name in loader.repeated]
    return values, changes


class _Loader(yaml.SafeLoader):  # type: ignore[misc]
    """Loader of plain values."""

    yaml_implicit_resolvers: dict[str, Any] = {}  # noqa: RUF012

    def __init__(self, text: str) -> None:
        super().__init__(text)
        self.repeated: list[str] = []
        self._depth = 0

    def compose_node(self, parent: Any, index: Any) -> Any:
        event = self.peek_event()
        if isinstance(event, yaml.AliasEvent):
            node = self.anchors.get(event.anchor)
            if node is not None and not isinstance(node, yaml.ScalarNode):
                message = f"it refers to the list or object {event.anchor[:50]!r}; write its values out"
                raise yaml.composer.ComposerError(None, None, message, event.start_mark)
        self._depth += 1
        if self._depth > MAX_DEPTH:
            message = f"it is nested more than {MAX_DEPTH} levels deep"
            raise yaml.composer.ComposerError(None, None, message, event.start_mark)
        node = super().compose_node(parent, index)
        self._depth -= 1
        return node

    def construct_mapping(self, node: Any, deep: bool = False) -> Any:
        names = Counter(key.value for key, _ in node.value if isinstance(key, yaml.ScalarNode))
        self.repeated += [str(name)[:50] for name, count in names.items() if count > 1][:10]
        return super().construct_mapping(node, deep)


_RESOLVERS: Final = {
    "bool": ("true|True|TRUE|false|False|FALSE", "tTfF"),
    "null": ("~|null|Null|NULL|", "~nN"),
    "int": ("-?(?:0|[1-9][0-9]{0,15})", "-0123456789"),
}
for _kind, (_pattern, _first) in _RESOLVERS.items():
    _characters = [*_first, ""] if _kind == "null" else list(_first)
    _Loader.add_implicit_resolver(f"tag:yaml.org,2002:{_kind}", re.compile(f"^(?:{_pattern})$"), _characters)
