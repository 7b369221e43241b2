"""Enums of the content model."""

from __future__ import annotations

from enum import Enum


class ContentType(str, Enum):
    NEWS = "NEWS"
    ANALYSIS = "ANALYSIS"
    OPINION = "OPINION"
    LIVE = "LIVE"
    EXPLAINER = "EXPLAINER"
    INTERVIEW = "INTERVIEW"
    OBITUARY = "OBITUARY"
    REVIEW = "REVIEW"
    GALLERY = "GALLERY"
    VIDEO = "VIDEO"
    FACT_CHECK = "FACT_CHECK"
    SPONSORED = "SPONSORED"


class Status(str, Enum):
    DRAFT = "DRAFT"
    IN_REVIEW = "IN_REVIEW"
    APPROVED = "APPROVED"
    SCHEDULED = "SCHEDULED"
    PUBLISHED = "PUBLISHED"
    WITHDRAWN = "WITHDRAWN"
    ARCHIVED = "ARCHIVED"
    EXPIRED = "EXPIRED"  # never stored: derived from the expiry time


class RemovalReason(str, Enum):
    UNPUBLISHED = "UNPUBLISHED"
    WITHDRAWN = "WITHDRAWN"
    EXPIRED = "EXPIRED"
    DELETED = "DELETED"
    LEFT_FILTER = "LEFT_FILTER"


class Access(str, Enum):
    FREE = "FREE"
    METERED = "METERED"
    SUBSCRIBER = "SUBSCRIBER"


class TextMark(str, Enum):
    STRONG = "STRONG"
    EM = "EM"
    STRIKE = "STRIKE"
    CODE = "CODE"
    SUB = "SUB"
    SUP = "SUP"


class MediaKind(str, Enum):
    IMAGE = "IMAGE"
    VIDEO = "VIDEO"
    AUDIO = "AUDIO"
    DOCUMENT = "DOCUMENT"


class MediaRole(str, Enum):
    LEAD = "LEAD"
    INLINE = "INLINE"
    GALLERY = "GALLERY"


class SourceKind(str, Enum):
    AGENCY = "AGENCY"
    BROADCASTER = "BROADCASTER"
    NEWSPAPER = "NEWSPAPER"
    ONLINE = "ONLINE"
    OFFICIAL = "OFFICIAL"
    MILITARY = "MILITARY"
    COURT_POLICE = "COURT_POLICE"
    INTELLIGENCE = "INTELLIGENCE"
    COMPANY = "COMPANY"
    NGO = "NGO"
    PARTY = "PARTY"
    ACADEMIC = "ACADEMIC"
    DOCUMENT = "DOCUMENT"
    DATASET = "DATASET"
    PERSON = "PERSON"
    SOCIAL_MEDIA = "SOCIAL_MEDIA"
    ANONYMOUS = "ANONYMOUS"
    UNSPECIFIED = "UNSPECIFIED"
    OTHER = "OTHER"


class AttributionKind(str, Enum):
    ACCORDING_TO = "ACCORDING_TO"
    REPORTED_BY = "REPORTED_BY"
    CITING = "CITING"
    RELEASED_BY = "RELEASED_BY"
    SAID = "SAID"
    TOLD = "TOLD"
    QUOTED = "QUOTED"
    DENIED = "DENIED"
    SEEN_BY = "SEEN_BY"
    PHOTO_CREDIT = "PHOTO_CREDIT"
    DATA = "DATA"
    OTHER = "OTHER"


class AttributionState(str, Enum):
    SUGGESTED = "SUGGESTED"
    ACCEPTED = "ACCEPTED"
    EDITED = "EDITED"
    REJECTED = "REJECTED"


PUBLIC_ATTRIBUTION_STATES = (AttributionState.ACCEPTED, AttributionState.EDITED)


class Stance(str, Enum):
    ASSERTS = "ASSERTS"
    DENIES = "DENIES"
    ASKS = "ASKS"


class Verification(str, Enum):
    UNVERIFIED = "UNVERIFIED"
    CORROBORATED = "CORROBORATED"
    VERIFIED = "VERIFIED"
    DISPUTED = "DISPUTED"
    RETRACTED = "RETRACTED"


class TagType(str, Enum):
    TOPIC = "TOPIC"
    PERSON = "PERSON"
    ORGANISATION = "ORGANISATION"
    PLACE = "PLACE"
    EVENT = "EVENT"
    WORK = "WORK"


class AuthorRole(str, Enum):
    WRITER = "WRITER"
    PHOTOGRAPHER = "PHOTOGRAPHER"
    TRANSLATOR = "TRANSLATOR"
    EDITOR = "EDITOR"


class CorrectionKind(str, Enum):
    CORRECTION = "CORRECTION"
    CLARIFICATION = "CLARIFICATION"
    UPDATE = "UPDATE"
    RETRACTION = "RETRACTION"
