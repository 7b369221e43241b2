"""Words of texts: those of plain Latin letters are found by a faster pattern, and are the same."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from contentql.content.search_terms import search_terms, split_words

LATIN = st.text(st.sampled_from("aZéßŻıİȘž09_-' .,\n«»“’–…€·\xa0@#/(") | st.characters(max_codepoint=0x24F))
OTHER = "東"  # a text with this character is split by the pattern for all scripts


@given(LATIN)
def test_words_do_not_depend_on_the_pattern(text: str) -> None:
    assert split_words(text) == split_words(f"{text} {OTHER}")[:-1]


@given(LATIN, st.sampled_from(["en", "de-CH", "tr", "und"]))
def test_terms_do_not_depend_on_the_pattern(text: str, language: str) -> None:
    alone = search_terms(text, [text, None], text, language)
    mixed = search_terms(f"{text} {OTHER}", [f"{text} {OTHER}"], f"{text} {OTHER}", language)
    others = {OTHER, f"{alone.language}/{OTHER}"}
    for part in ("headline", "summary", "body"):
        terms = [term for term in getattr(mixed, part) if term not in others]
        assert list(getattr(alone, part)) == terms


def test_every_letter_is_found_by_both_patterns() -> None:
    for letter in map(chr, range(0x20, 0x2100)):
        text = f"a{letter}b c{letter} {letter}d"
        assert split_words(text) == split_words(f"{text} {OTHER}")[:-1], hex(ord(letter))
