"""Search through the whole service: words in any script, stems, phrases, names, order, on both databases."""

from __future__ import annotations

import unicodedata
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from random import Random
from typing import Any

import pytest
from tests.conftest import NOW, Server
from tests.support.editorial_client import ROOT
from tests.support.graphql_client import query_data, query_json

from contentql.app import build_executor
from contentql.content.blocks import Paragraph
from contentql.content.enums import AttributionKind, AttributionState, SourceKind, Status, TagType
from contentql.content.import_item import ImportItem
from contentql.content.records import (
    ArticleRecord,
    AttributionRecord,
    AuthorRecord,
    CategoryRecord,
    CreditRecord,
    MentionRecord,
    Record,
    SourceRecord,
    TagRecord,
)
from contentql.execution.executor import Executor
from contentql.importing.importer import import_records
from contentql.settings import Settings
from contentql.store.database import Database

QUERY = "query ($s: String!) { articles(search: $s, first: 100) { nodes { slug } totalCount } }"


def article(slug: str, headline: str, text: str = "", language: str = "und", **fields: Any) -> ArticleRecord:
    """A published article."""
    return ArticleRecord(
        uri=f"urn:test:{slug}",
        slug=slug,
        language=language,
        status=Status.PUBLISHED,
        published_at=NOW,
        category="news",
        headline=headline,
        blocks=(Paragraph(id="blk_1", text=text or "…"),),
        **fields,
    )


@asynccontextmanager
async def newsroom(server: Server, records: Iterable[Record]) -> AsyncIterator[Executor]:
    """An executor of a newsroom with these records."""
    url = await server.migrated()
    async with Database(url) as database:
        items = [
            ImportItem(str(n), r) for n, r in enumerate([CategoryRecord(path="news", name="News"), *records])
        ]
        report = await import_records(database, items)
        assert report.counts()["created"] == len(items), report
        executor = build_executor(Settings(), database)
        executor.now = lambda: NOW
        yield executor
    await server.drop(url)


async def find_slugs(executor: Executor, text: str) -> set[str]:
    """The slugs of the articles that a search finds."""
    data = (await query_data(executor, QUERY, {"s": text}))["articles"]
    assert data["totalCount"] == len(data["nodes"])
    return {node["slug"] for node in data["nodes"]}


TEXTS = {
    "german": ("de", "Häuser in sechs Monaten", "Die Wähler entschieden über Straßen und waehlten."),
    "russian": ("ru", "Выборы в Москве", "Путин сказал, что ёлка стоит. Мой за́мок."),
    "turkish": ("tr", "Işık hızında seçim", "İstanbul'da KAPI açıldı."),
    "japanese": ("ja", "G7首脳会議でトランプ大統領が演説", "パリの東でNHK放送が伝えた。ﾄﾞﾙ、コーヒー、人々"),
    "korean": ("ko", "대통령이 서울에서", "한국 대통령이 말했다."),
    "thai": ("th", "ข่าวประเทศไทย", "นายกรัฐมนตรี"),
    "hindi": ("hi", "कुल मतदान", "हिन्दी"),
    "khmer": ("km", "ភាសាខ្មែរ", "ដំណឹង"),
    "burmese": ("my", "မြန်မာသတင်း", "ရန်ကုန်"),
    "lao": ("lo", "ຂ່າວລາວ", "ວຽງຈັນ"),
    "chinese": ("zh", "北京和上海的選舉", "他們說"),
    "arabic": ("ar", "مُحَمَّد في القاهرة", "الانتخابات"),
    "persian": ("fa", "می‌خواهم بروم", "تهران"),
    "hebrew": ("he", "שָׁלוֹם ירושלים", "בחירות"),
    "greek": ("el", "Εκλογές στην Αθήνα", "Ὀδυσσεύς"),
    "polish": ("pl", "Łódź głosuje", "Wybory"),
    "nordic": ("nb", "Tromsø og Bjørn", "Æthelred valgene"),
    "vietnamese": ("vi", "Đặng Hà Nội", "bầu cử"),
    "fulah": ("ff", "𞤀𞤣𞤤𞤢𞤥", "𞤆𞤵𞤤𞤢𞤪"),
    "soft": ("en", "Donau\u00addampf\u200bschiff", "Nokia™ says 25 co\ufeffoperation"),
}


