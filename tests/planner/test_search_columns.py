"""The columns that search reads, compared with the columns whose words it finds."""

from __future__ import annotations

from tests.conftest import NOW, Server
from tests.support.graphql_client import query_json
from tests.support.noninterference import make_viewer, mutate_as

from contentql.app import build_executor
from contentql.auth.permissions import Role
from contentql.planner.read_set import SEARCH_COLUMNS
from contentql.settings import Settings
from contentql.store.database import Database

# A different word in every text column that an editor writes.
COLUMN_WORDS = {
    "slug": "quokka",
    "headline": "walrus",
    "kicker": "ocelot",
    "short_headline": "lemur",
    "summary": "badger",
    "lede": "gecko",
    "byline": "osprey",
    "ed_note": "marmot",
}
FIELD_NAMES = {"short_headline": "shortHeadline", "ed_note": "edNote"}
QUERY = "query ($word: String!) { articles(search: $word) { totalCount } }"


async def test_search_columns_are_exactly_those_whose_words_are_found(server: Server) -> None:
    """A column that search reads but the read set omits would leave outdated results in the cache."""
    url = await server.demo()
    editor = make_viewer(Role.EDITOR)
    async with Database(url) as database:
        executor = build_executor(Settings(), database)
        executor.now = lambda: NOW
        article = {FIELD_NAMES.get(column, column): word for column, word in COLUMN_WORDS.items()}
        await mutate_as(executor, editor, "createArticle", {**article, "category": "cat_119"})
        matched = set()
        for column, word in COLUMN_WORDS.items():
            data = (await query_json(executor, QUERY, {"word": word}, editor))["data"]
            if data["articles"]["totalCount"] == 1:
                matched.add(column)
    await server.drop(url)
    # The language column selects the stemmer; its own text is not indexed.
    assert matched == SEARCH_COLUMNS - {"language"}
