"""The closed sets of the API: those of the store with words for people, and the orders of lists."""

from __future__ import annotations

from collections.abc import Mapping
from enum import Enum
from typing import Any

import strawberry

from contentql.auth.permissions import PERMISSION_DESCRIPTIONS, ROLE_DESCRIPTIONS, Permission, Role
from contentql.content import enums
from contentql.store.models.history import RevisionAction

_STORED: dict[type[Enum], tuple[str, Mapping[str, str]]] = {
    enums.ContentType: (
        "What kind of journalism an article is.",
        {
            "NEWS": "A report of what happened.",
            "ANALYSIS": "What it means.",
            "OPINION": "What the author thinks.",
            "LIVE": "A running account, entry by entry.",
            "EXPLAINER": "The background of a subject.",
            "INTERVIEW": "Questions and answers.",
            "OBITUARY": "A life that ended.",
            "REVIEW": "A work, judged.",
            "GALLERY": "Told by pictures.",
            "VIDEO": "Told by film.",
            "FACT_CHECK": "A claim, examined.",
            "SPONSORED": "Paid for by someone outside the newsroom.",
        },
    ),
    enums.Status: (
        "Where an article stands. The public sees PUBLISHED ones only.",
        {
            "DRAFT": "Being written.",
            "IN_REVIEW": "With a reviewer.",
            "APPROVED": "Reviewed, not yet out.",
            "SCHEDULED": "Will be out at `publishedAt`.",
            "PUBLISHED": "Out.",
            "WITHDRAWN": "Taken back; a notice stays.",
            "ARCHIVED": "Put away.",
            "EXPIRED": "Its time is over.",
        },
    ),
    enums.Access: (
        "Who may read the whole text.",
        {"FREE": "Everybody.", "METERED": "Everybody, a few times.", "SUBSCRIBER": "Subscribers."},
    ),
    enums.MediaKind: (
        "What a media file is.",
        {
            "IMAGE": "A picture.",
            "VIDEO": "A film.",
            "AUDIO": "A recording.",
            "DOCUMENT": "A paper, such as a PDF.",
        },
    ),
    enums.MediaRole: (
        "What a media file does in an article.",
        {"LEAD": "Opens it.", "INLINE": "Stands in the text.", "GALLERY": "Is one of a series."},
    ),
    enums.SourceKind: (
        "What a source is.",
        {
            "AGENCY": "A news agency.",
            "BROADCASTER": "Television or radio.",
            "NEWSPAPER": "A newspaper or magazine.",
            "ONLINE": "A news site.",
            "OFFICIAL": "A government or authority, or someone speaking for it.",
            "MILITARY": "Armed forces.",
            "COURT_POLICE": "A court, prosecutor or police.",
            "INTELLIGENCE": "An intelligence service.",
            "COMPANY": "A company.",
            "NGO": "A non-governmental organisation.",
            "PARTY": "A political party.",
            "ACADEMIC": "A university or researcher.",
            "DOCUMENT": "A paper: a report, a filing, a letter.",
            "DATASET": "Figures.",
            "PERSON": "A person speaking for themselves.",
            "SOCIAL_MEDIA": "An account or post.",
            "ANONYMOUS": "Someone the newsroom knows and does not name.",
            "UNSPECIFIED": "Described, not named: observers, reports.",
            "OTHER": "Anything else.",
        },
    ),
    enums.AttributionKind: (
        "How words are ascribed to a source.",
        {
            "ACCORDING_TO": "According to the source.",
            "REPORTED_BY": "Reported by the source; the one kind that may leave it unnamed.",
            "CITING": "Someone cites the source.",
            "RELEASED_BY": "The source put it out: footage, a statement, a paper.",
            "SAID": "The source said, confirmed, announced.",
            "TOLD": "The source told a medium.",
            "QUOTED": "The source's own words.",
            "DENIED": "The source denies it.",
            "SEEN_BY": "Seen by the source.",
            "PHOTO_CREDIT": "The source of a picture.",
            "DATA": "The source of figures.",
            "OTHER": "Any other way.",
        },
    ),
    enums.AttributionState: (
        "Whether an editor stands behind an attribution. The public sees ACCEPTED and EDITED ones only.",
        {
            "SUGGESTED": "Found by a rule, seen by nobody yet.",
            "ACCEPTED": "Right as it was found or entered.",
            "EDITED": "Right after an editor changed it.",
            "REJECTED": "Wrong.",
        },
    ),
    enums.Stance: (
        "What the source does with the claim.",
        {"ASSERTS": "Says it is so.", "DENIES": "Says it is not so.", "ASKS": "Asks whether it is so."},
    ),
    enums.Verification: (
        "What the newsroom found out about a claim.",
        {
            "UNVERIFIED": "Not checked.",
            "CORROBORATED": "Another source says the same.",
            "VERIFIED": "Checked and right.",
            "DISPUTED": "Contradicted.",
            "RETRACTED": "Taken back by its source.",
        },
    ),
    enums.TagType: (
        "What a tag stands for.",
        {
            "TOPIC": "A subject.",
            "PERSON": "A person.",
            "ORGANISATION": "An organisation.",
            "PLACE": "A place.",
            "EVENT": "An event.",
            "WORK": "A book, film, law or other work.",
        },
    ),
    enums.AuthorRole: (
        "What an author did for an article.",
        {
            "WRITER": "Wrote it.",
            "PHOTOGRAPHER": "Took its pictures.",
            "TRANSLATOR": "Translated it.",
            "EDITOR": "Edited it.",
        },
    ),
    enums.CorrectionKind: (
        "What a correction does.",
        {
            "CORRECTION": "Puts an error right.",
            "CLARIFICATION": "Makes clear what could be misread.",
            "UPDATE": "Adds what became known.",
            "RETRACTION": "Takes it all back.",
        },
    ),
}

