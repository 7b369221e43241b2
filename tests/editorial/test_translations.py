"""Languages of articles and names, and translations: one article per language."""

from __future__ import annotations

import asyncio
import io
from typing import Any

import orjson
import pytest
from tests.support.editorial_client import ANNA, BOB, DAY, PUBLIC, ROOT, EditorialClient

from contentql.content.ids import decode_id
from contentql.formats import jsonl
from contentql.importing.importer import import_records
from contentql.importing.report import ItemOutcome
from contentql.store.database import Database

LANGUAGE = "article { id language } warnings { code message field place }"


async def write(newsroom: EditorialClient, *statements: str) -> None:
    """Writes rows as earlier versions did."""
    async with Database(newsroom.url).orm() as connection:
        for statement in statements:
            await connection.execute_query(statement)


async def import_article(newsroom: EditorialClient, **fields: Any) -> ItemOutcome:
    line = orjson.dumps({"record": "article", "headline": "Imported", **fields})
    items = list(jsonl.read_records(io.BytesIO(line), "file.jsonl"))
    return (await import_records(newsroom.database, items, now=newsroom.now)).outcomes[0]


def row_id(id: str) -> int:
    decoded = decode_id(id)
    assert decoded is not None
    return decoded[1]


@pytest.mark.parametrize(("text", "tag"), [("EN", "en"), ("de-ch", "de-CH"), ("zh-hans-cn", "zh-Hans-CN")])
async def test_languages_are_stored_in_their_normal_form(
    newsroom: EditorialClient, text: str, tag: str
) -> None:
    """Of new and of changed articles; the case alone gives no warning."""
    created = await newsroom.mutate_ok("createArticle", selection=LANGUAGE, headline="A", language=text)
    assert (created["article"]["language"], created["warnings"]) == (tag, [])
    id = await newsroom.create_draft(language="fr")
    changed = await newsroom.mutate_ok("updateArticle", selection=LANGUAGE, id=id, language=text)
    assert (changed["article"]["language"], changed["warnings"]) == (tag, [])


@pytest.mark.parametrize(
    ("text", "tag"), [("iw", "he"), ("i-klingon", "tlh"), ("deu", "de"), ("pt_BR", "pt-BR")]
)
async def test_replaced_languages_are_reported(newsroom: EditorialClient, text: str, tag: str) -> None:
    """A deprecated tag becomes its preferred value."""
    created = await newsroom.mutate_ok("createArticle", selection=LANGUAGE, headline="A", language=text)
    assert created["article"]["language"] == tag
    assert created["warnings"] == [
        {
            "code": "CHANGED",
            "message": f"The language tag {text!r} was replaced by its preferred form {tag!r}.",
            "field": ["language"],
            "place": text,
        }
    ]


@pytest.mark.parametrize("text", ["english", "xx-", "e", "xx", "de-QL", "zh-abc", "de--CH"])
async def test_other_languages_are_refused_with_the_other_errors(
    newsroom: EditorialClient, text: str
) -> None:
    """Of new and of changed articles; nothing is stored."""
    id = await newsroom.create_draft()
    async with newsroom.unchanged():
        for mutation, input in (("createArticle", {"headline": "A"}), ("updateArticle", {"id": id})):
            errors = await newsroom.mutate_errors(mutation, **input, language=text, urgency=10)
            assert {error["field"][0] for error in errors} == {"language", "urgency"}
            (error,) = (error for error in errors if error["field"] == ["language"])
            assert error["code"] == "INVALID"
            assert error["message"].startswith(
                "language must be a language tag such as en, de-CH or zh-Hans; "
            )


async def test_names_have_languages(newsroom: EditorialClient) -> None:
    """Of sections and tags: normalised, replaced with a warning, or refused."""
    selection = "tag { id names { language name } } warnings { code field }"
    names = [{"language": "DE", "name": "x"}, {"language": "iw", "name": "y"}]
    payload = await newsroom.mutate_ok(
        "createTag", ROOT, selection=selection, type="PLACE", name="Named", names=names
    )
    assert payload["tag"]["names"] == [{"language": "de", "name": "x"}, {"language": "he", "name": "y"}]
    assert payload["warnings"] == [{"code": "CHANGED", "field": ["names", "1", "language"]}]
    (error,) = await newsroom.mutate_errors(
        "createCategory", ROOT, name="X", names=[{"language": "German", "name": "x"}]
    )
    assert (error["field"], error["hint"]) == (
        ["names", "0", "language"],
        "The language tag of German is de.",
    )
    await write(
        newsroom,
        f'UPDATE tag SET names = \'[{{"language": "english", "name": "x"}}]\''
        f" WHERE id = {row_id(payload['tag']['id'])}",
    )
    payload = await newsroom.mutate_ok(
        "updateTag", ROOT, selection=selection, id=payload["tag"]["id"], description="New"
    )
    assert payload["tag"]["names"] == [{"language": "english", "name": "x"}]


