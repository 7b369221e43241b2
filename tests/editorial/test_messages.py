"""Static checks of the sentences of user errors, over the source of every call that makes one."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

import contentql
from contentql.content.enums import AttributionState, Status

SOURCE = Path(contentql.__file__).parent
PACKAGES = ("editorial", "execution")
VALUE = "\N{WHITE SQUARE}"  # stands for an interpolated value
# What a message states by itself, so that it needs no hint.
RULE = re.compile(r"\b(must|cannot|required|at most|has no|already|belongs to|wrong format|does not)\b")
VAGUE_SUBJECT = re.compile(r"(?:^|[.;:] )(?:It|That|This|Those|These|They|Something|Somebody|Nobody)\b")
HOME_WORDS = re.compile(r"\b(told|says?|said|asked|somebody|nobody|whoever|amiss|gone|stands?|lies?)\b", re.I)
STATUS_NAMES = re.compile(rf"\b({'|'.join([*Status.__members__, *AttributionState.__members__])})\b")
# Before the value of an enum: the noun that makes the value a name and not an adjective.
NAMED_VALUE = re.compile(r"\b(role|permission|type|tag|in) $|^$|, $")


@dataclass(frozen=True)
class Sentence:
    """Message or hint of a call that makes a user error; enum values in it with the text before them."""

    location: str
    message: str | None
    hint: str | None
    before_enum_values: tuple[str, ...]


def text_of(node: ast.expr | None) -> tuple[str | None, list[str]]:
    """The text of a literal with a sign for each value, and what precedes each `.value` in it."""
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        return node.value, []
    if isinstance(node, ast.IfExp):
        return text_of(node.body)
    if isinstance(node, ast.BinOp):
        return text_of(node.left)
    if not isinstance(node, ast.JoinedStr) or not any(
        isinstance(part, ast.Constant) and any(map(str.isalpha, str(part.value))) for part in node.values
    ):
        return None, []  # the text of an exception
    text, before = "", []
    for part in node.values:
        if isinstance(part, ast.Constant):
            text += str(part.value)
        else:
            if ast.unparse(part).rstrip("}'\"").endswith(".value"):
                before.append(text)
            text += VALUE
    return text, before


def is_user_error(call: ast.Call) -> bool:
    if isinstance(call.func, ast.Attribute):
        return call.func.attr == "add" and bool(call.args) and "UserErrorCode" in ast.unparse(call.args[0])
    return isinstance(call.func, ast.Name) and call.func.id in ("user_error", "UserError")


def sentences() -> Iterator[Sentence]:
    for package in PACKAGES:
        for path in sorted((SOURCE / package).rglob("*.py")):
            if path.name == "user_errors.py":
                continue  # passes on what the others write
            for node in ast.walk(ast.parse(path.read_text())):
                if isinstance(node, ast.Call) and is_user_error(node):
                    keywords = {keyword.arg: keyword.value for keyword in node.keywords}
                    message, before = text_of(node.args[1] if len(node.args) > 1 else keywords.get("message"))
                    has_hint = len(node.args) > 3 or "hint" in keywords
                    hint_node = node.args[3] if len(node.args) > 3 else keywords.get("hint")
                    hint = (text_of(hint_node)[0] or VALUE) if has_hint else None
                    yield Sentence(f"{package}/{path.name}:{node.lineno}", message, hint, tuple(before))


SENTENCES = list(sentences())


def test_the_calls_are_found() -> None:
    """The checks below read the calls of both packages, not an empty list."""
    assert len(SENTENCES) > 60
    assert {sentence.location.partition("/")[0] for sentence in SENTENCES} == set(PACKAGES)


@pytest.mark.parametrize("sentence", SENTENCES, ids=lambda sentence: sentence.location)
def test_a_message_is_a_sentence_about_something_named(sentence: Sentence) -> None:
    """A message names its subject, uses the field's words, and no enum name as an adjective."""
    if sentence.message is None:
        return  # taken over from an exception
    first = sentence.message.split(" ")[0]
    assert first[0].isupper() or first[0] in f"'{VALUE}" or re.fullmatch(r"[a-z]+[A-Za-z]*", first)
    assert sentence.message.endswith((".", VALUE)), sentence
    for text in filter(None, (sentence.message, sentence.hint)):
        assert not VAGUE_SUBJECT.search(text), sentence
        assert not HOME_WORDS.search(text), sentence
    assert not STATUS_NAMES.search(sentence.message), sentence
    assert all(NAMED_VALUE.search(before) for before in sentence.before_enum_values), sentence


@pytest.mark.parametrize("sentence", SENTENCES, ids=lambda sentence: sentence.location)
def test_an_error_states_the_rule_or_the_next_step(sentence: Sentence) -> None:
    """Without a hint, the message itself states what the value must be."""
    assert sentence.hint is not None or sentence.message is None or RULE.search(sentence.message), sentence
