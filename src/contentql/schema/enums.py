"""GraphQL enums: the closed sets of content with descriptions, and the sort orders of lists."""

from __future__ import annotations

from collections.abc import Mapping
from enum import Enum
from typing import Any

import strawberry

from contentql.auth.permissions import PERMISSION_DESCRIPTIONS, ROLE_DESCRIPTIONS, Permission, Role
from contentql.content import enums
from contentql.editorial.user_errors import USER_ERROR_DESCRIPTIONS
from contentql.editorial.warnings import WARNING_DESCRIPTIONS
from contentql.store.models.history import RevisionAction
from contentql.store.models.webhooks import DeliveryState, WebhookEventType, WebhookKind

_STORED: dict[type[Enum], tuple[str, Mapping[str, str]]] = {
    enums.ContentType: (
        "Genre of an article.",
        {
            "NEWS": "News report.",
            "ANALYSIS": "Description of the subject.",
            "OPINION": "Opinion piece.",
            "LIVE": "Live blog.",
            "EXPLAINER": "Background or analysis of a subject.",
            "INTERVIEW": "Interview.",
            "OBITUARY": "Obituary.",
            "REVIEW": "Review of a work.",
            "GALLERY": "Photo story.",
            "VIDEO": "Video story.",
            "FACT_CHECK": "Fact check of a claim.",
            "SPONSORED": "Sponsored content.",
        },
    ),
    enums.Status: (
        "Workflow status of an article. The public sees only PUBLISHED articles.",
        {
            "DRAFT": "In progress.",
            "IN_REVIEW": "Submitted for review.",
            "APPROVED": "Approved, not published yet.",
            "SCHEDULED": "To be published at `publishedAt`.",
            "PUBLISHED": "Published.",
            "WITHDRAWN": "Withdrawn; a notice remains.",
            "ARCHIVED": "Archived; not public.",
            "EXPIRED": "Expired; no longer public.",
        },
    ),
    enums.RemovalReason: (
        "Reason why a client has to remove an article.",
        {
            "UNPUBLISHED": "The article is not public any more.",
            "WITHDRAWN": "The article was withdrawn; a notice remains.",
            "EXPIRED": "The article has expired.",
            "DELETED": "The article was deleted.",
            "LEFT_FILTER": "The article is visible, but does not match the filter any more.",
        },
    ),
    enums.Access: (
        "Access to the full text.",
        {
            "FREE": "All readers.",
            "METERED": "A limited number of articles for everyone.",
            "SUBSCRIBER": "Subscribers only.",
        },
    ),
    enums.TextMark: (
        "Mark of a text.",
        {
            "STRONG": "Strong, shown in bold.",
            "EM": "Emphasised, shown in italics.",
            "STRIKE": "No longer right, shown struck through.",
            "CODE": "Code, shown in a fixed-width font.",
            "SUB": "Subscript.",
            "SUP": "Superscript.",
        },
    ),
    enums.MediaKind: (
        "Kind of media file.",
        {
            "IMAGE": "Picture.",
            "VIDEO": "Video.",
            "AUDIO": "Audio recording.",
            "DOCUMENT": "Document, for example a PDF.",
        },
    ),
    enums.MediaRole: (
        "Role of a media file in an article.",
        {"LEAD": "Opens the article.", "INLINE": "Stands within the text.", "GALLERY": "Part of a gallery."},
    ),
    enums.SourceKind: (
        "Kind of source.",
        {
            "AGENCY": "News agency.",
            "BROADCASTER": "Television or radio broadcaster.",
            "NEWSPAPER": "Newspaper or magazine.",
            "ONLINE": "News website.",
            "OFFICIAL": "Government or authority, or its representative.",
            "MILITARY": "Armed forces.",
            "COURT_POLICE": "Court, prosecutor or police.",
            "INTELLIGENCE": "Intelligence service.",
            "COMPANY": "Company.",
            "NGO": "Non-governmental organisation.",
            "PARTY": "Political party.",
            "ACADEMIC": "University or researcher.",
            "DOCUMENT": "Document: a report, filing or letter.",
            "DATASET": "Data set.",
            "PERSON": "Person who speaks for themselves.",
            "SOCIAL_MEDIA": "Social media account or post.",
            "ANONYMOUS": "Anonymous source known to the newsroom.",
            "UNSPECIFIED": 'Unnamed source that is only described, for example "observers".',
            "OTHER": "Any other kind.",
        },
    ),
    enums.AttributionKind: (
        "How a claim is attributed to a source.",
        {
            "ACCORDING_TO": "According to the source.",
            "REPORTED_BY": "Reported by the source; the only kind that may leave the source unnamed.",
            "CITING": "The source is cited by a relay.",
            "RELEASED_BY": "Released by the source: footage, a statement, a document.",
            "SAID": "Said, confirmed or announced by the source.",
            "TOLD": "Statement of the source to a medium.",
            "QUOTED": "Literal quotation of the source.",
            "DENIED": "Denied by the source.",
            "SEEN_BY": "Observed by the source.",
            "PHOTO_CREDIT": "Photo credit.",
            "DATA": "Source of data.",
            "OTHER": "Any other attribution.",
        },
    ),
    enums.AttributionState: (
        "Editorial state of an attribution. The public sees only ACCEPTED and EDITED ones.",
        {
            "SUGGESTED": "Suggested by a rule, not reviewed.",
            "ACCEPTED": "Accepted as suggested or entered.",
            "EDITED": "Accepted after an edit.",
            "REJECTED": "Rejected by an editor.",
        },
    ),
    enums.Stance: (
        "Stance of the source towards the claim.",
        {"ASSERTS": "Asserts the claim.", "DENIES": "Denies the claim.", "ASKS": "Questions the claim."},
    ),
    enums.Verification: (
        "Result of the verification of a claim.",
        {
            "UNVERIFIED": "Not verified.",
            "CORROBORATED": "Corroborated by another source.",
            "VERIFIED": "Verified.",
            "DISPUTED": "Contradicted by another source.",
            "RETRACTED": "Retracted by its source.",
        },
    ),
    enums.TagType: (
        "Type of a tag.",
        {
            "TOPIC": "Topic.",
            "PERSON": "Person.",
            "ORGANISATION": "Organisation.",
            "PLACE": "Place.",
            "EVENT": "Event.",
            "WORK": "Book, film, law or other work.",
        },
    ),
    enums.AuthorRole: (
        "Contribution of an author to an article.",
        {
            "WRITER": "Writer.",
            "PHOTOGRAPHER": "Photographer.",
            "TRANSLATOR": "Translator.",
            "EDITOR": "Editor.",
        },
    ),
    enums.CorrectionKind: (
        "Kind of correction.",
        {
            "CORRECTION": "Corrects an error.",
            "CLARIFICATION": "Clarifies a statement that could be misunderstood.",
            "UPDATE": "Adds information that became known later.",
            "RETRACTION": "Retracts the article.",
        },
    ),
}

