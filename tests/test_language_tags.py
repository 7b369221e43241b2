"""Language tags: normal form, preferred values, and texts that are none."""

from __future__ import annotations

import subprocess
import sys

import pytest
from langcodes.registry_parser import parse_registry

from contentql.language_tags import (
    LanguageTagError,
    normalize_language_tag,
    parse_language_range,
    parse_language_tag,
)


@pytest.mark.parametrize(
    ("text", "tag"),
    [
        ("EN", "en"),
        ("en", "en"),
        ("de-ch", "de-CH"),
        ("zh-hans-cn", "zh-Hans-CN"),
        ("ZH-HANT", "zh-Hant"),
        ("es-419", "es-419"),
        ("de-ch-1901", "de-CH-1901"),
        ("SL-ROZAJ-BISKE", "sl-rozaj-biske"),  # variants keep their order
        ("de-DE-U-CO-phonebk", "de-DE-u-co-phonebk"),
        ("en-X-Desk", "en-x-desk"),
        ("X-Desk", "x-desk"),
        ("qtz", "qtz"),  # private use
        ("en-xk", "en-XK"),
        ("tl", "tl"),  # valid, although CLDR has `fil` instead
        ("en-Latn", "en-Latn"),
        ("I-Default", "i-default"),
        ("sh", "sh"),  # deprecated without a preferred value
    ],
)
def test_case_is_normalized_silently(text: str, tag: str) -> None:
    """A valid tag keeps its subtags; nothing was replaced."""
    result = parse_language_tag(text)
    assert (result.text, result.is_replaced) == (tag, False)


@pytest.mark.parametrize(
    ("text", "tag"),
    [
        ("iw", "he"),
        ("IW-il", "he-IL"),
        ("in", "id"),
        ("ji", "yi"),
        ("mo", "ro"),
        ("i-klingon", "tlh"),
        ("art-lojban", "jbo"),
        ("no-bok", "nb"),
        ("en-GB-oed", "en-GB-oxendict"),
        ("sgn-us", "ase"),
        ("zh-cmn-hans", "cmn-Hans"),
        ("zh-yue-hk", "yue-HK"),
        ("de-DD", "de-DE"),
        ("my-bu", "my-MM"),
        ("ja-Latn-hepburn-heploc", "ja-Latn-hepburn-alalc97"),
        ("en-b-ccc-a-bbb", "en-a-bbb-b-ccc"),
        ("deu", "de"),
        ("eng-us", "en-US"),
        ("en-UK", "en-GB"),
        ("pt_BR", "pt-BR"),
    ],
)
def test_deprecated_tags_become_their_preferred_values(text: str, tag: str) -> None:
    """Also codes that stand for a language or region, but are no subtags."""
    result = parse_language_tag(text)
    assert (result.text, result.is_replaced) == (tag, True)


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("english", "'english' is not one"),
        ("xx-", "'xx-' is not one"),
        ("e", "'e' is not one"),
        ("", "'' is not one"),
        ("-", "'-' is not one"),
        (" en", "' en' is not one"),
        ("en\n", "'en\\n' is not one"),
        ("de--CH", "'de--CH' is not one"),
        ("ar-٠٠١", "'ar-٠٠١' is not one"),
        ("en-US-US", "'en-US-US' is not one"),
        ("zh-Hans-Hant", "'zh-Hans-Hant' is not one"),
        ("en-u", "'en-u' is not one"),
        ("*", "'*' is not one"),
        ("xx", "'xx' is not a registered language"),
        ("xx-DE", "'xx' in 'xx-DE' is not a registered language"),
        ("root", "'root' is not a registered language"),
        ("de-Xyzz", "'Xyzz' in 'de-Xyzz' is not a registered script"),
        ("de-QL", "'QL' in 'de-QL' is not a registered region"),
        ("en-nonsense", "'nonsense' in 'en-nonsense' is not a registered variant"),
        ("zh-abc", "'abc' in 'zh-abc' is not a registered language"),
        ("en-yue", "'yue' is out of place in 'en-yue'"),
        ("de-1901-1901", "'de-1901-1901' has '1901' twice"),
        ("en-a-bbb-a-ccc", "'en-a-bbb-a-ccc' has an extension twice"),
        ("en-x-" + "a" * 40, "it has at most 35 characters"),
    ],
)
def test_other_texts_are_refused(text: str, reason: str) -> None:
    """The message has examples and says what is wrong."""
    with pytest.raises(LanguageTagError) as error:
        parse_language_tag(text)
    assert str(error.value) == f"must be a language tag such as en, de-CH or zh-Hans; {reason}"


def test_names_of_languages_lead_to_their_tags() -> None:
    """The hint for the English name of a language has its tag; other texts have no hint."""
    hints = {}
    for text in ("english", "German", "deutsch", "e"):
        with pytest.raises(LanguageTagError) as error:
            parse_language_tag(text)
        hints[text] = error.value.hint
    assert hints == {
        "english": "The language tag of English is en.",
        "German": "The language tag of German is de.",
        "deutsch": None,
        "e": None,
    }


def test_normal_forms_stay_as_they_are() -> None:
    """Of every registered language, region and whole tag."""
    for entry in parse_registry():  # type: ignore[no-untyped-call]
        name = entry.get("Tag") or entry["Subtag"]
        if ".." in name or entry["Type"] not in ("language", "region", "grandfathered", "redundant"):
            continue
        tag = normalize_language_tag(f"en-{name}" if entry["Type"] == "region" else name)
        result = parse_language_tag(tag)
        assert (result.text, result.is_replaced) == (tag, False)


def test_ranges_may_be_any_language() -> None:
    assert [parse_language_range(text) for text in ("*", "DE-ch")] == ["*", "de-CH"]


def test_the_registry_is_read_on_first_use_only() -> None:
    """Commands that need no language do not wait for it, and it needs no other package."""
    script = (
        "import sys, contentql.cli;"
        " assert not any(name.startswith('langcodes') for name in sys.modules);"
        " from contentql.language_tags import normalize_language_tag as normalize; normalize('en');"
        " assert 'langcodes' in sys.modules and 'language_data' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", script], check=True)