async def test_stored_languages_of_earlier_versions_are_read_and_kept(own_newsroom: EditorialClient) -> None:
    """They can be read, also by a language in the query, edited, restored, and replaced by a valid one."""
    newsroom = own_newsroom
    old, wrong = await newsroom.create_published(slug="old"), await newsroom.create_published(slug="wrong")
    await write(
        newsroom,
        "UPDATE article SET language = 'DE-ch' WHERE slug = 'old'",
        "UPDATE article SET language = 'english' WHERE slug = 'wrong'",
    )
    query = """{ old: article(slug: "old", language: "de") { language }
      best: article(slug: "old", languages: ["fr", "de-CH"]) { language }
      filtered: articles(filter: {inLanguages: ["de"]}) { nodes { language } }
      wrong: article(slug: "wrong") { language translations { id } }
      exact: articles(filter: {language: {eq: "english"}}) { nodes { language } } }"""
    assert await newsroom.query(query) == {
        "old": {"language": "DE-ch"},
        "best": {"language": "DE-ch"},
        "filtered": {"nodes": [{"language": "DE-ch"}]},
        "wrong": {"language": "english", "translations": []},
        "exact": {"nodes": [{"language": "english"}]},
    }
    for id in (old, wrong):
        changed = await newsroom.mutate_ok(
            "updateArticle", selection=LANGUAGE, id=id, headline="Changed", summary="x"
        )
        assert changed["article"]["language"] == ("DE-ch" if id == old else "english")
        await newsroom.republish(id)
        await newsroom.mutate_ok("restoreRevision", id=id, version=1)
    changed = await newsroom.mutate_ok("updateArticle", selection=LANGUAGE, id=wrong, language="en")
    assert changed["article"]["language"] == "en"


async def test_translations_have_one_article_per_language(newsroom: EditorialClient) -> None:
    """Neither the language of the original nor that of a translation can be added again."""
    original = await newsroom.create_draft(slug="one-original")
    german = await newsroom.create_draft(slug="one-german", language="de", translationOf=original)
    await newsroom.create_draft(language="de-CH", translationOf=original)  # another language
    other = await newsroom.create_draft(language="de")
    async with newsroom.unchanged():
        for mutation, input, existing in (
            ("createArticle", {"headline": "A", "translationOf": original}, f"'one-original' ({original})"),
            (
                "createArticle",
                {"headline": "A", "translationOf": german, "language": "EN"},
                f"'one-original' ({original})",
            ),
            (
                "createArticle",
                {"headline": "A", "translationOf": original, "language": "deu"},
                f"'one-german' ({german})",
            ),
            ("updateArticle", {"id": other, "translationOf": original}, f"'one-german' ({german})"),
            ("updateArticle", {"id": german, "language": "en"}, f"'one-original' ({original})"),
            ("updateArticle", {"id": original, "language": "de"}, f"'one-german' ({german})"),
        ):
            (error,) = await newsroom.mutate_errors(mutation, **input)
            assert (error["code"], error["field"]) == ("TAKEN", ["language"])
            assert f"already have the article {existing} in the language" in error["message"]
    await newsroom.mutate_ok("updateArticle", id=other, translationOf=original, language="fr")
    await newsroom.mutate_ok("updateArticle", id=german, translationOf=None)
    await newsroom.mutate_ok("updateArticle", id=other, language="de")


async def test_errors_do_not_name_hidden_translations(newsroom: EditorialClient) -> None:
    """An author learns that the language is taken, not by which draft of another account."""
    original = await newsroom.create_published()
    await newsroom.create_draft(slug="secret-draft", language="de", translationOf=original)
    (error,) = await newsroom.mutate_errors(
        "createArticle", BOB, headline="A", language="de", translationOf=original
    )
    assert error["message"] == "The translations already have another article in the language 'de'."


async def test_working_copies_count_with_their_languages(newsroom: EditorialClient) -> None:
    """The languages of a published article and of its unpublished changes are both taken."""
    original = await newsroom.create_published(slug="copied-original")
    german = await newsroom.create_published(slug="copied-german", language="de", translationOf=original)
    await newsroom.mutate_ok("updateArticle", id=german, language="fr")
    for language in ("de", "fr"):
        (error,) = await newsroom.mutate_errors(
            "createArticle", headline="A", language=language, translationOf=original
        )
        assert f"'copied-german' ({german})" in error["message"]
    assert await newsroom.mutate_codes("updateArticle", id=german, language="en") == {("TAKEN", "language")}
    await newsroom.republish(german)
    await newsroom.create_draft(language="de", translationOf=original)