# Search texts by the article that they find; "" has those that find none.
WORDS = {
    "german": "Monaten|Häuser|HAEUSER|Hauser|Haus|Monat|strassen|Straße|Wähler|waehl*|wahl*",
    "russian": "Выборы|выборов|ВЫБОРЫ|елка|ёлка|замок|мой",
    "turkish": "seçim|SECIM|secim*|isik|ışık|IŞIK|istanbul|İSTANBUL|kapı|KAPI",
    "japanese": "首脳会議|首脳|トランプ|トランプ大統領|NHK|nhk放送|放送|パリ|ドル|東|コーヒー|人々|G7|"
    "G7首脳会議|会議で|首脳*",
    "korean": '대통령|대통령이|서울|"한국 대통령"',
    "thai": "ข่าว|ประเทศ|ไทย",
    "hindi": "कुल|हिन्दी",
    "khmer": "ខ្មែរ|ភាសាខ្មែរ",
    "burmese": "မြန်မာ|ရန်ကုန်",
    "lao": "ລາວ|ຂ່າວ",
    "chinese": "上海|選舉|京|北京和上海",
    "arabic": "محمد|مُحَمَّد|القاهرة|الانتخابات",
    "persian": "میخواهم|می‌خواهم",
    "hebrew": "שלום|שָׁלוֹם|ירושלים",
    "greek": "ΕΚΛΟΓΕΣ|εκλογες|οδυσσευς|Ὀδυσσεύς",
    "polish": "lodz|ŁÓDŹ|Łódź",
    "nordic": "tromso|Tromsø|Bjorn|aethelred|valg|valgene",
    "vietnamese": "dang|Đặng|ha|bau",
    "fulah": "𞤢𞤣𞤤𞤢𞤥|𞤀𞤣𞤤𞤢𞤥",
    "soft": "donaudampfschiff|Donau\u00addampfschiff|donaudampf*|Nokia|cooperation|"
    "cooperate|co\u200boperation",
    "": "バリ|会議G7|ข้าว|काल|замак|operation|monats*|首会|donau",
}


async def test_a_word_finds_its_article_in_any_script(searched: Executor) -> None:
    """As it is printed, without case and accents, by its stem, and by a part of a run without spaces."""
    expected = {text: {slug} - {""} for slug, texts in WORDS.items() for text in texts.split("|")}
    assert {text: await find_slugs(searched, text) for text in expected} == expected


@pytest.fixture(scope="module")
async def searched(server: Server) -> AsyncIterator[Executor]:
    records = [article(slug, headline, text, language) for slug, (language, headline, text) in TEXTS.items()]
    async with newsroom(server, records) as executor:
        yield executor


NAMES: tuple[Record, ...] = (
    AuthorRecord(slug="zoe", name="Zoë Brontë"),
    AuthorRecord(slug="bjorn", name="Bjørn Ångström"),
    SourceRecord(slug="wire", name="Agência Lusa", kind=SourceKind.AGENCY, aliases=("Lusa News",)),
    SourceRecord(slug="secret", name="Quiet Office", kind=SourceKind.AGENCY),
    SourceRecord(slug="nhk", name="日本放送協会", kind=SourceKind.BROADCASTER, aliases=("NHK",)),
    TagRecord(type=TagType.PLACE, slug="lodz", name="Łódź", aliases=("Lodsch",)),
)


def attribution(source: str, state: AttributionState) -> AttributionRecord:
    return AttributionRecord(kind=AttributionKind.CITING, source=source, claim="It happened.", state=state)


@pytest.fixture
async def named(server: Server) -> AsyncIterator[Executor]:
    accepted, rejected = AttributionState.ACCEPTED, AttributionState.REJECTED
    records = [
        *NAMES,
        article("one", "Harbour opens", authors=(CreditRecord(author="zoe"),)),
        article(
            "two",
            "Harbour closes",
            attributions=(attribution("wire", accepted), attribution("secret", rejected)),
            authors=(CreditRecord(author="bjorn"),),
            tags=(MentionRecord(tag="PLACE:lodz"),),
        ),
        article("three", "Nothing", attributions=(attribution("nhk", AttributionState.EDITED),)),
    ]
    async with newsroom(server, records) as executor:
        yield executor


