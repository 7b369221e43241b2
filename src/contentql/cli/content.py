"""`contentql import` and `contentql export`: content in from files, and out again."""

from __future__ import annotations

from contentql.cli.common import DatabaseUrl


def import_(database: DatabaseUrl = None) -> None:
    """Take in content from files."""
    raise NotImplementedError


def export(database: DatabaseUrl = None) -> None:
    """Write all content as JSON Lines."""
    raise NotImplementedError