async def test_restored_articles_and_versions_need_their_language(newsroom: EditorialClient) -> None:
    """Another article may have taken it; a version without the conflict can be restored."""
    original = await newsroom.create_draft()
    german = await newsroom.create_draft(language="de", translationOf=original)
    await newsroom.mutate_ok("updateArticle", id=german, language="fr")
    new = await newsroom.create_draft(slug="new-german", language="de", translationOf=original)
    (error,) = await newsroom.mutate_errors("restoreRevision", id=german, version=1)
    assert (error["code"], error["field"]) == ("TAKEN", ["version"])
    assert f"'new-german' ({new})" in error["message"]
    await newsroom.mutate_ok("restoreRevision", id=german, version=2)
    await newsroom.mutate_ok("deleteArticle", id=new)
    await newsroom.mutate_ok("restoreRevision", id=german, version=1)
    (error,) = await newsroom.mutate_errors("restoreArticle", id=new)
    assert (error["code"], error["field"]) == ("TAKEN", ["id"])
    await newsroom.mutate_ok("deleteArticle", id=german)
    await newsroom.mutate_ok("restoreArticle", id=new)


async def test_former_duplicates_can_be_edited_and_published(own_newsroom: EditorialClient) -> None:
    """Earlier versions accepted two articles in one language; they are no obstacle to other changes."""
    newsroom = own_newsroom
    original = await newsroom.create_draft()
    german = await newsroom.create_draft(language="de", translationOf=original)
    other = await newsroom.create_draft(language="de", slug="twice")
    await write(
        newsroom, f"UPDATE article SET translation_group = {row_id(original)} WHERE id = {row_id(other)}"
    )
    for id in (german, other):
        await newsroom.mutate_ok("updateArticle", id=id, headline="Changed")
        for transition in ("submitArticle", "approveArticle", "publishArticle", "archiveArticle"):
            await newsroom.mutate_ok(transition, id=id)
        await newsroom.mutate_ok("restoreArticle", id=id)


async def test_only_one_of_two_simultaneous_translations_is_created(own_newsroom: EditorialClient) -> None:
    """Two writers cannot both find the language free."""
    newsroom = own_newsroom
    original = await newsroom.create_published()
    payloads = await asyncio.gather(
        *(
            newsroom.mutate("createArticle", headline=f"A {n}", language="de", translationOf=original)
            for n in range(6)
        )
    )
    assert sorted(len(payload["userErrors"]) for payload in payloads) == [0, 1, 1, 1, 1, 1]


async def test_imports_normalise_and_check_languages(own_newsroom: EditorialClient) -> None:
    """A record with an invalid or taken language is reported with its line, and nothing of it is stored."""
    newsroom = own_newsroom
    original = await newsroom.create_published(slug="imported-original")
    outcome = await import_article(newsroom, slug="deutsch", language="DE", translationGroup=original)
    assert (outcome.result, outcome.warnings) == ("created", ())
    outcome = await import_article(
        newsroom,
        slug="hebrew",
        language="IW",
        slugHistory=[{"language": "deu", "slug": "former", "until": "2026-01-01T00:00:00Z"}],
    )
    assert [warning.message for warning in outcome.warnings] == [
        "the language tag 'IW' was replaced by its preferred form 'he'",
        "the language tag 'deu' was replaced by its preferred form 'de'",
    ]
    assert [".".join(warning.field) for warning in outcome.warnings] == ["language", "slugHistory.0.language"]
    async with newsroom.unchanged():
        outcome = await import_article(newsroom, slug="x", language="english")
        assert (outcome.result, outcome.reason) == (
            "failed",
            "language: must be a language tag such as en, de-CH or zh-Hans; 'english' is not one",
        )
        for language, existing in (("en", f"'imported-original' ({original})"), ("De", "'deutsch' (art_")):
            outcome = await import_article(newsroom, slug="x", language=language, translationGroup=original)
            assert outcome.result == "failed"
            assert f"already have the article {existing}" in outcome.reason
    outcome = await import_article(newsroom, slug="deutsch", language="de", translationGroup=original)
    assert outcome.result == "unchanged"
    rows = await newsroom.table("SELECT slug, language FROM article WHERE slug IN ('deutsch', 'hebrew')")
    assert sorted(rows) == [("deutsch", "de"), ("hebrew", "he")]