async def test_articles_are_found_by_their_authors_and_sources(named: Executor) -> None:
    """By a part of a name or alias, together with other words; never by a source that is not public."""
    expected = {
        "bronte": {"one"},
        '"zoë brontë"': {"one"},
        '"brontë zoë"': set(),
        "harbour zoe": {"one"},
        "harbour -zoe": {"two"},
        '-"zoe bronte"': {"two", "three"},
        "ångström or bronte": {"one", "two"},
        "angs*": {"two"},
        "agencia": {"two"},
        '"lusa news" harbour': {"two"},
        '"agencia lusa news"': set(),
        "quiet": set(),
        "日本放送": {"three"},
        "nhk": {"three"},
        "office or nhk": {"three"},
    }
    assert {text: await find_slugs(named, text) for text in expected} == expected


async def test_renamed_and_merged_names_find_their_articles(named: Executor) -> None:
    """At once, without a change of the articles; the former name finds them no more."""
    update = "mutation ($i: UpdateAuthorInput!) { updateAuthor(input: $i) { userErrors { message } } }"
    data = await query_data(
        named, '{ authors(search: "zoe") { nodes { id } } sources { nodes { id slug } } }'
    )
    change = {"id": data["authors"]["nodes"][0]["id"], "name": "Emily Dickinson"}
    assert await find_slugs(named, "zoe") == {"one"}
    assert "errors" not in await query_json(named, update, {"i": change}, ROOT.viewer)
    assert (await find_slugs(named, "zoe"), await find_slugs(named, "dickinson")) == (set(), {"one"})

    merge = "mutation ($i: MergeSourcesInput!) { mergeSources(input: $i) { userErrors { message } } }"
    ids = {node["slug"]: node["id"] for node in data["sources"]["nodes"]}
    await query_json(named, merge, {"i": {"sources": [ids["wire"]], "into": ids["nhk"]}}, ROOT.viewer)
    assert (await find_slugs(named, "lusa"), await find_slugs(named, "nhk")) == (set(), {"two", "three"})


async def test_sources_tags_and_authors_have_a_search(named: Executor) -> None:
    """By words of the name and of other names; an empty text is no condition."""
    query = """query ($s: String, $t: String, $a: String) {
      sources(search: $s) { nodes { slug } } tags(search: $t) { nodes { slug } }
      authors(search: $a) { totalCount nodes { slug } }
    }"""

    async def slugs(sources: str, tags: str, authors: str) -> list[list[str]]:
        data = await query_data(named, query, {"s": sources, "t": tags, "a": authors})
        return [[node["slug"] for node in data[name]["nodes"]] for name in ("sources", "tags", "authors")]

    assert await slugs("lusa", "lodz", "bronte") == [["wire"], ["lodz"], ["zoe"]]
    assert await slugs("放送", "LODSCH", "b*") == [["nhk"], ["lodz"], ["bjorn", "zoe"]]
    assert await slugs("-nhk", "-lodz", "zoe or bjorn") == [["wire"], [], ["bjorn", "zoe"]]
    assert await slugs("quiet", '"łódź"', '"bjorn angstrom" -zoe') == [[], ["lodz"], ["bjorn"]]
    assert await slugs("", " ", "") == [["wire", "nhk"], ["lodz"], ["bjorn", "zoe"]]
    assert await slugs("!", "lod", "angström zoe") == [[], [], []]


async def test_blank_text_is_no_condition_and_excluded_words_stand_alone(named: Executor) -> None:
    """Also in a filter, and with an order by relevance; a text without words finds nothing."""
    every = {"one", "two", "three"}
    results = {
        text: await find_slugs(named, text) for text in ("", "  ", "-harbour", "-nothing -opens", "!?", "-!")
    }
    expected = {
        "": every,
        "  ": every,
        "-harbour": {"three"},
        "-nothing -opens": {"two"},
        "!?": set(),
        "-!": set(),
    }
    assert results == expected
    query = """query ($s: String!) {
      a: articles(search: $s, orderBy: [RELEVANCE]) { totalCount }
      b: articles(filter: {search: $s}) { totalCount }
      c: articles(filter: {or: [{search: $s}, {slug: {eq: "one"}}]}) { totalCount }
    }"""
    data = await query_data(named, query, {"s": ""})
    assert {name: value["totalCount"] for name, value in data.items()} == {"a": 3, "b": 3, "c": 3}


