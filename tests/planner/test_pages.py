"""Pages of lists: empty and numbered pages, and cursors under every spelling of an order."""

from __future__ import annotations

from typing import Any

import orjson
import pytest
from tests.support.graphql_client import execute, query_data

from contentql.execution.executor import Executor
from contentql.execution.request import GraphQLRequest

PAGE = (
    "nodes { id } edges { cursor } pageInfo { hasNextPage hasPreviousPage startCursor endCursor } totalCount"
)


async def test_an_empty_page_has_totals_and_no_cursors(demo_executor: Executor) -> None:
    """Relay clients send `first: 0`."""
    for argument in ("first: 0", "last: 0", "first: 0, page: 1"):
        page = (await query_data(demo_executor, f"{{ articles({argument}) {{ {PAGE} }} }}"))["articles"]
        assert (page["nodes"], page["edges"]) == ([], [])
        assert page["totalCount"] > 0
        info = page["pageInfo"]
        assert (info["startCursor"], info["endCursor"]) == (None, None)
        assert info["hasNextPage"] is ("first" in argument)
        assert info["hasPreviousPage"] is ("last" in argument)
    data = await query_data(
        demo_executor,
        """{ articles(first: 0) { nodes { id } }
            categories(first: 1) { nodes { articles(first: 0) { nodes { id } totalCount } } }
            all: articles(first: 1) { nodes { tags(first: 0) { slug } } } }""",
    )
    assert data["articles"]["nodes"] == []
    assert data["categories"]["nodes"][0]["articles"]["nodes"] == []
    assert data["all"]["nodes"][0]["tags"] == []


ORDERS = [
    ("articles", "", ["orderBy: []", "orderBy: null", "orderBy: [PUBLISHED_AT_DESC]"]),
    ("articles", 'search: "north"', ["orderBy: []", "orderBy: [RELEVANCE]"]),
    ("tags", "", ["orderBy: []", "orderBy: [NAME_ASC]", "orderBy: NAME_ASC"]),
    ("categories", "", ["orderBy: []", "orderBy: [PATH_ASC]"]),
    ("mediaItems", "", ["orderBy: []", "orderBy: [ID_DESC]"]),
]


@pytest.mark.parametrize(("name", "argument", "spellings"), ORDERS)
async def test_a_cursor_holds_however_the_default_order_is_written(
    demo_executor: Executor, name: str, argument: str, spellings: list[str]
) -> None:
    async def page(order: str, after: str) -> Any:
        arguments = ", ".join(filter(None, [argument, order, after, "first: 2"]))
        return (await query_data(demo_executor, f"{{ {name}({arguments}) {{ {PAGE} }} }}"))[name]

    first = await page("", "")
    for order in spellings:
        assert await page(order, "") == first
        cursor = first["pageInfo"]["endCursor"]
        assert await page(order, f'after: "{cursor}"') == await page("", f'after: "{cursor}"')


async def test_a_cursor_of_another_order_is_refused(demo_executor: Executor) -> None:
    data = await query_data(demo_executor, "{ articles(first: 2) { pageInfo { endCursor } } }")
    cursor = data["articles"]["pageInfo"]["endCursor"]
    query = f'{{ articles(first: 2, after: "{cursor}", orderBy: [HEADLINE_ASC]) {{ totalCount }} }}'
    assert (await execute(demo_executor, query)).codes == ("INVALID_CURSOR",)


