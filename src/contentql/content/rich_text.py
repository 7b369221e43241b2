"""Rich text: a text with marks on ranges of it, in every place of a body where text stands.

In Python, marks are ranges of code points. In JSON, a marked text also has `runs`: consecutive pieces of the
text, each with its marks, which clients in any language can render without offsets. ADR 0014 compares this
model with others.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import pairwise
from typing import Annotated, Any, Final, Literal, TypeAlias, get_args

from pydantic import (
    AfterValidator,
    AliasChoices,
    Field,
    SerializationInfo,
    SerializerFunctionWrapHandler,
    TypeAdapter,
    ValidationError,
    ValidationInfo,
    model_serializer,
    model_validator,
)

from contentql.content import ids
from contentql.content.enums import TextMark
from contentql.content.field_types import MAX_ITEMS, Language, Link, Text, at_most, is_input
from contentql.content.frozen_model import FrozenModel

MarkKind: TypeAlias = Literal["strong", "em", "strike", "code", "sub", "sup", "link", "language", "mention"]

# Marks with a value: the target of a link, a language tag, the id of what is mentioned.
VALUE_KINDS: Final[Mapping[MarkKind, str]] = {"link": "href", "language": "language", "mention": "mention"}
MENTIONED_TABLES: Final = ("tag", "author", "source", "article", "story")

_KINDS: Final[Sequence[MarkKind]] = get_args(MarkKind)


def require_mention(value: str, info: ValidationInfo) -> str:
    """Returns the id of an object that a text can mention. Raises ValueError for other input."""
    if is_input(info) and (ids.decode_id(value) or ("", 0))[0] not in MENTIONED_TABLES:
        *others, last = (ids.encode_id(table, 1) for table in MENTIONED_TABLES)
        raise ValueError(f"a mention must be an id such as {', '.join(others)} or {last}")
    return value


Mention: TypeAlias = Annotated[str, AfterValidator(require_mention)]
_VALUES: Final[Mapping[str, TypeAdapter[str]]] = {
    "link": TypeAdapter(Link),
    "language": TypeAdapter(Language),
    "mention": TypeAdapter(Mention),
}


class Mark(FrozenModel):
    """A mark on a range of text, in code points; `end` is exclusive. `value`: see `VALUE_KINDS`."""

    start: Annotated[int, Field(ge=0)]
    end: int
    kind: MarkKind
    value: str | None = Field(default=None, validation_alias=AliasChoices("value", "href"))

    @model_validator(mode="after")
    def _has_valid_value(self, info: ValidationInfo) -> Mark:
        if self.kind not in VALUE_KINDS:
            object.__setattr__(self, "value", None)
        if not is_input(info) or self.kind not in VALUE_KINDS:
            return self
        if self.value is None:
            if self.kind == "mention":  # marks of earlier versions name nothing
                return self
            raise ValueError(f"a {self.kind} must have a value")
        try:
            object.__setattr__(self, "value", _VALUES[self.kind].validate_python(self.value))
        except ValidationError as exc:
            raise ValueError(exc.errors()[0]["msg"].removeprefix("Value error, ")) from None
        return self


class TextRun(FrozenModel):
    """A piece of a text whose characters all have the same marks."""

    text: Text
    marks: Annotated[tuple[TextMark, ...], at_most(len(TextMark) * 2, "marks")] = ()
    href: Link | None = None
    language: Language | None = None
    mention: Mention | None = None


Marks: TypeAlias = Annotated[tuple[Mark, ...], at_most(MAX_ITEMS, "marks")]
Runs: TypeAlias = Annotated[tuple[TextRun, ...], at_most(2 * MAX_ITEMS + 1, "runs")]


class RichTextModel(FrozenModel):
    """Base of models with one rich text, which input may give as a plain string, as text or as runs.

    `runs` are converted into `text` and `marks`, and are None afterwards.
    """

    text: Text
    marks: Marks = ()
    runs: Runs | None = Field(default=None, repr=False)

    @model_validator(mode="before")
    @classmethod
    def _text_of_runs(cls, value: Any, info: ValidationInfo) -> Any:
        return fill_text(value, "text", "runs", info) if not isinstance(value, str) else {"text": value}

    @model_validator(mode="after")
    def _set_marks(self, info: ValidationInfo) -> RichTextModel:
        set_marks(self, "text", "marks", "runs", info)
        return self

    @model_serializer(mode="wrap")
    def _serialize(self, handler: SerializerFunctionWrapHandler, info: SerializationInfo) -> dict[str, Any]:
        return write_runs(handler(self), self.text, self.marks, info)


def fill_text(value: Any, text: str, runs: str, info: ValidationInfo) -> Any:
    """The value of a model with the text that its runs have. Raises ValueError if it has another text."""
    if not isinstance(value, dict) or value.get(runs) is None:
        return value
    pieces: list[Any] = (
        [run.get("text") for run in value[runs] if isinstance(run, dict)] if _is_list(value[runs]) else []
    )
    if not all(isinstance(piece, str) for piece in pieces):
        return {text: "", **value}  # the type of the runs is invalid, which their own validation reports
    joined = "".join(pieces)
    if value.get(text) not in (None, joined):
        if is_input(info):
            raise ValueError(f"{text} must be the text of the runs; send only one of the two")
        return {**value, runs: None}
    return {**value, text: joined}


def set_marks(model: FrozenModel, text: str, marks: str, runs: str, info: ValidationInfo) -> None:
    """Replaces the runs of a new model by marks, in their normal form. Raises ValueError for invalid ones."""
    pieces: Sequence[TextRun] | None = getattr(model, runs)
    values = marks_of_runs(pieces) if pieces is not None else getattr(model, marks)
    if values:
        if any(not mark.start < mark.end <= len(getattr(model, text) or "") for mark in values):
            raise ValueError("a mark must lie within the text")
        object.__setattr__(model, marks, normal_marks(values, strict=is_input(info)))
    object.__setattr__(model, runs, None)


def write_runs(
    values: dict[str, Any],
    text: str | None,
    marks: Sequence[Mark],
    info: SerializationInfo,
    name: str = "runs",
    marks_name: str = "marks",
) -> dict[str, Any]:
    """The serialized values of a model with runs in place of marks; null without marks."""
    values.pop(marks_name, None)
    values.pop(name, None)
    if marks and text is not None:
        values[name] = [
            {
                "text": run.text,
                "marks": [str(mark.value) for mark in run.marks],
                "href": run.href,
                "language": run.language,
                "mention": run.mention,
            }
            for run in runs_of_marks(text, marks)
        ]
    elif not info.exclude_defaults:
        # A text without marks is its own only run, which has no marks.
        values[name] = None
        if name == "runs":
            values[marks_name] = []
    return values


def is_valid_value(kind: MarkKind, value: str) -> bool:
    """Whether input may have a mark with this value."""
    try:
        _VALUES[kind].validate_python(value)
    except ValidationError:
        return False
    return True


def normal_marks(marks: Iterable[Mark], *, strict: bool = True) -> tuple[Mark, ...]:
    """The marks in their order, those of one kind and value merged where they touch.

    Raises ValueError if two links, languages or mentions overlap; with `strict` false the later one begins
    where the earlier one ends.
    """
    results: list[Mark] = []
    by_kind: dict[str, list[Mark]] = {}
    for mark in marks:
        if mark.value is not None or mark.kind not in VALUE_KINDS:
            by_kind.setdefault(mark.kind, []).append(mark)
    for kind, group in by_kind.items():
        merged: list[Mark] = []
        for mark in sorted(group, key=lambda one: (one.start, one.end)):
            last = merged[-1] if merged else None
            if last is None or mark.start > last.end:
                merged.append(mark)
            elif mark.value == last.value:
                merged[-1] = last.model_copy(update={"end": max(last.end, mark.end)})
            elif mark.start == last.end:
                merged.append(mark)
            elif strict:
                raise ValueError(f"{kind}s must not overlap")
            elif mark.end > last.end:
                merged.append(mark.model_copy(update={"start": last.end}))
        results += merged
    return tuple(sorted(results, key=lambda one: (one.start, one.end, _KINDS.index(one.kind))))


def runs_of_marks(text: str, marks: Sequence[Mark]) -> Iterator[TextRun]:
    """The pieces of a text between the boundaries of its marks, which are in their normal form."""
    cuts = sorted({0, len(text), *(place for mark in marks for place in (mark.start, mark.end))})
    begins: dict[int, list[Mark]] = {}
    ends: dict[int, list[Mark]] = {}
    for mark in marks:
        begins.setdefault(mark.start, []).append(mark)
        ends.setdefault(mark.end, []).append(mark)
    current: dict[MarkKind, str | None] = {}
    for start, end in pairwise(cuts):
        for mark in ends.get(start, ()):
            current.pop(mark.kind, None)
        current |= {mark.kind: mark.value for mark in begins.get(start, ())}
        yield TextRun.model_construct(
            text=text[start:end],
            marks=tuple(
                TextMark(kind.upper()) for kind in _KINDS if kind in current and kind not in VALUE_KINDS
            ),
            href=current.get("link"),
            language=current.get("language"),
            mention=current.get("mention"),
        )


def marks_of_runs(runs: Iterable[TextRun]) -> tuple[Mark, ...]:
    """The marks of consecutive pieces of a text."""
    marks: list[Mark] = []
    start = 0
    for run in runs:
        end = start + len(run.text)
        values = {mark.value.lower(): None for mark in run.marks}
        values |= {
            kind: getattr(run, name) for kind, name in VALUE_KINDS.items() if getattr(run, name) is not None
        }
        if start < end:
            marks += [
                Mark.model_construct(start=start, end=end, kind=kind, value=value)
                for kind, value in values.items()
            ]
        start = end
    return normal_marks(marks)


def _is_list(value: Any) -> bool:
    return isinstance(value, list | tuple)