async def test_filters_that_ignore_case_and_accents(named: Executor) -> None:
    """`%` and `_` stand for themselves."""
    query = "query ($f: AuthorFilter!) { authors(filter: $f) { nodes { slug } } }"
    filters = [
        ({"name": {"containsFold": "BRONT"}}, ["zoe"]),
        ({"name": {"containsFold": "ø"}}, ["bjorn", "zoe"]),
        ({"name": {"startsWithFold": "bjorn a"}}, ["bjorn"]),
        ({"name": {"eqFold": "ZOE BRONTE"}}, ["zoe"]),
        ({"name": {"eqFold": "zoe"}}, []),
        ({"name": {"containsFold": "%"}}, []),
        ({"name": {"containsFold": "_"}}, []),
        ({"not": {"name": {"containsFold": "ang"}}}, ["zoe"]),
    ]
    for value, slugs in filters:
        data = await query_data(named, query, {"f": value})
        assert [node["slug"] for node in data["authors"]["nodes"]] == slugs, value


async def test_phrases_and_prefixes(server: Server) -> None:
    """A phrase is found by words as they stand or by stems, also far behind in a long text."""
    filler = " ".join(f"wort{n % 300}" for n in range(30_000))
    japanese = "東京で会議が開かれた。" * 2_500
    records = [
        article("house", "Die alten Häuser der Stadt", "Neue Wege gehen.", "de"),
        article("long", "Lang", f"{filler} ein sehr rotes Haus {filler}", "de"),
        article("kanji", "長い", f"{japanese}最後の砂丘だ", "ja"),
        article("english", "Elections were held", "The general election.", "en"),
    ]
    expected = {
        '"alten Häuser"': {"house"},
        '"alte Haus"': {"house"},
        '"Haus der Städte"': {"house"},
        '"Häuser alten"': set(),
        '"Stadt neue"': set(),
        '"sehr rotes"': {"long"},
        '"rotes wort0"': set(),
        "-\"sehr rotes\" haus": {"house"},
        "最後の砂丘": {"kanji"},
        "砂丘で": set(),
        "electi*": {"english"},
        '"general electi*"': set(),
        "general-elect*": {"english"},
        "election": {"english"},
        "held* -general": set(),
    }  # fmt: skip
    async with newsroom(server, records) as executor:
        assert {text: await find_slugs(executor, text) for text in expected} == expected


async def test_names_and_headlines_are_sorted_without_case_and_accents(server: Server) -> None:
    """The order of cursors, too."""
    names = ["Zola", "emile", "Ångström", "Émile", "Łukasz", "Ørsted", "lucas", "Æsop"]
    expected = ["Æsop", "Ångström", "emile", "Émile", "lucas", "Łukasz", "Ørsted", "Zola"]
    authors = [AuthorRecord(slug=f"a{n}", name=name) for n, name in enumerate(names)]
    articles = [
        article(f"s{n}", name, authors=(CreditRecord(author=f"a{n}"),)) for n, name in enumerate(names)
    ]
    query = """query ($first: String, $second: String) {
      authors(first: 3, after: $first) { nodes { name } pageInfo { endCursor } }
      articles(orderBy: [HEADLINE_DESC], first: 3, after: $second) {
        nodes { headline } pageInfo { endCursor }
      }
    }"""
    async with newsroom(server, [*authors, *articles]) as executor:
        results: tuple[list[str], list[str]] = [], []
        cursors: dict[str, str] = {}
        for _ in range(3):
            data = await query_data(executor, query, cursors)
            results[0].extend(node["name"] for node in data["authors"]["nodes"])
            results[1].extend(node["headline"] for node in data["articles"]["nodes"])
            ends = [data[name]["pageInfo"]["endCursor"] for name in ("authors", "articles")]
            cursors = {"first": ends[0], "second": ends[1]}
    assert results == (expected, expected[::-1])


