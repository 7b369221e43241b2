"""Search through the whole service: words in any script, stems, phrases, names, order, on both databases."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from typing import Any

import pytest
from tests.conftest import NOW, Server
from tests.support.graphql_client import query_data

from contentql.app import build_executor
from contentql.content.blocks import Paragraph
from contentql.content.enums import Status
from contentql.content.records import (
    ArticleRecord,
    CategoryRecord,
    ImportItem,
    Record,
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