_STORED |= {
    RevisionAction: (
        "Action that created a revision.",
        {
            "CREATED": "The article was created.",
            "UPDATED": "The content was changed.",
            "SUBMITTED": "The article was submitted for review.",
            "RETURNED": "The article was returned to its author.",
            "APPROVED": "The article was approved.",
            "SCHEDULED": "The publication was scheduled.",
            "PUBLISHED": "The article, or its changes, was published.",
            "UNPUBLISHED": "The article was unpublished without a notice.",
            "WITHDRAWN": "The article was withdrawn with a notice.",
            "CORRECTED": "A public correction was published.",
            "ARCHIVED": "The article was archived.",
            "DELETED": "The article was deleted.",
            "RESTORED": "The article, or an earlier version, was restored.",
            "DISCARDED": "The unpublished changes were discarded.",
        },
    ),
    Role: (
        "Role of an account; the documentation lists the permissions of each role.",
        {role.value: ROLE_DESCRIPTIONS[role] for role in Role},
    ),
    WebhookKind: (
        "Kind of a receiver of events.",
        {"WEBHOOK": "Receiver that an administrator has created.", "CDN": "CDN of the server's settings."},
    ),
    WebhookEventType: (
        "Type of an event that webhooks receive.",
        {
            "ARTICLE_PUBLISHED": "`article.published`: the public can see the article from now on.",
            "ARTICLE_UPDATED": "`article.updated`: something that the public sees of the article changed.",
            "ARTICLE_UNPUBLISHED": "`article.unpublished`: the public no longer sees the article.",
        },
    ),
    DeliveryState: (
        "State of the delivery of an event.",
        {
            "PENDING": "To be sent, for the first time or again.",
            "DELIVERED": "The receiver responded with success.",
            "DEAD": "All attempts have failed; it can be replayed.",
        },
    ),
    Permission: (
        "Permission of an account; the scopes of a token are permissions.",
        {p.value: f"{PERMISSION_DESCRIPTIONS[p].capitalize()}." for p in Permission},
    ),
}

