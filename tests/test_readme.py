"""README says what is so: its examples answer, its tables are complete, its map names every room."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import orjson
import pytest
from graphql import parse, validate
from tests.support.graphql_client import query_data

from contentql.cli import app
from contentql.editorial.user_errors import USER_ERROR_DESCRIPTIONS
from contentql.editorial.workflow import TRANSITIONS
from contentql.errors import ERROR_CODES
from contentql.execution.executor import Executor
from contentql.schema.build import get_schema
from contentql.settings import Settings

TOP = Path(__file__).parents[1]
README = (TOP / "README.md").read_text()
EXAMPLES = re.findall(r"\*\*(\d+)\. .*?```graphql\n(.*?)```\n(?:\n```json\n(.*?)```)?", README, re.DOTALL)


def test_there_are_twelve_examples() -> None:
    """Numbered from 1 to 12."""
    assert [number for number, _, _ in EXAMPLES] == [str(n) for n in range(1, 13)]


@pytest.mark.parametrize(("number", "query", "answer"), EXAMPLES, ids=[match[0] for match in EXAMPLES])
async def test_an_example_answers_as_it_says(
    demo_executor: Executor, number: str, query: str, answer: str
) -> None:
    """Each finds something in the demo newsroom; where README shows the answer, it is that one."""
    data = await query_data(demo_executor, query)
    assert leaves(data), number
    if answer:
        assert data == orjson.loads(answer)


def leaves(value: Any) -> list[Any]:
    if isinstance(value, dict):
        return [leaf for inner in value.values() for leaf in leaves(inner)]
    if isinstance(value, list):
        return [leaf for inner in value for leaf in leaves(inner)]
    return [] if value is None else [value]


def test_every_setting_is_told_with_its_default() -> None:
    """Name, default and meaning stand in the table as in the code."""
    for name, field in Settings.model_fields.items():
        assert f"| `CONTENTQL_{name.upper()}` | `{field.default}` | {field.description} |" in README


def test_every_error_code_is_told() -> None:
    """Code, status and meaning stand in the table as in the code, and no other codes."""
    rows = re.findall(r"^\| `([A-Z_]+)` \| (\d+) \| (.*) \|$", README, re.MULTILINE)
    assert rows == [(code, str(status), meaning) for code, (status, meaning) in ERROR_CODES.items()]


def test_every_command_is_told() -> None:
    """As `contentql --help` lists them."""
    named = re.findall(r"^\| `contentql (\w+)", README, re.MULTILINE)
    names = [c.name or (c.callback.__name__ if c.callback else "") for c in app.registered_commands]
    groups = [g.name or "" for g in app.registered_groups]
    assert sorted(named) == sorted(names + groups)


def test_every_room_is_on_the_map() -> None:
    """And every floor of the import contract stands as it is kept."""
    house = README.split("## The house")[1].split("## Speed")[0]
    for room in (TOP / "src" / "contentql").iterdir():
        if room.suffix == ".py" or (room / "__init__.py").exists():
            assert re.search(rf"\b{room.stem.strip('_')}\b", house) or room.stem.startswith("__"), room.name


def test_every_move_of_the_newsdesk_is_told() -> None:
    """Mutation, from where and to where, as `editorial/workflow.py` has them."""
    rows = re.findall(r"^\| `(\w+Article)` \| ([A-Z_, ]+) \| ([A-Z_]+) \|$", README, re.MULTILINE)
    assert {name: (set(starts.split(", ")), ends) for name, starts, ends in rows} == {
        name: ({status.value for status in move.from_statuses}, move.to_status.value)
        for name, move in TRANSITIONS.items()
    }


def test_every_user_error_is_told() -> None:
    """Code and meaning, and no others."""
    table = README.split("| user error | meaning |")[1].split("\n\n")[0]
    assert re.findall(r"^\| `([A-Z_]+)` \| (.*) \|$", table, re.MULTILINE) == [
        (code.value, meaning) for code, meaning in USER_ERROR_DESCRIPTIONS.items()
    ]


def test_the_examples_of_the_newsdesk_are_sound() -> None:
    """They ask for what the schema has."""
    section = README.split("## The newsdesk")[1].split("\n## ")[0]
    documents = re.findall(r"```graphql\n(.*?)```", section, re.DOTALL)
    assert len(documents) == 2
    for document in documents:
        assert validate(get_schema()._schema, parse(document)) == []