@pytest.mark.parametrize(("stored", "text"), [("EN", "EN"), ("de-ch", "DE-CH"), ("iw", "iw")])
async def test_imports_recognise_records_of_earlier_versions(
    own_newsroom: EditorialClient, stored: str, text: str
) -> None:
    """Their external ids have the language as it was written; the article gets its normal form."""
    newsroom = own_newsroom
    assert (await import_article(newsroom, slug="again", language="fr")).result == "created"
    await write(
        newsroom,
        f"UPDATE article SET language = '{stored}' WHERE slug = 'again'",
        f"UPDATE external_id SET value = '{stored}/again' WHERE value = 'fr/again'",
    )
    outcome = await import_article(newsroom, slug="again", language=text)
    assert outcome.result == "updated"
    assert (await import_article(newsroom, slug="again", language=text)).result == "unchanged"
    rows = await newsroom.table("SELECT language FROM article WHERE slug = 'again'")
    assert len(rows) == 1


@pytest.fixture(scope="module")
async def site(small_newsroom_url: str, newsroom: EditorialClient) -> dict[str, str]:
    """Ids of an English article and its translations, of which the Italian one is a draft."""
    original = await newsroom.create_published(slug="news", headline="News")
    await newsroom.mutate_ok("updateArticle", id=original, slug="the-news")
    await newsroom.republish(original)
    ids = {"en": original}
    for language, slug in (("de-AT", "neues"), ("de-CH", "neuigkeiten"), ("pt-BR", "the-news")):
        ids[language] = await newsroom.create_published(slug=slug, language=language, translationOf=original)
    ids["it"] = await newsroom.create_draft(slug="notizie", language="it", translationOf=original)
    # Another article has the slug in French.
    ids["other"] = await newsroom.create_published(slug="the-news", language="fr")
    return ids


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        ('slug: "the-news", languages: ["en"]', "en"),
        ('slug: "the-news", languages: ["de", "en"]', "de-AT"),  # the first of two that match
        ('slug: "the-news", languages: ["DE-ch", "en"]', "de-CH"),
        ('slug: "the-news", languages: ["nl", "it", "en"]', "en"),  # the Italian draft is hidden
        ('slug: "news", languages: ["nl", "de-CH"]', "de-CH"),  # by a former slug
        ('slug: "neues", languages: ["en", "de"]', "en"),  # by the slug of a translation
        ('slug: "neues", languages: ["de-CH", "de"]', "de-CH"),
        ('slug: "neues", languages: ["de"]', "de-AT"),  # the article with the slug itself
        ('slug: "neuigkeiten", languages: ["de"]', "de-CH"),
        ('slug: "the-news", languages: ["fr", "en"]', "other"),
        ('slug: "the-news", languages: "pt"', "pt-BR"),
        ('slug: "neues", languages: ["nl", "*"]', "de-AT"),
        ('slug: "the-news", languages: ["nl", "ja"]', None),
        ('slug: "notizie", languages: ["en"]', None),  # a hidden article leads nowhere
        ('slug: "nowhere", languages: ["*"]', None),
        ('id: "{en}", languages: ["de-CH", "en"]', "de-CH"),
        ('id: "{de-AT}", languages: ["en"]', "en"),
        ('id: "{it}", languages: ["en"]', None),
        ('slug: "the-news", language: "pt"', "pt-BR"),
        ('slug: "the-news", language: "PT-br"', "pt-BR"),
        ('slug: "neues", language: "de"', "de-AT"),
        ('slug: "neues", language: "de-CH"', None),  # `language` returns no translation
        ('slug: "news", language: "en-GB"', None),  # a range is not shortened
        ('slug: "news", language: "en"', "en"),
    ],
)
async def test_best_available_translation(
    newsroom: EditorialClient, site: dict[str, str], arguments: str, expected: str | None
) -> None:
    """The first language in which the viewer sees a translation wins."""
    for key, id in site.items():
        arguments = arguments.replace(f"{{{key}}}", id)
    article = (await newsroom.query(f"{{ article({arguments}) {{ id }} }}", PUBLIC))["article"]
    assert (article and article["id"]) == (site[expected] if expected else None)


