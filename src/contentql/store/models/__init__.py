"""Tortoise models of all tables, by subject.

The first line of a model's docstring is also its table's description in the migrations. It must not contain a
semicolon, because Tortoise splits the SQL of a migration there.
"""

from __future__ import annotations

from collections.abc import Iterator
from importlib import import_module
from typing import Final

from tortoise.models import Model

MODEL_MODULES: Final = (
    "contentql.store.models.taxonomy",
    "contentql.store.models.articles",
    "contentql.store.models.attributions",
    "contentql.store.models.live_entries",
    "contentql.store.models.collections",
    "contentql.store.models.redirects",
    "contentql.store.models.documents",
    "contentql.store.models.history",
    "contentql.store.models.accounts",
    "contentql.store.models.webhooks",
)
CONTENT_MODULES: Final = MODEL_MODULES[:6]


def models_of(modules: tuple[str, ...] = MODEL_MODULES) -> Iterator[type[Model]]:
    """The model classes defined in these modules, in the order of definition."""
    for name in modules:
        for value in vars(import_module(name)).values():
            if isinstance(value, type) and issubclass(value, Model) and value.__module__ == name:
                yield value
