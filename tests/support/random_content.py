"""Randomly generated newsrooms with public and hidden content.

`without_hidden` computes, independently of the planner, the newsroom in which the hidden content never
existed.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Iterable, Mapping, Sequence
from random import Random
from typing import Any

from contentql.content.blocks import Gallery, Image, Paragraph, Quote
from contentql.content.enums import (
    AttributionKind,
    AttributionState,
    ContentType,
    CorrectionKind,
    MediaKind,
    SourceKind,
    Status,
    TagType,
)
from contentql.content.records import (
    ArticleRecord,
    AttributionRecord,
    AuthorRecord,
    CategoryRecord,
    CollectionItemRecord,
    CollectionRecord,
    CorrectionRecord,
    CreditRecord,
    MediaRecord,
    MentionRecord,
    Record,
    SlugRecord,
    SourceRecord,
    StoryRecord,
    TagRecord,
)

NOW = dt.datetime(2026, 6, 30, 8, tzinfo=dt.UTC)
HOUR = dt.timedelta(hours=1)
PATHS = ("world", "world/asia", "world/asia/east", "politics", "sport")
WORDS = ("coffin", "troops", "harbour", "tide", "minister", "plan", "bridge", "voters", "film", "goal")
PUBLIC_STATES = (AttributionState.ACCEPTED, AttributionState.EDITED)


def random_newsroom(random: Random, articles: int = 16) -> list[Record]:
    """Records with explicit ids and times, each after the records that it refers to."""
    return _ContentGenerator(random).records(articles)


class _ContentGenerator:
    def __init__(self, random: Random) -> None:
        self.random = random
        self.ids = iter(range(1_000, 100_000))

    def sample(self, items: Sequence[Any], max_count: int) -> list[Any]:
        return self.random.sample(list(items), self.random.randint(0, min(max_count, len(items))))

    def choose_or_none(self, items: Sequence[Any], chance: float = 0.5) -> Any:
        return self.random.choice(items) if items and self.random.random() < chance else None

    def random_words(self, max_count: int) -> str:
        return " ".join(self.random.choice(WORDS) for _ in range(self.random.randint(1, max_count)))

    def records(self, articles: int) -> list[Record]:
        media = [self.media(n) for n in range(8)]
        media_ids = [m.id for m in media]
        sources = [self.source(n) for n in range(7)]
        authors = [
            AuthorRecord(
                id=next(self.ids),
                slug=f"author-{n}",
                name=f"Author {n}",
                image=self.choose_or_none(media_ids),
            )
            for n in range(4)
        ]
        tags = [
            TagRecord(
                id=next(self.ids),
                type=self.random.choice(list(TagType)),
                slug=f"tag-{n}",
                name=f"Tag {n}",
                latitude=1.5,
                longitude=2.5,
            )
            for n in range(6)
        ]
        tags = [
            tag.model_copy(update={"broader": tag_key(tags[0]) if n and self.random.random() < 0.4 else None})
            for n, tag in enumerate(tags)
        ]
        stories = [StoryRecord(id=next(self.ids), slug=f"story-{n}", title=f"Story {n}") for n in range(3)]
        article_records: list[ArticleRecord] = []
        for n in range(articles):
            article_records.append(
                self.article(n, article_records, media_ids, sources, authors, tags, stories)
            )
        collections = [
            CollectionRecord(
                id=next(self.ids),
                slug=f"collection-{n}",
                title=f"Collection {n}",
                max_items=self.choose_or_none([1, 2, 3, 4]),
                items=tuple(
                    CollectionItemRecord(
                        article=a.uri or "",
                        media=self.choose_or_none(media_ids, 0.3),
                        headline=self.choose_or_none(WORDS),
                        pinned_until=self.choose_or_none([NOW - HOUR, NOW, NOW + HOUR], 0.3),
                    )
                    for a in self.sample(article_records, 6)
                ),
            )
            for n in range(2)
        ]
        categories = [
            CategoryRecord(id=next(self.ids), path=path, name=path.title(), position=n)
            for n, path in enumerate(PATHS)
        ]
        return [*categories, *sources, *media, *authors, *tags, *stories, *article_records, *collections]

    def media(self, n: int) -> MediaRecord:
        return MediaRecord(
            id=next(self.ids),
            kind=self.random.choice([MediaKind.IMAGE, MediaKind.VIDEO]),
            url=f"https://media.example.org/{n}.jpg",
            mime="image/jpeg",
            alt=f"Picture {n}",
            width=100 * n,
            expires_at=self.choose_or_none([NOW - HOUR, NOW, NOW + HOUR], 0.4),
            created_at=NOW - 99 * HOUR,
        )

    def source(self, n: int) -> SourceRecord:
        parent = f"source-{self.random.randrange(n)}" if n and self.random.random() < 0.4 else None
        kind = self.random.choice(list(SourceKind))
        return SourceRecord(
            id=next(self.ids), slug=f"source-{n}", name=f"Source {n}", kind=kind, parent=parent
        )

    def article(
        self,
        n: int,
        earlier_articles: Sequence[ArticleRecord],
        media_ids: Sequence[Any],
        sources: Sequence[SourceRecord],
        authors: Sequence[AuthorRecord],
        tags: Sequence[TagRecord],
        stories: Sequence[StoryRecord],
    ) -> ArticleRecord:
        id = next(self.ids)
        chains = [
            self.attribution_chain([s.slug for s in sources], media_ids)
            for _ in range(self.random.randint(0, 3))
        ]
        blocks: list[Any] = [Paragraph(id=f"blk_{id}_0", text=self.random_words(8))]
        pictures = self.sample(media_ids, 2)
        blocks += [Image(id=f"blk_{id}_{m}", media=m, caption=self.choose_or_none(WORDS)) for m in pictures]
        if len(pictures) == 2:
            blocks.append(Gallery(id=f"blk_{id}_g", media=tuple(pictures)))
        if chains:
            blocks.append(Quote(id=f"blk_{id}_q", text=self.random_words(4), attribution=chains[0].id))
        section = self.random.choice(PATHS)
        published = NOW - self.random.choice([1, 2, 2, 3, 50, 51]) * HOUR
        hidden = self.random.random() < 0.5
        language = self.random.choice(["en", "en", "de", "de-CH", "fr"])
        return ArticleRecord(
            id=id,
            uri=f"tag:example.org,2026:{n}",
            slug=f"article-{n}",
            language=language,
            content_type=self.random.choice(list(ContentType)),
            urgency=self.random.randint(1, 9),
            category=section,
            sections=tuple(p for p in self.sample(PATHS, 2) if p != section),
            headline=self.random_words(5),
            summary=self.choose_or_none([self.random_words(6)]),
            byline=self.choose_or_none(["Jane Doe"]),
            authors=tuple(CreditRecord(author=a.slug) for a in self.sample(authors, 2)),
            lead_media=self.choose_or_none(media_ids),
            blocks=tuple(blocks),
            attributions=tuple(chains),
            corrections=tuple(
                CorrectionRecord(
                    id=next(self.ids), kind=CorrectionKind.UPDATE, at=published, text=self.random_words(4)
                )
                for _ in range(self.random.randint(0, 1))
            ),
            tags=tuple(MentionRecord(tag=tag_key(t), relevance=50) for t in self.sample(tags, 3)),
            story=self.choose_or_none([s.slug for s in stories]),
            translation_group=self.choose_or_none(free_groups(earlier_articles, language), 0.2),
            related=tuple(b.uri or "" for b in self.sample(earlier_articles, 2)),
            slug_history=(
                (
                    SlugRecord(
                        language="en",
                        slug=self.random.choice([f"former-{n}", f"article-{n + 1}"]),
                        until=published,
                    ),
                )
                if self.random.random() < 0.3
                else ()
            ),
            version=1,
            modified_at=published,
            first_published_at=published,
            updated_at=published,
            **self.publication_fields(published, hidden),
        )

    def publication_fields(self, published: dt.datetime, hidden: bool) -> dict[str, Any]:
        if not hidden:
            return {
                "status": self.random.choice([Status.PUBLISHED, Status.SCHEDULED]),
                "published_at": published,
                "embargo_until": self.choose_or_none([NOW, NOW - HOUR], 0.3),
                "expires_at": self.choose_or_none([NOW + HOUR], 0.3),
            }
        public = {"status": Status.PUBLISHED, "published_at": published}
        private = [Status.DRAFT, Status.IN_REVIEW, Status.APPROVED, Status.WITHDRAWN, Status.ARCHIVED]
        chosen: dict[str, Any] = self.random.choice(
            [
                {"status": self.random.choice(private), "published_at": published},
                {"status": Status.SCHEDULED, "published_at": NOW + HOUR},
                {"status": Status.PUBLISHED, "published_at": NOW + dt.timedelta(seconds=1)},
                {**public, "embargo_until": NOW + HOUR},
                {**public, "expires_at": NOW},
                {**public, "deleted_at": NOW - HOUR},
            ]
        )
        return chosen

    def attribution_chain(self, sources: Sequence[str], media_ids: Sequence[Any]) -> AttributionRecord:
        slugs = self.random.sample(sources, self.random.randint(1, 3))
        hop: AttributionRecord | None = None
        for n, slug in reversed(list(enumerate(slugs))):
            hop = AttributionRecord(
                id=next(self.ids),
                kind=self.random.choice([AttributionKind.SAID, AttributionKind.CITING]),
                source=slug,
                claim=self.random_words(3),
                media=self.choose_or_none(media_ids, 0.3),
                via=hop,
                state=self.random.choice(list(AttributionState)) if n == 0 else AttributionState.SUGGESTED,
            )
        assert hop is not None
        return hop


def free_groups(articles: Sequence[ArticleRecord], language: str) -> list[int]:
    """Ids of the articles whose translations have none in the language."""
    used = {article.translation_group or article.id for article in articles if article.language == language}
    return [
        article.id
        for article in articles
        if article.id and not article.translation_group and article.id not in used
    ]


def tag_key(tag: TagRecord) -> str:
    return f"{tag.type.value}:{tag.slug}"


def is_public(article: ArticleRecord) -> bool:
    """Whether the article is visible to the public at NOW."""
    return (
        article.status in (Status.PUBLISHED, Status.SCHEDULED)
        and article.deleted_at is None
        and article.published_at is not None
        and article.published_at <= NOW
        and (article.embargo_until is None or article.embargo_until <= NOW)
        and (article.expires_at is None or article.expires_at > NOW)
    )


def is_never_visible(_: ArticleRecord) -> bool:
    return False


def without_hidden(
    records: Iterable[Record],
    is_visible: Callable[[ArticleRecord], bool] = is_public,
    has_visible_internals: Callable[[ArticleRecord], bool] = is_never_visible,
    *,
    keep_unused_taxonomy: bool = False,
) -> list[Record]:
    """The newsroom in which the hidden content was never written or referred to.

    Hidden are the articles that are not visible, and the unaccepted attributions of articles without visible
    internals. With `keep_unused_taxonomy`, tags, sources and the like stay although no visible article uses
    them. Expired media stay, because an article may have shown them before.
    """
    records = list(records)
    articles = {
        a.uri: a if has_visible_internals(a) else _without_internals(a)
        for a in records
        if isinstance(a, ArticleRecord) and is_visible(a)
    }
    collections = [
        c.model_copy(update={"items": tuple(item for item in c.items if item.article in articles)})
        for c in records
        if isinstance(c, CollectionRecord)
    ]
    if keep_unused_taxonomy:
        unchanged = [r for r in records if not isinstance(r, ArticleRecord | CollectionRecord)]
        return [*unchanged, *(_with_visible_related(a, articles) for a in articles.values()), *collections]
    collections = [c for c in collections if c.items]
    all_hops = [hop for a in articles.values() for head in a.attributions for hop in head.hops()]
    sources = {hop.source for hop in all_hops}
    tags = {mention.tag for a in articles.values() for mention in a.tags}
    authors = {credit.author for a in articles.values() for credit in a.authors}
    stories = {a.story for a in articles.values()}
    media: set[Any] = {a.lead_media for a in articles.values()}
    for a in articles.values():
        for block in a.blocks:
            media |= {block.media} if isinstance(block, Image) else set()
            media |= set(block.media) if isinstance(block, Gallery) else set()
    media |= {item.media for c in collections for item in c.items}
    media |= {r.image for r in records if isinstance(r, AuthorRecord) and r.slug in authors}
    remaining: list[Record] = []
    for record in records:
        match record:
            case CategoryRecord():
                remaining.append(record)
            case SourceRecord() if record.slug in sources:
                remaining.append(
                    record if record.parent in sources else record.model_copy(update={"parent": None})
                )
            case TagRecord() if tag_key(record) in tags:
                remaining.append(
                    record if record.broader in tags else record.model_copy(update={"broader": None})
                )
            case AuthorRecord() if record.slug in authors:
                remaining.append(record)
            case StoryRecord() if record.slug in stories:
                remaining.append(record)
            case MediaRecord() if record.id in media:
                remaining.append(record)
            case ArticleRecord() if record.uri in articles:
                public = _with_visible_related(articles[record.uri], articles)
                hops = tuple(_with_visible_media(head, media) for head in public.attributions)
                remaining.append(public.model_copy(update={"attributions": hops}))
            case _:
                pass
    return [*remaining, *collections]


def _with_visible_related(
    article: ArticleRecord, articles: Mapping[str | None, ArticleRecord]
) -> ArticleRecord:
    return article.model_copy(update={"related": tuple(uri for uri in article.related if uri in articles)})


def _without_internals(article: ArticleRecord) -> ArticleRecord:
    accepted = tuple(head for head in article.attributions if head.state in PUBLIC_STATES)
    ids = {head.id for head in accepted}
    blocks = tuple(
        block.model_copy(update={"attribution": None})
        if isinstance(block, Quote) and block.attribution not in ids
        else block
        for block in article.blocks
    )
    return article.model_copy(update={"attributions": accepted, "blocks": blocks})


def _with_visible_media(hop: AttributionRecord, media: set[Any]) -> AttributionRecord:
    media_id = hop.media if hop.media in media else None
    return hop.model_copy(update={"media": media_id, "via": hop.via and _with_visible_media(hop.via, media)})
