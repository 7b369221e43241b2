"""CHECK constraints, the indexes for lists and foreign keys, and the full-text index."""

from tortoise import migrations

from contentql.store.ddl import EnforceChecks, DialectSql

# The same SQL as the visibility predicate, so that both databases recognise that the partial index applies.
PUBLIC = "WHERE status IN ('PUBLISHED', 'SCHEDULED') AND deleted_at IS NULL"

INDEXES = [
    f"CREATE INDEX article_latest ON article (published_at DESC, id DESC) {PUBLIC}",
    f"CREATE INDEX article_first_published ON article (first_published_at DESC, id DESC) {PUBLIC}",
    f"CREATE INDEX article_updated ON article (updated_at DESC, id DESC) {PUBLIC}",
    f"CREATE INDEX article_urgent ON article (urgency, published_at DESC, id DESC) {PUBLIC}",
    f"CREATE INDEX article_in_category ON article (category_id, published_at DESC, id DESC) {PUBLIC}",
    f"CREATE INDEX article_of_type ON article (content_type, published_at DESC, id DESC) {PUBLIC}",
    "CREATE INDEX article_in_story ON article (story_id, published_at DESC, id DESC)"
    " WHERE story_id IS NOT NULL",
    "CREATE INDEX article_translations ON article (translation_group) WHERE translation_group IS NOT NULL",
    "CREATE INDEX article_lead_media ON article (lead_media_id)",
    "CREATE INDEX article_category ON article (category_id)",
    "CREATE INDEX article_slug ON article (slug, id)",
    "CREATE INDEX article_section_latest ON article_section (category_id, published_at DESC, article_id DESC)",
    "CREATE INDEX article_section_direct ON article_section"
    " (category_id, published_at DESC, article_id DESC) WHERE direct",
    "CREATE INDEX article_tag_latest ON article_tag (tag_id, published_at DESC, article_id DESC)",
    "CREATE INDEX article_author_author ON article_author (author_id, article_id)",
    "CREATE INDEX article_media_media ON article_media (media_id, article_id)",
    "CREATE INDEX article_related_related ON article_related (related_id)",
    "CREATE INDEX attribution_of_article ON attribution (article_id, position, id)",
    "CREATE INDEX attribution_chain ON attribution (head_id, hop)",
    "CREATE INDEX attribution_source ON attribution (source_id, article_id)",
    "CREATE INDEX attribution_origin ON attribution (origin_id, article_id)",
    "CREATE INDEX attribution_media ON attribution (media_id) WHERE media_id IS NOT NULL",
    "CREATE INDEX correction_of_article ON correction (article_id, at DESC)",
    "CREATE INDEX collection_item_order ON collection_item (collection_id, position, id)",
    "CREATE INDEX collection_item_article ON collection_item (article_id)",
    "CREATE INDEX collection_item_media ON collection_item (media_id) WHERE media_id IS NOT NULL",
    "CREATE INDEX slug_history_slug ON slug_history (slug, article_id)",
    "CREATE INDEX slug_history_article ON slug_history (article_id)",
    "CREATE INDEX external_id_article ON external_id (article_id)",
    "CREATE UNIQUE INDEX category_sibling ON category (parent_id, slug)",
    "CREATE INDEX source_parent ON source (parent_id) WHERE parent_id IS NOT NULL",
    "CREATE INDEX tag_broader ON tag (broader_id) WHERE broader_id IS NOT NULL",
    "CREATE INDEX tag_slug ON tag (slug)",
    "CREATE INDEX author_image ON author (image_id) WHERE image_id IS NOT NULL",
]

CHECKED = (
    "Category",
    "Source",
    "Media",
    "Tag",
    "Article",
    "ArticleAuthor",
    "ArticleMedia",
    "Attribution",
    "Correction",
)

SORTED_BY_NAME = ("source", "tag", "author", "story", "collection")


class Migration(migrations.Migration):
    dependencies = [("content", "0001_content")]

    operations = [
        EnforceChecks(*CHECKED),
        DialectSql(
            both=INDEXES,
            postgres=[
                *(
                    f'CREATE INDEX {table}_by_name ON {table} (sort_name COLLATE "C", id)'
                    for table in SORTED_BY_NAME
                ),
                "CREATE TABLE article_search ("
                " article_id bigint PRIMARY KEY REFERENCES article (id) ON DELETE CASCADE,"
                " document tsvector NOT NULL)",
                "CREATE INDEX article_search_words ON article_search USING gin (document)",
            ],
            sqlite=[
                *(f"CREATE INDEX {table}_by_name ON {table} (sort_name, id)" for table in SORTED_BY_NAME),
                # content/search_terms.py folds and stems the terms; the tokenizer only splits at spaces.
                "CREATE VIRTUAL TABLE article_search USING fts5 ("
                " headline, summary, body, tokenize = 'unicode61 remove_diacritics 0')",
                "CREATE TRIGGER article_search_follows AFTER DELETE ON article"
                " BEGIN DELETE FROM article_search WHERE rowid = OLD.id; END",
            ],
        ),
    ]
