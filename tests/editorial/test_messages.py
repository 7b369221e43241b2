"""Static checks of the messages and hints of user errors in the source code."""

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
# Words of a message that states the rule and needs no hint.
RULE = re.compile(r"\b(must|cannot|required|at most|has no|already|belongs to|wrong format|does not)\b")
VAGUE_SUBJECT = re.compile(r"(?:^|[.;:] )(?:It|That|This|Those|These|They|Something|Somebody|Nobody)\b")
NON_STANDARD_WORDS = re.compile(
    r"\b(told|says?|said|asked|somebody|nobody|whoever|amiss|gone|stands?|lies?)\b", re.I
)
STATUS_NAMES = re.compile(rf"\b({'|'.join([*Status.__members__, *AttributionState.__members__])})\b")
# Text before an enum value that makes the value a name, not an adjective.
NAMED_VALUE = re.compile(r"\b(role|permission|type|tag|in) $|^$|, $")


@dataclass(frozen=True)
class MessageCall:
    """Message and hint of a call that creates a user error, and the text before each enum value."""

    location: str
    message: str | None
    hint: str | None
    before_enum_values: tuple[str, ...]


def text_of(node: ast.expr | None) -> tuple[str | None, list[str]]:
    """The text of a literal with VALUE for each interpolation, and the text before each `.value`."""
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        return node.value, []
    if isinstance(node, ast.IfExp):
        return text_of(node.body)
    if isinstance(node, ast.BinOp):
        return text_of(node.left)
    if not isinstance(node, ast.JoinedStr) or not any(
        isinstance(part, ast.Constant) and any(map(str.isalpha, str(part.value))) for part in node.values
    ):
        return None, []  # the message of an exception
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


def message_calls() -> Iterator[MessageCall]:
    """All calls of both packages that create a user error."""
    for package in PACKAGES:
        for path in sorted((SOURCE / package).rglob("*.py")):
            if path.name == "user_errors.py":
                continue  # its messages are arguments of calls in other modules
            for node in ast.walk(ast.parse(path.read_text())):
                if isinstance(node, ast.Call) and is_user_error(node):
                    keywords = {keyword.arg: keyword.value for keyword in node.keywords}
                    message, before = text_of(node.args[1] if len(node.args) > 1 else keywords.get("message"))
                    has_hint = len(node.args) > 3 or "hint" in keywords
                    hint_node = node.args[3] if len(node.args) > 3 else keywords.get("hint")
                    hint = (text_of(hint_node)[0] or VALUE) if has_hint else None
                    yield MessageCall(f"{package}/{path.name}:{node.lineno}", message, hint, tuple(before))


MESSAGE_CALLS = list(message_calls())


def test_message_calls_are_collected_from_both_packages() -> None:
    """The list that the other tests check is not empty."""
    assert len(MESSAGE_CALLS) > 60
    assert {sentence.location.partition("/")[0] for sentence in MESSAGE_CALLS} == set(PACKAGES)


@pytest.mark.parametrize("call", MESSAGE_CALLS, ids=lambda call: call.location)
def test_messages_are_sentences_with_a_named_subject(call: MessageCall) -> None:
    """A message names its subject, and no enum name stands as an adjective."""
    if call.message is None:
        return  # the message of an exception
    first = call.message.split(" ")[0]
    assert first[0].isupper() or first[0] in f"'{VALUE}" or re.fullmatch(r"[a-z]+[A-Za-z]*", first)
    assert call.message.endswith((".", VALUE)), call
    for text in filter(None, (call.message, call.hint)):
        assert not VAGUE_SUBJECT.search(text), call
        assert not NON_STANDARD_WORDS.search(text), call
    assert not STATUS_NAMES.search(call.message), call
    assert all(NAMED_VALUE.search(before) for before in call.before_enum_values), call


@pytest.mark.parametrize("call", MESSAGE_CALLS, ids=lambda call: call.location)
def test_user_errors_have_a_hint_or_state_the_rule(call: MessageCall) -> None:
    """Without a hint, the message states what the value must be."""
    assert call.hint is not None or call.message is None or RULE.search(call.message), call