_STORED |= {
    RevisionAction: (
        "What was done to an article when it was saved.",
        {
            "CREATED": "It was begun.",
            "UPDATED": "Its content was changed.",
            "SUBMITTED": "It was sent to review.",
            "RETURNED": "It was sent back to its author.",
            "APPROVED": "It passed review.",
            "SCHEDULED": "It was set to come out by itself.",
            "PUBLISHED": "It, or its changes, came out.",
            "UNPUBLISHED": "It was taken off, without a word.",
            "WITHDRAWN": "It was taken back, with a notice.",
            "CORRECTED": "A public correction was made.",
            "ARCHIVED": "It was put away.",
            "DELETED": "It was deleted.",
            "RESTORED": "It, or an earlier state of it, was brought back.",
        },
    ),
    Role: (
        "What a caller is; README has the table of what each may do.",
        {role.value: ROLE_DESCRIPTIONS[role] for role in Role},
    ),
    Permission: (
        "What a caller may do; the scopes of a token name some of these.",
        {ability.value: f"To {PERMISSION_DESCRIPTIONS[ability]}." for ability in Permission},
    ),
}

for _enum, (_description, _) in _STORED.items():
    strawberry.enum(_enum, description=_description)

ENUM_VALUE_DESCRIPTIONS: Mapping[str, Mapping[str, str]] = {
    **{enum.__name__: words for enum, (_, words) in _STORED.items()},
    "CacheControlScope": {"PUBLIC": "For everybody.", "PRIVATE": "Only for the one who asked."},
}


def _order(name: str, what: str, **columns: tuple[str, str, str]) -> Any:
    """An order enum: for each word the column, and what ascending and descending mean."""
    members: dict[str, Any] = {}
    for word, (column, ascending, descending) in columns.items():
        if ascending:
            members[f"{word}_ASC"] = strawberry.enum_value(f"{column} asc", description=ascending)
        if descending:
            key = word if not ascending else f"{word}_DESC"
            members[key] = strawberry.enum_value(f"{column} desc", description=descending)
    created: Any = Enum(name, members)  # type: ignore[misc]
    return strawberry.enum(created, description=f"The order of a list of {what}.")


_BY_NAME = {"NAME": ("sort_name", "By name, A first.", "By name, Z first.")}

ArticleOrder = _order(
    "ArticleOrder",
    "articles",
    PUBLISHED_AT=("published_at", "Oldest first.", "Newest first: the default."),
    FIRST_PUBLISHED_AT=(
        "first_published_at",
        "First out first.",
        "Last out first, republished ones stay put.",
    ),
    UPDATED_AT=("updated_at", "Longest unchanged first.", "Last changed first."),
    URGENCY=("urgency", "Most urgent first.", "Least urgent first."),
    HEADLINE=("headline", "By headline, A first.", "By headline, Z first."),
    RELEVANCE=(
        "relevance",
        "",
        "Best match first: headline, then summary, then text; newest first among equals."
        " Needs `search`, and is its default.",
    ),
)
CategoryOrder = _order(
    "CategoryOrder",
    "sections",
    POSITION=("position", "As the newsroom arranged them.", "The other way round."),
    PATH=("path", "By path: each section before those below it. The default.", "By path, Z first."),
    **_BY_NAME,
)
MediaOrder = _order("MediaOrder", "media", ID=("id", "First added first.", "Last added first: the default."))
AttributionOrder = _order(
    "AttributionOrder", "attributions", ID=("id", "First entered first.", "Last entered first: the default.")
)
SourceOrder = _order("SourceOrder", "sources", **_BY_NAME)
TagOrder = _order("TagOrder", "tags", **_BY_NAME)
AuthorOrder = _order("AuthorOrder", "authors", **_BY_NAME)
StoryOrder = _order("StoryOrder", "stories", **_BY_NAME)
CollectionOrder = _order("CollectionOrder", "collections", **_BY_NAME)
CorrectionOrder = _order(
    "CorrectionOrder", "corrections", AT=("at", "Oldest first.", "Newest first: the default.")
)
AuditEntryOrder = _order(
    "AuditEntryOrder", "entries of the audit log", AT=("at", "Oldest first.", "Newest first: the default.")
)
TokenOrder = _order(
    "TokenOrder", "tokens", CREATED_AT=("created_at", "Oldest first.", "Newest first: the default.")
)
