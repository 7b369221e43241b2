"""`fold_text` as a function of both databases, compared with Python's."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.conftest import Server

from contentql.content.folding import fold_text
from contentql.store.database import Database, decode_text

# Letters with marks that are accents or letters, of every script that has a rule, and everything else.
CHARACTERS = "aäåßæøŁłđıİŒŋÉẞſﬁеёйїѓ\u0301\u0300\u0306\u0308ΆςΣὈשָׁלأآكىी़ุข่がパﾊ각각\u00ad\u200d²½Ǆ"
OTHERS = st.characters(exclude_characters="\0", exclude_categories=["Cs", "Cn"])
TEXTS = st.text(st.one_of(st.sampled_from(CHARACTERS), OTHERS))


@pytest.fixture(scope="module")
async def migrated(server: Server) -> str:
    return await server.migrated()


@settings(max_examples=40, deadline=None)
@given(texts=st.lists(TEXTS, min_size=1, max_size=50))
async def test_both_databases_fold_as_python_does(migrated: str, texts: list[str]) -> None:
    async with Database(migrated) as database:
        value = "${}::text" if database.dialect == "postgres" else "?{}"
        columns = [f"fold_text({value.format(n)})" for n in range(1, len(texts) + 1)]
        row = await database.row(f"SELECT {', '.join(columns)}", texts)
    assert [decode_text(value) for value in row] == [fold_text(text) for text in texts]


@given(TEXTS)
def test_folding_is_idempotent(text: str) -> None:
    """A folded text is its own folded form, so values of filters may be folded or not."""
    folded = fold_text(text)
    assert fold_text(folded) == folded