for _enum, (_description, _) in _STORED.items():
    strawberry.enum(_enum, description=_description)

ENUM_VALUE_DESCRIPTIONS: Mapping[str, Mapping[str, str]] = {
    **{enum.__name__: words for enum, (_, words) in _STORED.items()},
    "UserErrorCode": {code.value: text for code, text in USER_ERROR_DESCRIPTIONS.items()},
    "WarningCode": {code.value: text for code, text in WARNING_DESCRIPTIONS.items()},
    "CacheControlScope": {
        "PUBLIC": "Shared caches may store the response.",
        "PRIVATE": "Only the client's own cache may store the response.",
    },
}


def _order(name: str, what: str, **columns: tuple[str, str, str]) -> Any:
    """A sort-order enum: for each name the column and the descriptions of both directions."""
    members: dict[str, Any] = {}
    for word, (column, ascending, descending) in columns.items():
        if ascending:
            members[f"{word}_ASC"] = strawberry.enum_value(f"{column} asc", description=ascending)
        if descending:
            key = word if not ascending else f"{word}_DESC"
            members[key] = strawberry.enum_value(f"{column} desc", description=descending)
    created: Any = Enum(name, members)  # type: ignore[misc]
    return strawberry.enum(created, description=f"Sort order of a list of {what}.")


_BY_NAME = {"NAME": ("sort_name", "Name, ascending.", "Name, descending.")}

ArticleOrder = _order(
    "ArticleOrder",
    "articles",
    PUBLISHED_AT=("published_at", "Oldest first.", "Newest first. This is the default."),
    FIRST_PUBLISHED_AT=(
        "first_published_at",
        "First publication, oldest first.",
        "First publication, newest first; republished articles keep their position.",
    ),
    UPDATED_AT=("updated_at", "Last change, oldest first.", "Last change, newest first."),
    URGENCY=("urgency", "Most urgent first.", "Least urgent first."),
    HEADLINE=("sort_headline", "Headline, ascending.", "Headline, descending."),
    RELEVANCE=(
        "relevance",
        "",
        "Relevance: matches in the headline, then the summary, then the text; newest first among"
        " equals. Requires `search` and is its default.",
    ),
)
CategoryOrder = _order(
    "CategoryOrder",
    "sections",
    POSITION=("position", "Position, as arranged by editors.", "Position, reversed."),
    PATH=(
        "path",
        "Path, ascending: each section before its children. This is the default.",
        "Path, descending.",
    ),
    **_BY_NAME,
)
MediaOrder = _order(
    "MediaOrder",
    "media",
    ID=("id", "Oldest first, by creation.", "Newest first, by creation. This is the default."),
)
AttributionOrder = _order(
    "AttributionOrder",
    "attributions",
    ID=("id", "Oldest first, by creation.", "Newest first, by creation. This is the default."),
)
SourceOrder = _order("SourceOrder", "sources", **_BY_NAME)
TagOrder = _order("TagOrder", "tags", **_BY_NAME)
AuthorOrder = _order("AuthorOrder", "authors", **_BY_NAME)
StoryOrder = _order("StoryOrder", "stories", **_BY_NAME)
CollectionOrder = _order("CollectionOrder", "collections", **_BY_NAME)
CorrectionOrder = _order(
    "CorrectionOrder", "corrections", AT=("at", "Oldest first.", "Newest first. This is the default.")
)
AuditEntryOrder = _order(
    "AuditEntryOrder",
    "entries of the audit log",
    AT=("at", "Oldest first.", "Newest first. This is the default."),
)
TokenOrder = _order(
    "TokenOrder", "tokens", CREATED_AT=("created_at", "Oldest first.", "Newest first. This is the default.")
)