async def test_rank_is_by_the_part_that_matches(server: Server) -> None:
    """Headline before summary and names before text, newest first among equals, without frequencies."""
    records: list[Record] = [
        AuthorRecord(slug="tram", name="Anna Tram"),
        article("text", "One", "tram tram tram tram"),
        article("name", "Two", authors=(CreditRecord(author="tram"),)),
        article("headline", "A tram"),
        article("summary", "Three", summary="Of a tram"),
        article("stem", "Trams", "…", "en"),
    ]
    query = '{ articles(search: "tram") { nodes { slug } } }'
    async with newsroom(server, records) as executor:
        nodes = (await query_data(executor, query))["articles"]["nodes"]
    slugs = [node["slug"] for node in nodes]
    assert [set(slugs[:2]), set(slugs[2:4]), slugs[4]] == [{"headline", "stem"}, {"name", "summary"}, "text"]


# Letters of many scripts, by a language.
ALPHABETS = {
    "en": "abcdefghijklmnopqrstuvwxyz",
    "de": "abcdeghilnorstuäöüß",
    "fr": "aceilnorstuéèêçœ",
    "tr": "abçdeğıijklşü",
    "pl": "aąćeęłńosśzźż",
    "ru": "абвгдеёжзийклмнопрсты",
    "el": "αάβγδεέηιοόςστω",
    "he": "אבגדהוםמןנש",
    "ar": "ابتثجحدرسعفقلمنهويأ",
    "fa": "ابپتثکگیهو",
    "hi": "कखगमलसािीुे्ँ",
    "ta": "கஙசமலாிுே்",
    "hy": "աբգդեզէըի",
    "th": "กขคงจชา่้ิีเแ",
    "km": "កខគងាិីុេ្",
    "my": "ကခဂငာိီုေ်",
    "lo": "ກຂຄງາິີເ່",
    "ja": "日本東京会議アイウカガあいがー",
    "zh": "北京上海人民報紙",
    "ko": "가나다라마바대통령서울",
    "ka": "აბგდევზ",
    "am": "ሀለሐመሠረ",
    "ff": "𞤀𞤁𞤢𞤣𞤤𞤥",
    "und": "xyzабв日本0123456789",
}  # fmt: skip


def random_words(random: Random, language: str, count: int) -> list[str]:
    letters = ALPHABETS[language] + ALPHABETS[language].upper()
    return ["".join(random.choices(letters, k=random.randint(1, 9))) for _ in range(count)]


async def test_every_word_finds_its_article_and_both_databases_agree(
    sqlite_server: Server, postgres_server: Server
) -> None:
    """In generated texts of many scripts, and for queries that combine their words."""
    random = Random(20260630)
    texts = {
        f"{language}-{n}": random_words(random, language, 20) for language in ALPHABETS for n in range(3)
    }
    records = [
        article(slug, " ".join(words[:4]), " ".join(words[8:]), slug[:-2], summary=" ".join(words[4:8]))
        for slug, words in texts.items()
    ]
    every = [word for words in texts.values() for word in words]
    query = "query ($s: String!) { articles(search: $s, first: 100) { nodes { slug } } }"

    def phrase(words: list[str]) -> str:
        first = random.randrange(17)
        return f'"{" ".join(words[first : first + random.randint(2, 3)])}"'

    async with newsroom(sqlite_server, records) as sqlite, newsroom(postgres_server, records) as postgres:
        for slug, words in texts.items():
            for word in random.sample(words, 6):
                form = random.choice((word, word.upper(), word.lower(), unicodedata.normalize("NFD", word)))
                assert slug in await find_slugs(sqlite, form), form
            assert slug in await find_slugs(sqlite, f'"{" ".join(words[:3])}"'), words
        for _ in range(300):
            words = random.choice(list(texts.values()))
            word, other = random.choice(words), random.choice(every)
            text = random.choice(
                [
                    word, f"{word[: random.randint(1, 9)]}*", f"{word} or {other}", f"-{word}", phrase(words),
                    f"{word} {random.choice(words)} -{other}", f"{phrase(words)} or {other}", word[:1],
                    f"-{phrase(words)} {word}", word[random.randrange(len(word)) :],
                ]
            )  # fmt: skip
            results = [await query_data(executor, query, {"s": text}) for executor in (sqlite, postgres)]
            assert results[0] == results[1], text
