"""Language tags of BCP 47: validation, normal form, and ranges that match them.

The subtags and the preferred values of deprecated tags are those of the IANA registry that the package
`langcodes` contains. Its functions on whole tags are not used: they replace tags that are valid, such as `tl`
and `zh-cmn`, sort variants, accept unknown extended languages, and keep every tag that they have parsed.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import cache, lru_cache
from typing import Any, Final, cast

MAX_LANGUAGE_TAG_LENGTH: Final = 35  # RFC 5646, section 4.4.1
ANY_LANGUAGE: Final = "*"
LANGUAGE_TAG_RULE: Final = "must be a language tag such as en, de-CH or zh-Hans"


class LanguageTagError(ValueError):
    """A text is not a valid language tag; the message continues a sentence that begins with its field.

    `hint` is a sentence, or None.
    """

    def __init__(self, reason: str, hint: str | None = None) -> None:
        super().__init__(f"{LANGUAGE_TAG_RULE}; {reason}")
        self.hint = hint


@dataclass(frozen=True)
class LanguageTag:
    """A language tag in its normal form; `is_replaced`: more than upper and lower case has changed."""

    text: str
    is_replaced: bool


@dataclass(frozen=True)
class _Registry:
    """The IANA registry: names as registered by type and lower case, and preferred values by both."""

    names: Mapping[str, Mapping[str, str]]
    preferred: Mapping[str, Mapping[str, str]]
    prefixes: Mapping[str, str]  # languages that extended languages belong to
    languages: Mapping[str, str]  # by their English names in lower case
    overlong: Mapping[str, str]  # codes of ISO 639 for languages with a shorter one
    territories: Mapping[str, str]  # codes that are no subtags, such as UK


@lru_cache(maxsize=1_000)
def parse_language_tag(text: str) -> LanguageTag:
    """Validates a language tag and returns its normal form: `zh-Hans-CN` of `zh-hans-cn`, `he` of `iw`.

    A deprecated tag or subtag gets its preferred value, and so do codes that stand for a language or region
    but are no subtags (`deu`, `UK`); an underscore becomes a hyphen. Raises LanguageTagError.
    """
    if len(text) > MAX_LANGUAGE_TAG_LENGTH:
        raise LanguageTagError(f"it has at most {MAX_LANGUAGE_TAG_LENGTH} characters")
    tag = _normalized(text)
    if len(tag) > MAX_LANGUAGE_TAG_LENGTH:
        raise LanguageTagError(f"it has at most {MAX_LANGUAGE_TAG_LENGTH} characters")
    return LanguageTag(tag, tag.lower() != text.lower())


def normalize_language_tag(text: str) -> str:
    """The normal form of a language tag. Raises LanguageTagError."""
    return parse_language_tag(text).text


def normal_form(text: str) -> str:
    """The normal form of a language tag; an invalid one, as earlier versions stored, is returned as it is."""
    try:
        return parse_language_tag(text).text
    except LanguageTagError:
        return text


def parse_language_range(text: str) -> str:
    """The normal form of a basic language range of RFC 4647: a language tag, or `*` for any language.

    Raises LanguageTagError.
    """
    return text if text == ANY_LANGUAGE else normalize_language_tag(text)


def tag_spellings(tag: str) -> tuple[str, ...]:
    """Other texts that have this normal form: in lower and upper case, and deprecated languages."""
    old = [name for name, new in _registry().preferred["language"].items() if new == tag]
    return tag.lower(), tag.upper(), *old


def replacement_message(text: str, tag: str) -> str:
    """The warning that a language tag was stored in another form."""
    return f"the language tag {text!r} was replaced by its preferred form {tag!r}"


def _normalized(text: str) -> str:
    # Imported on first use, since it takes 40 ms.
    from langcodes import tag_parser

    registry, parse_tag = _registry(), cast(Callable[[str], list[tuple[str, str]]], tag_parser.parse_tag)
    try:
        parts = parse_tag(text)
    except ValueError:
        raise LanguageTagError(f"{text!r} is not one", _name_hint(text)) from None
    if parts[0][0] == "grandfathered":
        return _preferred("tag", parts[0][1])
    language, *rest = parts
    if language[1].startswith("x-"):  # a private tag
        return language[1]
    code = language[1]
    if code not in registry.names["language"]:
        code = registry.overlong.get(code, code)
    _require_registered("language", code, text)
    code, rest = _with_extended_language(code, rest, text)
    subtags = list(_subtags(rest, text))
    extensions = sorted(value for kind, value in rest if kind == "extension")
    if len({value[0] for value in extensions}) < len(extensions):
        raise LanguageTagError(f"{text!r} has an extension twice")
    private = [value for kind, value in rest if kind == "private"]
    tag = "-".join([_preferred("language", code), *subtags, *extensions, *private])
    return _preferred("tag", tag.lower()) if tag.lower() in registry.names["tag"] else tag


def _with_extended_language(
    code: str, rest: list[tuple[str, str]], text: str
) -> tuple[str, list[tuple[str, str]]]:
    """The language, and the parts after it without an extended language, which takes its place."""
    extended = [value for kind, value in rest if kind == "extlang"]
    if not extended:
        return code, rest
    value = extended[0]
    _require_registered("extlang", value, text)
    if len(extended) > 1 or _registry().prefixes[value] != code:
        raise LanguageTagError(f"{value!r} is out of place in {text!r}")
    return _preferred("extlang", value), rest[1:]


def _subtags(rest: list[tuple[str, str]], text: str) -> Iterator[str]:
    """Script, region and variants of a tag. Raises LanguageTagError for one that is unknown or repeated."""
    registry = _registry()
    variants: set[str] = set()
    for kind, value in rest:
        if kind == "territory":
            if value.lower() not in registry.names["region"]:
                value = registry.territories.get(value.lower(), value)
            _require_registered("region", value, text)
            yield _preferred("region", value)
        elif kind in ("script", "variant"):
            _require_registered(kind, value, text)
            value = _preferred(kind, value)
            if value in variants:
                raise LanguageTagError(f"{text!r} has {value!r} twice")
            variants.add(value)
            yield value


def _require_registered(kind: str, value: str, text: str) -> None:
    if value.lower() not in _registry().names[kind]:
        noun = {"extlang": "language"}.get(kind, kind)
        there = "" if value.lower() == text.lower() else f" in {text!r}"
        raise LanguageTagError(f"{value!r}{there} is not a registered {noun}", _name_hint(text))


def _preferred(kind: str, value: str) -> str:
    registry, key = _registry(), value.lower()
    return registry.preferred[kind].get(key, registry.names[kind][key])


def _name_hint(text: str) -> str | None:
    """A hint for the English name of a language; shorter texts are hardly meant as names."""
    code = _registry().languages.get(text.lower()) if len(text) > 3 else None
    return f"The language tag of {text.title()} is {code}." if code else None


@cache
def _registry() -> _Registry:
    from langcodes import registry_parser
    from langcodes.data_dicts import LANGUAGE_REPLACEMENTS, TERRITORY_REPLACEMENTS

    kinds = ("language", "extlang", "script", "region", "variant", "tag")
    names: dict[str, dict[str, str]] = {kind: {} for kind in kinds}
    preferred: dict[str, dict[str, str]] = {kind: {} for kind in kinds}
    prefixes: dict[str, str] = {}
    languages: dict[str, str] = {}
    entries: Iterator[dict[str, Any]] = registry_parser.parse_registry()  # type: ignore[no-untyped-call]
    for entry in entries:
        kind = "tag" if "Tag" in entry else entry["Type"]
        for name in _names(entry.get("Tag") or entry["Subtag"]):
            names[kind][name.lower()] = name
            if "Preferred-Value" in entry:
                preferred[kind][name.lower()] = entry["Preferred-Value"]
        if kind == "extlang":
            prefixes[entry["Subtag"]] = entry["Prefix"][0]
        if kind == "language" and "Deprecated" not in entry:
            for description in entry["Description"]:
                languages.setdefault(description.lower(), entry["Subtag"])
    codes = names["language"]
    overlong = {
        old: new
        for old, new in LANGUAGE_REPLACEMENTS.items()
        if len(old) == 3 and old not in codes and new in codes
    }
    territories = {old: new for old, new in TERRITORY_REPLACEMENTS.items() if new.lower() in names["region"]}
    return _Registry(names, preferred, prefixes, languages, overlong, territories)


def _names(name: str) -> Iterator[str]:
    """The names of an entry: one, or all of a range such as `qaa..qtz`."""
    first, _, last = name.partition("..")
    while True:
        yield first
        if not last or first == last:
            return
        first = _successor(first)


def _successor(name: str) -> str:
    """The next name in a range: `qab` of `qaa`, `qba` of `qaz`."""
    if name[-1] not in "zZ":
        return name[:-1] + chr(ord(name[-1]) + 1)
    return _successor(name[:-1]) + ("a" if name[-1] == "z" else "A")