async def test_numbered_pages_are_the_list_in_pieces(demo_executor: Executor) -> None:
    whole = "{ articles(first: 100) { nodes { id } totalCount } }"
    articles = (await query_data(demo_executor, whole))["articles"]
    ids = [node["id"] for node in articles["nodes"]]
    query = f"query ($n: Int) {{ articles(first: 7, page: $n) {{ {PAGE} }} }}"
    pages = -(-len(ids) // 7)
    for number in range(1, pages + 2):
        page = (await query_data(demo_executor, query, {"n": number}))["articles"]
        assert [node["id"] for node in page["nodes"]] == ids[7 * (number - 1) : 7 * number]
        assert page["totalCount"] == len(ids)
        assert page["pageInfo"]["hasNextPage"] is (number < pages)
        assert page["pageInfo"]["hasPreviousPage"] is (number > 1)
        if page["nodes"]:  # its cursors go on from there
            after = f'{{ articles(first: 7, after: "{page["pageInfo"]["endCursor"]}") {{ nodes {{ id }} }} }}'
            following = (await query_data(demo_executor, after))["articles"]["nodes"]
            assert [node["id"] for node in following] == ids[7 * number : 7 * (number + 1)]
    first = (await query_data(demo_executor, query, {"n": None}))["articles"]
    assert [node["id"] for node in first["nodes"]] == ids[:7]


async def test_numbered_pages_at_every_level(demo_executor: Executor) -> None:
    query = """query ($n: Int) { categories(first: 5) { nodes {
        all: articles(first: 100) { nodes { id } } some: articles(first: 2, page: $n) { nodes { id } }
    } } latestNews(first: 3, page: $n) { nodes { id } } all: latestNews(first: 100) { nodes { id } } }"""
    for number in (1, 2, 3):
        data = await query_data(demo_executor, query, {"n": number})
        for section in data["categories"]["nodes"]:
            assert section["some"]["nodes"] == section["all"]["nodes"][2 * (number - 1) : 2 * number]
        assert data["latestNews"]["nodes"] == data["all"]["nodes"][3 * (number - 1) : 3 * number]


@pytest.mark.parametrize(
    "arguments",
    [
        "page: 0", "page: -1", "page: 502", "first: 100, page: 102", "page: 2147483647", "page: 1, last: 3",
        'page: 2, after: "x"', 'page: 2, before: "x"', 'last: 1, after: "x"', 'first: 1, before: "x"',
        "first: 1, last: 1", "first: -1", "first: 101", "last: -5",
    ],
)  # fmt: skip
async def test_impossible_pages_are_refused(demo_executor: Executor, arguments: str) -> None:
    response = await execute(demo_executor, f"{{ articles({arguments}) {{ totalCount }} }}")
    assert (response.status, response.codes) == (422, ("INVALID_PAGE_SIZE",))
    assert orjson.loads(response.body)["errors"][0]["path"] == ["articles"]


async def test_the_cost_of_a_numbered_page_grows(demo_executor: Executor) -> None:
    """Per parent object, and a page of any number has a plan that others share."""
    query = """query ($n: Int) {
        categories(first: 100) { nodes { articles(first: 20, page: $n) { totalCount } } }
    }"""
    costs = []
    for number in (1, 2, 300, 400):
        request = GraphQLRequest(query, None, {"n": number})
        costs.append(demo_executor.explain(request)[0].cost)
    assert costs[0] < costs[1] < costs[2] == costs[3]


async def test_latest_news_goes_backwards(demo_executor: Executor) -> None:
    data = await query_data(demo_executor, f"{{ latestNews(first: 6) {{ {PAGE} }} }}")
    forward = data["latestNews"]
    cursor = forward["edges"][4]["cursor"]
    query = f'{{ latestNews(last: 3, before: "{cursor}") {{ {PAGE} }} }}'
    page = (await query_data(demo_executor, query))["latestNews"]
    assert page["nodes"] == forward["nodes"][1:4]
    assert (page["pageInfo"]["hasNextPage"], page["pageInfo"]["hasPreviousPage"]) == (True, True)


async def test_lists_of_an_object_are_complete(demo_executor: Executor) -> None:
    """As their descriptions say, unlike connections."""
    query = '{ __type(name: "Article") { fields { name args { name description } } } }'
    fields = (await query_data(demo_executor, query))["__type"]["fields"]
    described = {f["name"]: {a["name"]: a["description"] for a in f["args"]} for f in fields}
    assert "all by default" in described["tags"]["first"]
    assert "20 by default" in described["related"]["first"]


NEIGHBOURS = [
    "",
    "orderBy: [PUBLISHED_AT_ASC]",
    "orderBy: [URGENCY_ASC]",
    "orderBy: [URGENCY_DESC, HEADLINE_ASC]",
    "orderBy: [HEADLINE_DESC]",
    'filter: {category: {under: "world"}}',
    'filter: {language: {eq: "en"}, urgency: {gte: 5}}, orderBy: [URGENCY_DESC]',
    'filter: {slug: {eq: "no-such-article"}}',
]


@pytest.mark.parametrize("arguments", NEIGHBOURS)
async def test_adjacent_articles_are_those_of_the_list(demo_executor: Executor, arguments: str) -> None:
    """Also where articles tie in the order, and for articles that the filter excludes: their place counts."""
    own = f"({arguments})" if arguments else ""
    first = f"({arguments}, first: 100)" if arguments else "(first: 100)"
    fields = f"id nextArticle{own} {{ id }} previousArticle{own} {{ id }}"
    order = arguments.partition("orderBy")[1] + arguments.partition("orderBy")[2]
    everything = f"({order}, first: 100)" if order else "(first: 100)"
    lists = f"list: articles{first} {{ nodes {{ id }} }} all: articles{everything} {{ nodes {{ {fields} }} }}"
    data = await query_data(demo_executor, f"{{ {lists} }}")
    listed = [node["id"] for node in data["list"]["nodes"]]
    ids = [node["id"] for node in data["all"]["nodes"]]
    for place, node in enumerate(data["all"]["nodes"]):
        after = next((id_ for id_ in ids[place + 1 :] if id_ in listed), None)
        before = next((id_ for id_ in reversed(ids[:place]) if id_ in listed), None)
        assert (node["nextArticle"] or {}).get("id") == after
        assert (node["previousArticle"] or {}).get("id") == before
