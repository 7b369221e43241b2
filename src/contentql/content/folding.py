"""Folding of text for comparisons that ignore case, accents and invisible characters.

The same steps are a Python function and, for PostgreSQL, an SQL function: decompose (NFKD), remove marks that
are no letters, lower case, replace Latin letters that have no decomposition, compose (NFC).
"""

from __future__ import annotations

import re
import unicodedata
from functools import lru_cache

from anyascii import anyascii

# Soft hyphen, joiners, direction marks, variation selectors: Default_Ignorable_Code_Point of Unicode.
IGNORABLE = (
    r"\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b-\u200f\u202a-\u202e\u2060-\u206f\u3164"
    r"\ufe00-\ufe0f\ufeff\uffa0\U000e0000-\U000e0fff"
)
# Accents, points of Hebrew, vowel marks of Arabic and its tatweel. Marks of other scripts are letters: vowels
# of Devanagari, tones of Thai, the voicing of kana.
_MARKS = (
    r"\u1ab0-\u1aff\u1dc0-\u1dff\u20d0-\u20f0\ufe20-\ufe2f"
    r"\u0591-\u05bd\u05bf\u05c1\u05c2\u05c4\u05c5\u05c7"
    r"\u0610-\u061a\u0640\u064b-\u0652\u0656-\u065f\u0670\u06d6-\u06dc\u06df-\u06e8\u06ea-\u06ed"
)
# Cyrillic letters keep their marks (й, ї, ѓ), except the stress and the dots of ё. The pattern has the same
# meaning in Python and PostgreSQL.
REMOVED = (
    rf"[{IGNORABLE}{_MARKS}]|(?<![\u0400-\u052f])[\u0300-\u036f]"
    r"|(?<=[аеиоуыэюяіАЕИОУЫЭЮЯІ])[\u0300\u0301]|(?<=[еЕ])\u0308|(?<=\u0627)[\u0653-\u0655]"
)
_REMOVED = re.compile(REMOVED)
_LATIN_BLOCKS = (
    (0xDF, 0x2AF), (0x1D00, 0x1DBF), (0x1E00, 0x1EFF), (0x2C60, 0x2C7F), (0xA720, 0xA7FF), (0xAB30, 0xAB6F),
)  # fmt: skip


def _letters() -> dict[str, str]:
    """Lower-case letters without decomposition, with what replaces them.

    Latin letters become ASCII, by CLDR's Latin-ASCII. The final sigma and the Persian forms of yeh and kaf
    are forms of other letters.
    """
    letters = {"ς": "σ", "ی": "ي", "ى": "ي", "ک": "ك"}
    for first, last in _LATIN_BLOCKS:
        for letter in map(chr, range(first, last + 1)):
            if not unicodedata.name(letter, "").startswith("LATIN") or letter != letter.lower():
                continue
            if unicodedata.normalize("NFKD", letter) == letter:
                ascii_letters = re.sub("[^a-z]", "", anyascii(letter).lower())
                if ascii_letters:
                    letters[letter] = ascii_letters
    return {**letters, "ŋ": "n"}


LETTERS = _letters()
_TABLE = str.maketrans(LETTERS)


def fold_text(text: str) -> str:
    """Folds case, accents and invisible characters: "São Paulo" and "SAO PAULO" become "sao paulo".

    Letters stay distinct where a mark makes another letter: `ข่าว` and `ข้าว`, `パリ` and `バリ`.
    """
    if text.isascii():
        return text.lower()
    plain = _REMOVED.sub("", unicodedata.normalize("NFKD", text)).lower().translate(_TABLE)
    return unicodedata.normalize("NFC", plain)


@lru_cache(maxsize=50_000)
def fold_word(word: str) -> str:
    return fold_text(word)


def postgres_fold_function(collation: str) -> str:
    """Returns the statement that creates `fold_text(text)` in PostgreSQL, for a database in UTF-8.

    `collation` is one whose `lower` knows all letters.
    """
    single = {letter: plain for letter, plain in LETTERS.items() if len(plain) == 1}
    body = f"translate(y, '{''.join(single)}', '{''.join(single.values())}')"
    for letter, plain in LETTERS.items():
        if len(plain) > 1:
            body = f"replace({body}, '{letter}', '{plain}')"
    return f"""CREATE OR REPLACE FUNCTION fold_text(x text) RETURNS text
LANGUAGE plpgsql IMMUTABLE STRICT PARALLEL SAFE AS $fold$
DECLARE y text;
BEGIN
  IF octet_length(x) = char_length(x) THEN RETURN lower(x COLLATE "C"); END IF;
  y := regexp_replace(normalize(x, NFKD) COLLATE "C", '{REMOVED}', '', 'g');
  y := lower(y COLLATE "{collation}");
  IF y COLLATE "C" ~ '[{"".join(LETTERS)}]' THEN
    y := {body};
  END IF;
  RETURN normalize(y, NFC);
END $fold$"""