async def test_best_translation_of_drafts_and_variables(
    newsroom: EditorialClient, site: dict[str, str]
) -> None:
    """Editors see drafts and working copies; a list in a variable may have any length, null is no list."""
    query = """query ($slug: String!, $languages: [String!]) {
      article(slug: $slug, languages: $languages) { id canonicalSlug } }"""
    for languages, expected in ((["it", "en"], "it"), (["nl", "en"], "en"), (["en"], "en"), (None, "other")):
        article = (await newsroom.query(query, ANNA, slug="the-news", languages=languages))["article"]
        if languages:
            assert article["id"] == site[expected]
    copied = await newsroom.create_published(slug="copied", language="es", translationOf=site["en"])
    await newsroom.mutate_ok("updateArticle", id=copied, slug="copied-again")
    for slug in ("copied", "copied-again", "the-news"):
        article = (await newsroom.query(query, ANNA, slug=slug, languages=["es"]))["article"]
        assert (article["id"], article["canonicalSlug"]) == (copied, "copied-again")
    article = (await newsroom.query(query, PUBLIC, slug="the-news", languages=["es"]))["article"]
    assert article["canonicalSlug"] == "copied"
    await newsroom.mutate_ok("deleteArticle", id=copied)


@pytest.mark.parametrize(
    ("field", "code", "message"),
    [
        (
            'article(slug: "x", language: "english") { id }',
            "BAD_USER_INPUT",
            "language must be a language tag such as en, de-CH or zh-Hans; 'english' is not one.",
        ),
        (
            'article(slug: "x", languages: ["de", "xx-"]) { id }',
            "BAD_USER_INPUT",
            "languages must be a language tag such as en, de-CH or zh-Hans; 'xx-' is not one.",
        ),
        (
            'article(slug: "x", languages: []) { id }',
            "BAD_USER_INPUT",
            "languages must have at least one language.",
        ),
        (
            'article(slug: "x", language: "de", languages: ["de"]) { id }',
            "BAD_USER_INPUT",
            "article takes language or languages, not both.",
        ),
        (
            f'article(slug: "x", languages: {orjson.dumps(["en"] * 21).decode()}) {{ id }}',
            "INPUT_LIMIT_EXCEEDED",
            "A list has 21 values; 20 are allowed.",
        ),
        (
            'withdrawal(slug: "x", language: "zz") { id }',
            "BAD_USER_INPUT",
            "language must be a language tag such as en, de-CH or zh-Hans;"
            " 'zz' is not a registered language.",
        ),
    ],
)
async def test_languages_of_queries_are_validated(
    newsroom: EditorialClient, field: str, code: str, message: str
) -> None:
    """The field is null, and the error names the argument and has examples."""
    response = await newsroom.execute(f"{{ found: {field} viewer {{ role }} }}")
    assert response["data"] == {"found": None, "viewer": {"role": "READER"}}
    (error,) = response["errors"]
    assert (error["extensions"]["code"], error["message"]) == (code, message)


async def test_filters_by_language(newsroom: EditorialClient, site: dict[str, str]) -> None:
    """`inLanguages` matches more specific languages as well; `eq`, `in` and the others are exact."""
    group = f'translations: {{some: {{id: {{eq: "{site["en"]}"}}}}}}'
    for condition, expected in (
        ('inLanguages: ["de"]', {"de-AT", "de-CH"}),
        ('inLanguages: ["DE-ch", "pt"]', {"de-CH", "pt-BR"}),
        ('inLanguages: "*"', {"de-AT", "de-CH", "pt-BR"}),
        ('not: {inLanguages: ["de"]}', {"pt-BR"}),
        ('language: {eq: "de"}', set()),
        ('language: {eq: "DE-at"}', {"de-AT"}),
        ('language: {in: ["PT-br", "de"]}', {"pt-BR"}),
        ('language: {notIn: ["PT-br"]}', {"de-AT", "de-CH"}),
        ('language: {ne: "de-ch"}', {"de-AT", "pt-BR"}),
        ('language: {startsWith: "de-"}', {"de-AT", "de-CH"}),
    ):
        query = f"{{ articles(filter: {{{condition}, {group}}}) {{ nodes {{ language }} }} }}"
        nodes = (await newsroom.query(query))["articles"]["nodes"]
        assert {node["language"] for node in nodes} == expected, condition


async def test_withdrawals_are_found_by_language(newsroom: EditorialClient) -> None:
    """`de` also finds the notice in place of an article in `de-CH`."""
    id = await newsroom.create_published(slug="withdrawn-text", language="de-CH")
    await newsroom.mutate_ok("withdrawArticle", id=id, notice="It was wrong.")
    newsroom.now += DAY
    query = """{ a: withdrawal(slug: "withdrawn-text", language: "DE") { id }
      b: withdrawal(slug: "withdrawn-text", language: "fr") { id } }"""
    assert await newsroom.query(query) == {"a": {"id": id}, "b": None}
