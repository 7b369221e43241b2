"""What takes longer to load than most commands take to run: the schema, and all that stands on it.

Loaded when a command asks for it, so that the others are there at once.
"""

from __future__ import annotations

import importlib

from contentql.execution.executor import Executor
from contentql.settings import Settings
from contentql.store.database import Database


def answers_of(settings: Settings, database: Database) -> Executor:
    """As `app.answers_of`."""
    answers: Executor = importlib.import_module("contentql.app").build_executor(settings, database)
    return answers


def sdl() -> str:
    """As `schema.build.sdl`."""
    text: str = importlib.import_module("contentql.schema.build").sdl()
    return text
