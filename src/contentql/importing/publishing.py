"""Publishing requirements of imported articles, named by the fields and options of an import."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from contentql.content.enums import Status
from contentql.content.records import ArticleRecord
from contentql.editorial.publishing_checks import missing_requirements

# Fields of a record, and options of the command, that provide a missing value.
_ORIGINS: Final[Mapping[str, str]] = {
    "category": "category, or --category",
    "blocks": "blocks",
}


class RecordRejected(Exception):
    """A record that cannot be stored; its text is one sentence for the report, without a full stop."""


class ImportConflict(Exception):
    """A record that would overwrite a change of the desk; its text is one sentence for the report."""


def require_publishable(record: ArticleRecord) -> None:
    """Raises RecordRejected if the record is to be public and lacks what a public article must have."""
    missing = _missing_fields(record)
    if missing and record.status in (Status.PUBLISHED, Status.SCHEDULED):
        fields = " and ".join(f"a {field}" for field in missing)
        raise RecordRejected(f"the article cannot be published without {fields}")


def describe_draft(record: ArticleRecord) -> str:
    """Note on an article that is imported as a draft, with what it lacks for publishing; else empty."""
    if record.status is not Status.DRAFT:
        return ""
    missing = " and ".join(f"no {field}" for field in _missing_fields(record))
    return f"the article is a draft and not public{': it has ' if missing else ''}{missing}"


def _missing_fields(record: ArticleRecord) -> list[str]:
    # A mutation sets the date itself; an import needs it from the record or the command line.
    date = [] if record.published_at else ["date (publishedAt, or --publish-at)"]
    fields = [
        f"{missing.noun} ({_ORIGINS.get(missing.field, missing.input_field)})"
        for missing in missing_requirements(record)
    ]
    return [*date, *fields]
