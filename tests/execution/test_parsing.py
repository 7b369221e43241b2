"""Fast parsing and validation, compared with graphql-core."""

from __future__ import annotations

from random import Random

import pytest
from graphql import GraphQLError, parse, print_ast, specified_rules, validate
from graphql.validation import MaxIntrospectionDepthRule
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.support.random_documents import Pool, RandomDocuments

from contentql.execution.parsing import parse_executable
from contentql.execution.validation import accepts
from contentql.schema.build import get_schema

SCHEMA = get_schema()._schema
POOL = Pool(["art_701", "cat_1"], {"slug": ["a-slug"], "path": ["world"]}, ["kursk", 'quoted "word"'])
RULES = (*specified_rules, MaxIntrospectionDepthRule)
NO_LIMIT = 100_000

# Pieces that make documents invalid, or valid in unusual ways, when they replace other pieces.
_WORDS = r'''
    { } ( ) [ ] : ! $ @ ... = | & , # on fragment query mutation subscription null true false
    0 -1 1.5 1e3 007 12345678901 "x" "" """x""" "a\n" "\q" 'x' $n $x @deprecated é @skip(if:true)
    id articles nodes first last filter slug eq Article Category Int String NEWS EnumValue
    @include(if:$b) __typename __schema
'''
PIECES = ["\ufeff", *_WORDS.split()]


def random_document(seed: int) -> str:
    return RandomDocuments(SCHEMA, POOL, Random(seed)).document().text


def changed(text: str, random: Random) -> str:
    """The text with a few of its tokens replaced, removed, doubled or exchanged."""
    tokens = text.replace("(", " ( ").replace(")", " ) ").replace(":", " : ").split()
    for _ in range(random.randint(1, 3)):
        at, other = random.randrange(len(tokens)), random.randrange(len(tokens))
        match random.randrange(4):
            case 0:
                tokens[at] = random.choice(PIECES)
            case 1:
                tokens.insert(at, random.choice(PIECES))
            case 2:
                tokens[at], tokens[other] = tokens[other], tokens[at]
            case _:
                del tokens[at]
                tokens.append("}")
    return " ".join(tokens)


def check(text: str) -> tuple[bool, bool]:
    """Whether the text was parsed and accepted here, after a comparison with graphql-core."""
    fast = parse_executable(text, NO_LIMIT)
    try:
        expected = parse(text, no_location=True, allow_empty_selection_sets=False)
    except GraphQLError:
        assert fast is None, text
        return False, False
    if fast is None:
        return False, False
    assert fast == expected, text
    assert print_ast(fast) == print_ast(expected)
    if not accepts(SCHEMA, fast):
        return True, False
    assert validate(SCHEMA, expected, RULES) == [], text
    return True, True


@settings(max_examples=150, deadline=None)
@given(seed=st.integers(0, 1 << 32))
def test_generated_documents_are_parsed_and_validated_like_by_graphql_core(seed: int) -> None:
    """A valid document is parsed to the same nodes; an invalid variation of it is not accepted."""
    text = random_document(seed)
    assert check(text)[0], text
    random = Random(seed)
    for _ in range(20):
        check(changed(text, random))


@settings(max_examples=300, deadline=None)
@given(st.lists(st.sampled_from(PIECES), max_size=25))
def test_any_sequence_of_tokens_is_parsed_like_by_graphql_core(pieces: list[str]) -> None:
    check(" ".join(pieces))
    check("{" + "".join(pieces) + "}")


@pytest.mark.parametrize(
    "number", ["007", "00", "-01", "1.", "1.e3", "1e", "1a", "-", "1-2", "0x1", "1.2.3", ".5"]
)
def test_malformed_numbers_are_not_parsed(number: str) -> None:
    """Not even as several numbers, in a list."""
    assert check(f"{{ nodes(ids: [1 {number} 2]) {{ id }} }}") == (False, False)


def test_most_generated_documents_need_no_second_validation() -> None:
    """Otherwise this module would be of no use."""
    accepted = sum(check(random_document(seed))[1] for seed in range(200))
    assert accepted > 150


@pytest.mark.parametrize(
    "text",
    [
        "query($n: Int!) { articles(first: $n) { nodes { id } } }",
        "query($n: Int = 3) { articles(first: $n) { nodes { id } } }",
        "query($b: Boolean!) { articles { nodes { id @include(if: $b) ...F } } } fragment F on Node { id }",
        '{ node(id: "art_701") { ... on Article { headline } ... on Category { name } __typename } }',
        '{ articles(filter: {slug: {in: ["a", "b"]}, or: [{urgency: {gt: 3}}]}) { totalCount } }',
        "{ a: articles { nodes { id } } b: articles { nodes { id id id } } }",
        '{ articles(filter: {publishedAt: {gt: "2026-01-01T00:00:00Z"}}) { nodes { id } } }',
    ],
)
def test_usual_documents_are_accepted(text: str) -> None:
    assert check(text) == (True, True)


@pytest.mark.parametrize(
    "text",
    [
        "query($n: Int) { nodes(ids: [$n]) { id } }",
        "query($n: String) { articles(first: $n) { nodes { id } } }",
        "query($n: Int) { viewer { __typename } }",
        "query($n: Int, $n: Int) { articles(first: $n) { nodes { id } } }",
        "{ articles(first: $n) { nodes { id } } }",
        "{ articles(first: 12345678901) { nodes { id } } }",
        "{ articles(first: 1, first: 2) { nodes { id } } }",
        "{ articles { nodes { id: slug id } } }",
        "{ articles { nodes { tags { name } tags { name: slug } } } }",
        "{ articles(first: 1) { nodes { id } } articles(first: 2) { nodes { id } } }",
        "{ articles { nodes { ... on Category { id } } } }",
        "{ articles { nodes { ...F } } } fragment F on Article { ...G } fragment G on Article { ...F }",
        "{ viewer { __typename } } fragment F on Article { id }",
        "{ viewer { __typename } } query Q { viewer { __typename } }",
        "{ articles { nodes } }",
        "{ articles { nodes { id { x } } } }",
        "{ nodes { id } }",
        '{ articles(filter: {contentType: {eq: "NEWS"}}) { nodes { id } } }',
        "{ articles(filter: {slug: {eq: 5}}) { nodes { id } } }",
        "{ articles(filter: {slug: {eq: null, eq: null}}) { nodes { id } } }",
        "query @skip(if: true) { viewer { __typename } }",
        "{ viewer @skip(if: true) @skip(if: true) { __typename } }",
        "{ viewer @skip { __typename } }",
        "mutation { publish }",
        "subscription { articleChanged { id } }",
    ],
)
def test_invalid_documents_are_not_accepted(text: str) -> None:
    assert check(text) == (True, False)
