from tortoise import migrations
from tortoise.migrations import operations as ops
from contentql.content.enums import (
    Access,
    AttributionKind,
    AttributionState,
    AuthorRole,
    ContentType,
    CorrectionKind,
    MediaKind,
    MediaRole,
    SourceKind,
    Stance,
    Status,
    TagType,
    Verification,
)
from contentql.store.models.fields import TimestampField
from contentql.content.ids import new_id
from orjson import loads
from tortoise.fields.base import OnDelete
from tortoise.fields.data import JSON_DUMPS
from tortoise import fields
from tortoise.migrations.constraints import CheckConstraint


class Migration(migrations.Migration):
    initial = True

    operations = [
        ops.CreateModel(
            name="Category",
            fields=[
                ("id", fields.BigIntField(primary_key=True, default=new_id, unique=True, db_index=True)),
                (
                    "parent",
                    fields.ForeignKeyField(
                        "content.Category",
                        source_field="parent_id",
                        null=True,
                        db_constraint=True,
                        to_field="id",
                        related_name=False,
                        on_delete=OnDelete.RESTRICT,
                    ),
                ),
                ("slug", fields.CharField(max_length=120)),
                ("path", fields.CharField(unique=True, max_length=1000)),
                ("depth", fields.SmallIntField(db_default=0)),
                ("position", fields.IntField(db_default=0)),
                ("name", fields.CharField(max_length=200)),
                ("names", fields.JSONField(default=list, encoder=JSON_DUMPS, decoder=loads)),
                ("sort_name", fields.CharField(max_length=200)),
                ("description", fields.TextField(null=True, unique=False)),
                ("hidden", fields.BooleanField(db_default=False)),
            ],
            options={
                "table": "category",
                "app": "content",
                "constraints": [
                    CheckConstraint(check="depth between 0 and 7", name="depth"),
                    CheckConstraint(check="parent_id <> id", name="not_its_own_parent"),
                ],
                "pk_attr": "id",
            },
            bases=["Model"],
        ),
        ops.CreateModel(
            name="Collection",
            fields=[
                ("id", fields.BigIntField(primary_key=True, default=new_id, unique=True, db_index=True)),
                ("slug", fields.CharField(unique=True, max_length=160)),
                ("title", fields.CharField(max_length=300)),
                ("sort_name", fields.CharField(max_length=300)),
                ("description", fields.TextField(null=True, unique=False)),
                ("max_items", fields.SmallIntField(null=True)),
            ],
            options={"table": "collection", "app": "content", "pk_attr": "id"},
            bases=["Model"],
        ),
        ops.CreateModel(
            name="Media",
            fields=[
                ("id", fields.BigIntField(primary_key=True, default=new_id, unique=True, db_index=True)),
                (
                    "kind",
                    fields.CharEnumField(
                        description="IMAGE: IMAGE\nVIDEO: VIDEO\nAUDIO: AUDIO\nDOCUMENT: DOCUMENT",
                        enum_type=MediaKind,
                        max_length=16,
                    ),
                ),
                ("url", fields.TextField(unique=False)),
                ("mime", fields.CharField(max_length=100)),
                ("width", fields.IntField(null=True)),
                ("height", fields.IntField(null=True)),
                ("duration", fields.FloatField(null=True)),
                ("bytes", fields.BigIntField(null=True)),
                ("sha256", fields.CharField(null=True, max_length=64)),
                ("alt", fields.TextField(null=True, unique=False)),
                ("decorative", fields.BooleanField(db_default=False)),
                ("caption", fields.TextField(null=True, unique=False)),
                ("credit", fields.TextField(null=True, unique=False)),
                ("creator", fields.TextField(null=True, unique=False)),
                ("copyright", fields.TextField(null=True, unique=False)),
                ("licence", fields.CharField(null=True, max_length=100)),
                ("licence_url", fields.TextField(null=True, unique=False)),
                ("usage_terms", fields.TextField(null=True, unique=False)),
                ("expires_at", TimestampField(null=True, auto_now=False, auto_now_add=False)),
                ("focal_x", fields.FloatField(null=True)),
                ("focal_y", fields.FloatField(null=True)),
                ("blurhash", fields.CharField(null=True, max_length=100)),
                ("colour", fields.CharField(null=True, max_length=7)),
                ("digital_source_type", fields.CharField(null=True, max_length=200)),
                ("sensitive", fields.BooleanField(db_default=False)),
                ("renditions", fields.JSONField(default=list, encoder=JSON_DUMPS, decoder=loads)),
                ("created_at", TimestampField(auto_now=False, auto_now_add=False)),
            ],
            options={
                "table": "media",
                "app": "content",
                "constraints": [
                    CheckConstraint(
                        check="kind in ('IMAGE', 'VIDEO', 'AUDIO', 'DOCUMENT')", name="kind_is_known"
                    ),
                    CheckConstraint(
                        check="focal_x between 0 and 1 and focal_y between 0 and 1", name="focal_point"
                    ),
                ],
                "pk_attr": "id",
            },
            bases=["Model"],
        ),
        ops.CreateModel(
            name="Author",
            fields=[
                ("id", fields.BigIntField(primary_key=True, default=new_id, unique=True, db_index=True)),
                ("slug", fields.CharField(unique=True, max_length=160)),
                ("name", fields.CharField(max_length=300)),
                ("sort_name", fields.CharField(max_length=300)),
                ("bio", fields.TextField(null=True, unique=False)),
                ("desk", fields.CharField(null=True, max_length=100)),
                (
                    "image",
                    fields.ForeignKeyField(
                        "content.Media",
                        source_field="image_id",
                        null=True,
                        db_constraint=True,
                        to_field="id",
                        related_name=False,
                        on_delete=OnDelete.RESTRICT,
                    ),
                ),
                ("same_as", fields.JSONField(default=list, encoder=JSON_DUMPS, decoder=loads)),
                ("pseudonym", fields.BooleanField(db_default=False)),
            ],
            options={"table": "author", "app": "content", "pk_attr": "id"},
            bases=["Model"],
        ),
        ops.CreateModel(
            name="Source",
            fields=[
                ("id", fields.BigIntField(primary_key=True, default=new_id, unique=True, db_index=True)),
                ("slug", fields.CharField(unique=True, max_length=160)),
                ("name", fields.CharField(max_length=300)),
                ("sort_name", fields.CharField(max_length=300)),
                (
                    "kind",
                    fields.CharEnumField(
                        description="AGENCY: AGENCY\nBROADCASTER: BROADCASTER\nNEWSPAPER: NEWSPAPER\nONLINE: ONLINE\nOFFICIAL: OFFICIAL\nMILITARY: MILITARY\nCOURT_POLICE: COURT_POLICE\nINTELLIGENCE: INTELLIGENCE\nCOMPANY: COMPANY\nNGO: NGO\nPARTY: PARTY\nACADEMIC: ACADEMIC\nDOCUMENT: DOCUMENT\nDATASET: DATASET\nPERSON: PERSON\nSOCIAL_MEDIA: SOCIAL_MEDIA\nANONYMOUS: ANONYMOUS\nUNSPECIFIED: UNSPECIFIED\nOTHER: OTHER",
                        enum_type=SourceKind,
                        max_length=16,
                    ),
                ),
                ("aliases", fields.JSONField(default=list, encoder=JSON_DUMPS, decoder=loads)),
                ("state_controlled", fields.BooleanField(db_default=False)),
                ("country", fields.CharField(null=True, max_length=2)),
                ("homepage", fields.TextField(null=True, unique=False)),
                ("wikidata", fields.CharField(null=True, max_length=20)),
                ("described_as", fields.TextField(null=True, unique=False)),
                (
                    "parent",
                    fields.ForeignKeyField(
                        "content.Source",
                        source_field="parent_id",
                        null=True,
                        db_constraint=True,
                        to_field="id",
                        related_name=False,
                        on_delete=OnDelete.RESTRICT,
                    ),
                ),
            ],
            options={
                "table": "source",
                "app": "content",
                "constraints": [
                    CheckConstraint(
                        check="kind in ('AGENCY', 'BROADCASTER', 'NEWSPAPER', 'ONLINE', 'OFFICIAL', 'MILITARY', 'COURT_POLICE', 'INTELLIGENCE', 'COMPANY', 'NGO', 'PARTY', 'ACADEMIC', 'DOCUMENT', 'DATASET', 'PERSON', 'SOCIAL_MEDIA', 'ANONYMOUS', 'UNSPECIFIED', 'OTHER')",
                        name="kind_is_known",
                    )
                ],
                "pk_attr": "id",
            },
            bases=["Model"],
        ),
        ops.CreateModel(
            name="Story",
            fields=[
                ("id", fields.BigIntField(primary_key=True, default=new_id, unique=True, db_index=True)),
                ("slug", fields.CharField(unique=True, max_length=160)),
                ("title", fields.CharField(max_length=300)),
                ("sort_name", fields.CharField(max_length=300)),
                ("description", fields.TextField(null=True, unique=False)),
            ],
            options={"table": "story", "app": "content", "pk_attr": "id"},
            bases=["Model"],
        ),
        ops.CreateModel(
            name="Article",
            fields=[
                ("id", fields.BigIntField(primary_key=True, default=new_id, unique=True, db_index=True)),
                ("uri", fields.CharField(unique=True, max_length=500)),
                ("slug", fields.CharField(max_length=200)),
                ("language", fields.CharField(max_length=35)),
                (
                    "status",
                    fields.CharEnumField(
                        default=Status.DRAFT,
                        description="DRAFT: DRAFT\nIN_REVIEW: IN_REVIEW\nAPPROVED: APPROVED\nSCHEDULED: SCHEDULED\nPUBLISHED: PUBLISHED\nWITHDRAWN: WITHDRAWN\nARCHIVED: ARCHIVED",
                        enum_type=Status,
                        max_length=16,
                    ),
                ),
                (
                    "content_type",
                    fields.CharEnumField(
                        default=ContentType.NEWS,
                        description="NEWS: NEWS\nANALYSIS: ANALYSIS\nOPINION: OPINION\nLIVE: LIVE\nEXPLAINER: EXPLAINER\nINTERVIEW: INTERVIEW\nOBITUARY: OBITUARY\nREVIEW: REVIEW\nGALLERY: GALLERY\nVIDEO: VIDEO\nFACT_CHECK: FACT_CHECK\nSPONSORED: SPONSORED",
                        enum_type=ContentType,
                        max_length=16,
                    ),
                ),
                (
                    "access",
                    fields.CharEnumField(
                        default=Access.FREE,
                        description="FREE: FREE\nMETERED: METERED\nSUBSCRIBER: SUBSCRIBER",
                        enum_type=Access,
                        max_length=16,
                    ),
                ),
                ("urgency", fields.SmallIntField(db_default=5)),
                ("published_at", TimestampField(null=True, auto_now=False, auto_now_add=False)),
                ("first_published_at", TimestampField(null=True, auto_now=False, auto_now_add=False)),
                ("updated_at", TimestampField(null=True, auto_now=False, auto_now_add=False)),
                ("modified_at", TimestampField(auto_now=False, auto_now_add=False)),
                ("embargo_until", TimestampField(null=True, auto_now=False, auto_now_add=False)),
                ("expires_at", TimestampField(null=True, auto_now=False, auto_now_add=False)),
                ("deleted_at", TimestampField(null=True, auto_now=False, auto_now_add=False)),
                (
                    "category",
                    fields.ForeignKeyField(
                        "content.Category",
                        source_field="category_id",
                        null=True,
                        db_constraint=True,
                        to_field="id",
                        related_name=False,
                        on_delete=OnDelete.RESTRICT,
                    ),
                ),
                (
                    "lead_media",
                    fields.ForeignKeyField(
                        "content.Media",
                        source_field="lead_media_id",
                        null=True,
                        db_constraint=True,
                        to_field="id",
                        related_name=False,
                        on_delete=OnDelete.RESTRICT,
                    ),
                ),
                (
                    "story",
                    fields.ForeignKeyField(
                        "content.Story",
                        source_field="story_id",
                        null=True,
                        db_constraint=True,
                        to_field="id",
                        related_name=False,
                        on_delete=OnDelete.RESTRICT,
                    ),
                ),
                ("story_position", fields.IntField(null=True)),
                ("translation_group", fields.BigIntField(null=True)),
                ("headline", fields.CharField(max_length=300)),
                ("kicker", fields.CharField(null=True, max_length=200)),
                ("short_headline", fields.CharField(null=True, max_length=200)),
                ("lede", fields.TextField(null=True, unique=False)),
                ("summary", fields.TextField(null=True, unique=False)),
                ("byline", fields.TextField(null=True, unique=False)),
                ("dateline_place", fields.CharField(null=True, max_length=200)),
                ("dateline_text", fields.TextField(null=True, unique=False)),
                ("canonical_url", fields.TextField(null=True, unique=False)),
                ("canonical_elsewhere", fields.BooleanField(db_default=False)),
                ("syndicatable", fields.BooleanField(db_default=True)),
                ("usage_terms", fields.TextField(null=True, unique=False)),
                ("copyright_notice", fields.TextField(null=True, unique=False)),
                ("ed_note", fields.TextField(null=True, unique=False)),
                ("word_count", fields.IntField(db_default=0)),
                ("reading_minutes", fields.SmallIntField(db_default=1)),
                ("version", fields.IntField(db_default=1)),
                ("extra", fields.JSONField(default=dict, encoder=JSON_DUMPS, decoder=loads)),
            ],
            options={
                "table": "article",
                "app": "content",
                "unique_together": (("language", "slug"),),
                "constraints": [
                    CheckConstraint(
                        check="status in ('DRAFT', 'IN_REVIEW', 'APPROVED', 'SCHEDULED', 'PUBLISHED', 'WITHDRAWN', 'ARCHIVED')",
                        name="status_is_known",
                    ),
                    CheckConstraint(
                        check="content_type in ('NEWS', 'ANALYSIS', 'OPINION', 'LIVE', 'EXPLAINER', 'INTERVIEW', 'OBITUARY', 'REVIEW', 'GALLERY', 'VIDEO', 'FACT_CHECK', 'SPONSORED')",
                        name="content_type_is_known",
                    ),
                    CheckConstraint(
                        check="access in ('FREE', 'METERED', 'SUBSCRIBER')", name="access_is_known"
                    ),
                    CheckConstraint(check="urgency between 1 and 9", name="urgency"),
                    CheckConstraint(
                        check="status not in ('PUBLISHED', 'SCHEDULED') or (published_at is not null and first_published_at is not null and updated_at is not null and category_id is not null)",
                        name="public_is_complete",
                    ),
                    CheckConstraint(check="expires_at > embargo_until", name="embargo_before_expiry"),
                ],
                "pk_attr": "id",
            },
            bases=["Model"],
        ),
        ops.CreateModel(
            name="ArticleAuthor",
            fields=[
                ("id", fields.BigIntField(primary_key=True, default=new_id, unique=True, db_index=True)),
                (
                    "article",
                    fields.ForeignKeyField(
                        "content.Article",
                        source_field="article_id",
                        db_constraint=True,
                        to_field="id",
                        related_name=False,
                        on_delete=OnDelete.CASCADE,
                    ),
                ),
                (
                    "author",
                    fields.ForeignKeyField(
                        "content.Author",
                        source_field="author_id",
                        db_constraint=True,
                        to_field="id",
                        related_name=False,
                        on_delete=OnDelete.RESTRICT,
                    ),
                ),
                (
                    "role",
                    fields.CharEnumField(
                        default=AuthorRole.WRITER,
                        description="WRITER: WRITER\nPHOTOGRAPHER: PHOTOGRAPHER\nTRANSLATOR: TRANSLATOR\nEDITOR: EDITOR",
                        enum_type=AuthorRole,
                        max_length=16,
                    ),
                ),
                ("position", fields.IntField(db_default=0)),
            ],
            options={
                "table": "article_author",
                "app": "content",
                "unique_together": (("article", "author", "role"),),
                "constraints": [
                    CheckConstraint(
                        check="role in ('WRITER', 'PHOTOGRAPHER', 'TRANSLATOR', 'EDITOR')",
                        name="role_is_known",
                    )
                ],
                "pk_attr": "id",
            },
            bases=["Model"],
        ),
        ops.CreateModel(
            name="ArticleBody",
            fields=[
                (
                    "article",
                    fields.OneToOneField(
                        "content.Article",
                        source_field="article_id",
                        primary_key=True,
                        db_index=True,
                        db_constraint=True,
                        to_field="id",
                        related_name=False,
                        on_delete=OnDelete.CASCADE,
                    ),
                ),
                ("blocks", fields.JSONField(default=list, encoder=JSON_DUMPS, decoder=loads)),
                ("html", fields.TextField(unique=False)),
                ("markdown", fields.TextField(unique=False)),
                ("text", fields.TextField(unique=False)),
            ],
            options={
                "table": "article_body",
                "app": "content",
                "pk_attr": "article_id",
                "table_description": "Body of an article, in a table of its own so that lists read short rows without texts.",
            },
            bases=["Model"],
        ),
        ops.CreateModel(
            name="ArticleMedia",
            fields=[
                ("id", fields.BigIntField(primary_key=True, default=new_id, unique=True, db_index=True)),
                (
                    "article",
                    fields.ForeignKeyField(
                        "content.Article",
                        source_field="article_id",
                        db_constraint=True,
                        to_field="id",
                        related_name=False,
                        on_delete=OnDelete.CASCADE,
                    ),
                ),
                (
                    "media",
                    fields.ForeignKeyField(
                        "content.Media",
                        source_field="media_id",
                        db_constraint=True,
                        to_field="id",
                        related_name=False,
                        on_delete=OnDelete.RESTRICT,
                    ),
                ),
                ("position", fields.IntField(db_default=0)),
                (
                    "role",
                    fields.CharEnumField(
                        default=MediaRole.INLINE,
                        description="LEAD: LEAD\nINLINE: INLINE\nGALLERY: GALLERY",
                        enum_type=MediaRole,
                        max_length=16,
                    ),
                ),
                ("caption", fields.TextField(null=True, unique=False)),
                ("alt", fields.TextField(null=True, unique=False)),
            ],
            options={
                "table": "article_media",
                "app": "content",
                "unique_together": (("article", "position"),),
                "constraints": [
                    CheckConstraint(check="role in ('LEAD', 'INLINE', 'GALLERY')", name="role_is_known")
                ],
                "pk_attr": "id",
            },
            bases=["Model"],
        ),
        ops.CreateModel(
            name="ArticleRelated",
            fields=[
                ("id", fields.BigIntField(primary_key=True, default=new_id, unique=True, db_index=True)),
                (
                    "article",
                    fields.ForeignKeyField(
                        "content.Article",
                        source_field="article_id",
                        db_constraint=True,
                        to_field="id",
                        related_name=False,
                        on_delete=OnDelete.CASCADE,
                    ),
                ),
                (
                    "related",
                    fields.ForeignKeyField(
                        "content.Article",
                        source_field="related_id",
                        db_constraint=True,
                        to_field="id",
                        related_name=False,
                        on_delete=OnDelete.CASCADE,
                    ),
                ),
                ("position", fields.IntField(db_default=0)),
            ],
            options={
                "table": "article_related",
                "app": "content",
                "unique_together": (("article", "related"),),
                "pk_attr": "id",
            },
            bases=["Model"],
        ),
        ops.CreateModel(
            name="ArticleSection",
            fields=[
                ("id", fields.BigIntField(primary_key=True, default=new_id, unique=True, db_index=True)),
                (
                    "article",
                    fields.ForeignKeyField(
                        "content.Article",
                        source_field="article_id",
                        db_constraint=True,
                        to_field="id",
                        related_name=False,
                        on_delete=OnDelete.CASCADE,
                    ),
                ),
                (
                    "category",
                    fields.ForeignKeyField(
                        "content.Category",
                        source_field="category_id",
                        db_constraint=True,
                        to_field="id",
                        related_name=False,
                        on_delete=OnDelete.RESTRICT,
                    ),
                ),
                ("direct", fields.BooleanField(db_default=True)),
                ("position", fields.IntField(db_default=0)),
                ("published_at", TimestampField(null=True, auto_now=False, auto_now_add=False)),
            ],
            options={
                "table": "article_section",
                "app": "content",
                "unique_together": (("article", "category"),),
                "pk_attr": "id",
                "table_description": "Section of an article: one row for each section it is in and for each ancestor of those.",
            },
            bases=["Model"],
        ),
        ops.CreateModel(
            name="Attribution",
            fields=[
                ("id", fields.BigIntField(primary_key=True, default=new_id, unique=True, db_index=True)),
                (
                    "article",
                    fields.ForeignKeyField(
                        "content.Article",
                        source_field="article_id",
                        db_constraint=True,
                        to_field="id",
                        related_name=False,
                        on_delete=OnDelete.CASCADE,
                    ),
                ),
                (
                    "kind",
                    fields.CharEnumField(
                        description="ACCORDING_TO: ACCORDING_TO\nREPORTED_BY: REPORTED_BY\nCITING: CITING\nRELEASED_BY: RELEASED_BY\nSAID: SAID\nTOLD: TOLD\nQUOTED: QUOTED\nDENIED: DENIED\nSEEN_BY: SEEN_BY\nPHOTO_CREDIT: PHOTO_CREDIT\nDATA: DATA\nOTHER: OTHER",
                        enum_type=AttributionKind,
                        max_length=16,
                    ),
                ),
                (
                    "source",
                    fields.ForeignKeyField(
                        "content.Source",
                        source_field="source_id",
                        null=True,
                        db_constraint=True,
                        to_field="id",
                        related_name=False,
                        on_delete=OnDelete.RESTRICT,
                    ),
                ),
                (
                    "via",
                    fields.OneToOneField(
                        "content.Attribution",
                        source_field="via_id",
                        null=True,
                        db_constraint=True,
                        to_field="id",
                        related_name=False,
                        on_delete=OnDelete.SET_NULL,
                    ),
                ),
                ("head_id", fields.BigIntField()),
                ("hop", fields.SmallIntField(db_default=0)),
                (
                    "origin",
                    fields.ForeignKeyField(
                        "content.Source",
                        source_field="origin_id",
                        null=True,
                        db_constraint=True,
                        to_field="id",
                        related_name=False,
                        on_delete=OnDelete.RESTRICT,
                    ),
                ),
                ("position", fields.IntField(db_default=0)),
                ("claim", fields.TextField(null=True, unique=False)),
                ("quote", fields.TextField(null=True, unique=False)),
                (
                    "stance",
                    fields.CharEnumField(
                        null=True,
                        description="ASSERTS: ASSERTS\nDENIES: DENIES\nASKS: ASKS",
                        enum_type=Stance,
                        max_length=16,
                    ),
                ),
                ("said_on", fields.DateField(null=True)),
                ("url", fields.TextField(null=True, unique=False)),
                ("accessed_at", TimestampField(null=True, auto_now=False, auto_now_add=False)),
                ("archived_url", fields.TextField(null=True, unique=False)),
                (
                    "media",
                    fields.ForeignKeyField(
                        "content.Media",
                        source_field="media_id",
                        null=True,
                        db_constraint=True,
                        to_field="id",
                        related_name=False,
                        on_delete=OnDelete.RESTRICT,
                    ),
                ),
                ("span_block", fields.CharField(null=True, max_length=40)),
                ("span_start", fields.IntField(null=True)),
                ("span_end", fields.IntField(null=True)),
                ("span_exact", fields.TextField(null=True, unique=False)),
                ("span_prefix", fields.TextField(null=True, unique=False)),
                ("span_suffix", fields.TextField(null=True, unique=False)),
                ("cue_span", fields.JSONField(null=True, encoder=JSON_DUMPS, decoder=loads)),
                ("source_span", fields.JSONField(null=True, encoder=JSON_DUMPS, decoder=loads)),
                ("made_by", fields.CharField(default="editor", max_length=100)),
                (
                    "state",
                    fields.CharEnumField(
                        default=AttributionState.SUGGESTED,
                        description="SUGGESTED: SUGGESTED\nACCEPTED: ACCEPTED\nEDITED: EDITED\nREJECTED: REJECTED",
                        enum_type=AttributionState,
                        max_length=16,
                    ),
                ),
                ("score", fields.FloatField(null=True)),
                (
                    "verification",
                    fields.CharEnumField(
                        default=Verification.UNVERIFIED,
                        description="UNVERIFIED: UNVERIFIED\nCORROBORATED: CORROBORATED\nVERIFIED: VERIFIED\nDISPUTED: DISPUTED\nRETRACTED: RETRACTED",
                        enum_type=Verification,
                        max_length=16,
                    ),
                ),
                ("verification_note", fields.TextField(null=True, unique=False)),
                ("verified_by", fields.CharField(null=True, max_length=200)),
                ("verified_at", TimestampField(null=True, auto_now=False, auto_now_add=False)),
            ],
            options={
                "table": "attribution",
                "app": "content",
                "constraints": [
                    CheckConstraint(
                        check="kind in ('ACCORDING_TO', 'REPORTED_BY', 'CITING', 'RELEASED_BY', 'SAID', 'TOLD', 'QUOTED', 'DENIED', 'SEEN_BY', 'PHOTO_CREDIT', 'DATA', 'OTHER')",
                        name="kind_is_known",
                    ),
                    CheckConstraint(
                        check="state in ('SUGGESTED', 'ACCEPTED', 'EDITED', 'REJECTED')",
                        name="state_is_known",
                    ),
                    CheckConstraint(
                        check="verification in ('UNVERIFIED', 'CORROBORATED', 'VERIFIED', 'DISPUTED', 'RETRACTED')",
                        name="verification_is_known",
                    ),
                    CheckConstraint(check="stance in ('ASSERTS', 'DENIES', 'ASKS')", name="stance_is_known"),
                    CheckConstraint(check="hop between 0 and 5", name="hop"),
                    CheckConstraint(check="via_id <> id", name="via_not_itself"),
                    CheckConstraint(
                        check="source_id is not null or kind = 'REPORTED_BY'", name="names_a_source"
                    ),
                    CheckConstraint(check="span_start >= 0 and span_end > span_start", name="span"),
                    CheckConstraint(check="score between 0 and 1", name="score"),
                ],
                "pk_attr": "id",
                "table_description": "One hop in the attribution chain of a claim.",
            },
            bases=["Model"],
        ),
        ops.CreateModel(
            name="CollectionItem",
            fields=[
                ("id", fields.BigIntField(primary_key=True, default=new_id, unique=True, db_index=True)),
                (
                    "collection",
                    fields.ForeignKeyField(
                        "content.Collection",
                        source_field="collection_id",
                        db_constraint=True,
                        to_field="id",
                        related_name=False,
                        on_delete=OnDelete.CASCADE,
                    ),
                ),
                (
                    "article",
                    fields.ForeignKeyField(
                        "content.Article",
                        source_field="article_id",
                        db_constraint=True,
                        to_field="id",
                        related_name=False,
                        on_delete=OnDelete.CASCADE,
                    ),
                ),
                ("position", fields.IntField(db_default=0)),
                ("pinned_until", TimestampField(null=True, auto_now=False, auto_now_add=False)),
                ("headline", fields.CharField(null=True, max_length=300)),
                (
                    "media",
                    fields.ForeignKeyField(
                        "content.Media",
                        source_field="media_id",
                        null=True,
                        db_constraint=True,
                        to_field="id",
                        related_name=False,
                        on_delete=OnDelete.RESTRICT,
                    ),
                ),
            ],
            options={
                "table": "collection_item",
                "app": "content",
                "unique_together": (("collection", "article"),),
                "pk_attr": "id",
            },
            bases=["Model"],
        ),
        ops.CreateModel(
            name="Correction",
            fields=[
                ("id", fields.BigIntField(primary_key=True, default=new_id, unique=True, db_index=True)),
                (
                    "article",
                    fields.ForeignKeyField(
                        "content.Article",
                        source_field="article_id",
                        db_constraint=True,
                        to_field="id",
                        related_name=False,
                        on_delete=OnDelete.CASCADE,
                    ),
                ),
                (
                    "kind",
                    fields.CharEnumField(
                        description="CORRECTION: CORRECTION\nCLARIFICATION: CLARIFICATION\nUPDATE: UPDATE\nRETRACTION: RETRACTION",
                        enum_type=CorrectionKind,
                        max_length=16,
                    ),
                ),
                ("at", TimestampField(auto_now=False, auto_now_add=False)),
                ("text", fields.TextField(unique=False)),
                ("block", fields.CharField(null=True, max_length=40)),
                ("before", fields.TextField(null=True, unique=False)),
                ("after", fields.TextField(null=True, unique=False)),
            ],
            options={
                "table": "correction",
                "app": "content",
                "constraints": [
                    CheckConstraint(
                        check="kind in ('CORRECTION', 'CLARIFICATION', 'UPDATE', 'RETRACTION')",
                        name="kind_is_known",
                    )
                ],
                "pk_attr": "id",
            },
            bases=["Model"],
        ),
        ops.CreateModel(
            name="ExternalId",
            fields=[
                ("id", fields.BigIntField(primary_key=True, default=new_id, unique=True, db_index=True)),
                (
                    "article",
                    fields.ForeignKeyField(
                        "content.Article",
                        source_field="article_id",
                        db_constraint=True,
                        to_field="id",
                        related_name=False,
                        on_delete=OnDelete.CASCADE,
                    ),
                ),
                ("system", fields.CharField(max_length=100)),
                ("value", fields.CharField(max_length=500)),
            ],
            options={
                "table": "external_id",
                "app": "content",
                "unique_together": (("system", "value"),),
                "pk_attr": "id",
                "table_description": "Id of an imported article in its system of origin, by which a repeated import recognises it.",
            },
            bases=["Model"],
        ),
        ops.CreateModel(
            name="SlugHistory",
            fields=[
                ("id", fields.BigIntField(primary_key=True, default=new_id, unique=True, db_index=True)),
                (
                    "article",
                    fields.ForeignKeyField(
                        "content.Article",
                        source_field="article_id",
                        db_constraint=True,
                        to_field="id",
                        related_name=False,
                        on_delete=OnDelete.CASCADE,
                    ),
                ),
                ("language", fields.CharField(max_length=35)),
                ("slug", fields.CharField(max_length=200)),
                ("until", TimestampField(auto_now=False, auto_now_add=False)),
            ],
            options={
                "table": "slug_history",
                "app": "content",
                "unique_together": (("language", "slug"),),
                "pk_attr": "id",
                "table_description": "Former slug of an article, so that old links can be redirected.",
            },
            bases=["Model"],
        ),
        ops.CreateModel(
            name="Tag",
            fields=[
                ("id", fields.BigIntField(primary_key=True, default=new_id, unique=True, db_index=True)),
                (
                    "type",
                    fields.CharEnumField(
                        description="TOPIC: TOPIC\nPERSON: PERSON\nORGANISATION: ORGANISATION\nPLACE: PLACE\nEVENT: EVENT\nWORK: WORK",
                        enum_type=TagType,
                        max_length=16,
                    ),
                ),
                ("slug", fields.CharField(max_length=160)),
                ("name", fields.CharField(max_length=300)),
                ("names", fields.JSONField(default=list, encoder=JSON_DUMPS, decoder=loads)),
                ("sort_name", fields.CharField(max_length=300)),
                ("description", fields.TextField(null=True, unique=False)),
                ("aliases", fields.JSONField(default=list, encoder=JSON_DUMPS, decoder=loads)),
                ("wikidata", fields.CharField(null=True, unique=True, max_length=20)),
                ("latitude", fields.FloatField(null=True)),
                ("longitude", fields.FloatField(null=True)),
                ("codes", fields.JSONField(default=list, encoder=JSON_DUMPS, decoder=loads)),
                (
                    "broader",
                    fields.ForeignKeyField(
                        "content.Tag",
                        source_field="broader_id",
                        null=True,
                        db_constraint=True,
                        to_field="id",
                        related_name=False,
                        on_delete=OnDelete.RESTRICT,
                    ),
                ),
            ],
            options={
                "table": "tag",
                "app": "content",
                "unique_together": (("type", "slug"),),
                "constraints": [
                    CheckConstraint(
                        check="type in ('TOPIC', 'PERSON', 'ORGANISATION', 'PLACE', 'EVENT', 'WORK')",
                        name="type_is_known",
                    )
                ],
                "pk_attr": "id",
            },
            bases=["Model"],
        ),
        ops.CreateModel(
            name="ArticleTag",
            fields=[
                ("id", fields.BigIntField(primary_key=True, default=new_id, unique=True, db_index=True)),
                (
                    "article",
                    fields.ForeignKeyField(
                        "content.Article",
                        source_field="article_id",
                        db_constraint=True,
                        to_field="id",
                        related_name=False,
                        on_delete=OnDelete.CASCADE,
                    ),
                ),
                (
                    "tag",
                    fields.ForeignKeyField(
                        "content.Tag",
                        source_field="tag_id",
                        db_constraint=True,
                        to_field="id",
                        related_name=False,
                        on_delete=OnDelete.RESTRICT,
                    ),
                ),
                ("position", fields.IntField(db_default=0)),
                ("relevance", fields.SmallIntField(null=True)),
                ("confidence", fields.SmallIntField(null=True)),
                ("published_at", TimestampField(null=True, auto_now=False, auto_now_add=False)),
            ],
            options={
                "table": "article_tag",
                "app": "content",
                "unique_together": (("article", "tag"),),
                "pk_attr": "id",
            },
            bases=["Model"],
        ),
    ]
