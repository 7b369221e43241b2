"""`@atomic`: all fields of a mutation are saved, or none."""

from __future__ import annotations

import asyncio
from typing import Any

from tests.support.editorial_client import ANNA, BOB, ROOT, EditorialClient

FIELDS = "userErrors { code message field hint }"
STORY = f"story {{ id title }} {FIELDS}"


def codes(payload: Any) -> list[str]:
    return [error["code"] for error in payload["userErrors"]]


async def count_rows(newsroom: EditorialClient, table: str) -> int:
    return int((await newsroom.table(f"SELECT count(*) FROM {table}"))[0][0])


async def test_all_fields_of_an_atomic_operation_are_saved(newsroom: EditorialClient) -> None:
    """Later fields see what earlier ones changed, and each payload is of its own moment."""
    id = await newsroom.create_draft()
    audit = await count_rows(newsroom, "audit_entry")
    data = await newsroom.query(
        f"""mutation Publish($i: ID!) @atomic {{
          __typename
          updateArticle(input: {{id: $i, kicker: "One"}}) {{ article {{ status kicker version }} {FIELDS} }}
          submitArticle(input: {{id: $i}}) {{ article {{ status version }} {FIELDS} }}
          approveArticle(input: {{id: $i}}) {{ article {{ status version }} {FIELDS} }}
          publishArticle(input: {{id: $i}}) {{ article {{ status kicker version }} {FIELDS} }}
        }}""",
        ANNA,
        i=id,
    )
    assert list(data) == [
        "__typename",
        "updateArticle",
        "submitArticle",
        "approveArticle",
        "publishArticle",
    ]
    assert data["updateArticle"]["article"] == {"status": "DRAFT", "kicker": "One", "version": 2}
    assert data["submitArticle"]["article"] == {"status": "IN_REVIEW", "version": 3}
    assert data["publishArticle"]["article"] == {"status": "PUBLISHED", "kicker": "One", "version": 5}
    assert await count_rows(newsroom, "audit_entry") == audit + 4
    article = (await newsroom.query("query($i: ID!) { article(id: $i) { status } }", i=id))["article"]
    assert article == {"status": "PUBLISHED"}


async def test_a_user_error_rolls_back_the_whole_operation(newsroom: EditorialClient) -> None:
    """Each other payload names the field that failed; no row of any table changes."""
    id = await newsroom.create_draft()
    async with newsroom.unchanged():
        data = await newsroom.query(
            f"""mutation($i: ID!) @atomic {{
              one: createStory(input: {{title: "One", idempotencyKey: "atomic-1"}}) {{ {STORY} }}
              two: updateArticle(input: {{id: $i, kicker: "Two"}}) {{ article {{ kicker }} {FIELDS} }}
              three: publishArticle(input: {{id: $i}}) {{ article {{ id }} {FIELDS} }}
              four: createStory(input: {{title: "Four"}}) {{ {STORY} }}
            }}""",
            ANNA,
            i=id,
        )
    assert [codes(data[key]) for key in ("one", "two", "three", "four")] == [
        ["ROLLED_BACK"],
        ["ROLLED_BACK"],
        ["INVALID_TRANSITION"],
        ["NOT_EXECUTED"],
    ]
    for key in ("one", "two", "four"):
        assert "`three`" in data[key]["userErrors"][0]["message"]
    assert [data[key]["story"] for key in ("one", "four")] == [None, None]
    assert [data[key]["article"] for key in ("two", "three")] == [None, None]


async def test_every_kind_of_failure_rolls_back(newsroom: EditorialClient) -> None:
    """Texts that no mutation accepts, unknown ids, slugs that an earlier field took, reused keys."""
    await newsroom.mutate_ok("createStory", title="Taken", idempotencyKey="atomic-used")
    for failing, code in (
        ('createStory(input: {title: "a\\u0007b"})', "INVALID"),
        ('createStory(input: {title: "x", idempotencyKey: ""})', "INVALID"),
        ('updateStory(input: {id: "sto_1", title: "x"})', "NOT_FOUND"),
        ('createStory(input: {title: "First", slug: "first"})', "TAKEN"),
        ('createStory(input: {title: "Other", idempotencyKey: "atomic-used"})', "IDEMPOTENCY_KEY_REUSED"),
    ):
        async with newsroom.unchanged():
            data = await newsroom.query(
                f"""mutation @atomic {{
                  first: createStory(input: {{title: "First", slug: "first"}}) {{ {STORY} }}
                  failing: {failing} {{ {STORY} }}
                }}""",
                ANNA,
            )
        assert codes(data["failing"]) == [code], failing
        assert codes(data["first"]) in (["ROLLED_BACK"], ["NOT_EXECUTED"]), failing


UNREADABLE = (
    ('revisions(after: "nonsense") { totalCount }', "INVALID_CURSOR"),
    ("revisions(first: -1) { totalCount }", "INVALID_PAGE_SIZE"),
    ("revisions(first: 100000) { totalCount }", "INVALID_PAGE_SIZE"),
)


async def test_an_error_of_a_field_rolls_back(newsroom: EditorialClient) -> None:
    """The field is null with an error at its path; the other payloads name it."""
    id = await newsroom.create_draft()
    for selection, code in UNREADABLE:
        async with newsroom.unchanged():
            response = await newsroom.execute(
                f"""mutation($i: ID!) @atomic {{
                  one: createStory(input: {{title: "One"}}) {{ {STORY} }}
                  two: updateArticle(input: {{id: $i, kicker: "Two"}}) {{
                    article {{ {selection} }} {FIELDS} }}
                  three: submitArticle(input: {{id: $i}}) {{ {FIELDS} }}
                }}""",
                ANNA,
                i=id,
            )
        (error,) = response["errors"]
        assert (error["path"][0], error["extensions"]["code"]) == ("two", code)
        data = response["data"]
        assert (codes(data["one"]), data["two"], codes(data["three"])) == (
            ["ROLLED_BACK"],
            None,
            ["NOT_EXECUTED"],
        )
        assert "`two`" in data["one"]["userErrors"][0]["message"]


async def test_a_payload_that_cannot_be_read_is_an_error(newsroom: EditorialClient) -> None:
    """Also without the directive: the field is not saved, the other fields are."""
    id = await newsroom.create_draft()
    for selection, code in UNREADABLE:
        response = await newsroom.execute(
            f"""mutation($i: ID!) {{
              one: createStory(input: {{title: "One"}}) {{ {STORY} }}
              two: updateArticle(input: {{id: $i, kicker: "Two"}}) {{ article {{ {selection} }} {FIELDS} }}
              three: updateArticle(input: {{id: $i, urgency: 3}}) {{ article {{ kicker }} {FIELDS} }}
            }}""",
            ANNA,
            i=id,
        )
        (error,) = response["errors"]
        assert (error["path"][0], error["extensions"]["code"]) == ("two", code)
        assert (response["data"]["two"], codes(response["data"]["one"])) == (None, [])
        assert response["data"]["three"] == {"article": {"kicker": None}, "userErrors": []}


async def test_missing_permissions_reject_an_atomic_operation(newsroom: EditorialClient) -> None:
    """Before any field is executed."""
    async with newsroom.unchanged():
        response = await newsroom.execute(
            f"""mutation @atomic {{
              createSource(input: {{name: "Bob's", kind: PERSON}}) {{ {FIELDS} }}
              createStory(input: {{title: "x"}}) {{ {FIELDS} }}
            }}""",
            BOB,
        )
    assert response["errors"][0]["extensions"]["code"] == "FORBIDDEN"


async def test_a_dry_run_of_an_atomic_operation_saves_nothing(newsroom: EditorialClient) -> None:
    """Later fields see earlier ones also then. Fields that disagree in validateOnly are an error."""
    id = await newsroom.create_draft()
    document = f"""mutation($i: ID!, $first: Boolean, $second: Boolean) @atomic {{
      submitArticle(input: {{id: $i, validateOnly: $first}}) {{ article {{ status }} {FIELDS} }}
      approveArticle(input: {{id: $i, validateOnly: $second}}) {{ article {{ status }} {FIELDS} }}
    }}"""
    async with newsroom.unchanged():
        data = await newsroom.query(document, ANNA, i=id, first=True, second=True)
        assert data["submitArticle"] == {"article": {"status": "IN_REVIEW"}, "userErrors": []}
        assert data["approveArticle"] == {"article": {"status": "APPROVED"}, "userErrors": []}
        response = await newsroom.execute(document, ANNA, i=id, first=True, second=False)
        assert response["errors"][0]["extensions"]["code"] == "BAD_USER_INPUT"
        assert "validateOnly" in response["errors"][0]["message"]
        secret = await newsroom.query(
            """mutation @atomic { createToken(input: {name: "x", role: READER, validateOnly: true}) {
            secret userErrors { code } } }""",
            ROOT,
        )
    assert secret == {"createToken": {"secret": "", "userErrors": []}}
    data = await newsroom.query(document, ANNA, i=id, first=False, second=False)
    assert data["approveArticle"]["article"] == {"status": "APPROVED"}


async def test_idempotency_keys_of_an_atomic_operation_are_stored_with_it(newsroom: EditorialClient) -> None:
    """Not if it is rolled back: then the same operation can be sent again. A repetition changes nothing."""
    id = await newsroom.create_draft()
    document = f"""mutation($i: ID!) @atomic {{
      createStory(input: {{title: "Once", idempotencyKey: "atomic-2"}}) {{ {STORY} }}
      approveArticle(input: {{id: $i, idempotencyKey: "atomic-3"}}) {{ article {{ status }} {FIELDS} }}
    }}"""
    async with newsroom.unchanged():
        data = await newsroom.query(document, ANNA, i=id)
    assert codes(data["createStory"]) == ["ROLLED_BACK"]
    await newsroom.mutate_ok("submitArticle", id=id)
    first = await newsroom.query(document, ANNA, i=id)
    assert codes(first["createStory"]) == codes(first["approveArticle"]) == []
    async with newsroom.unchanged():
        assert await newsroom.query(document, ANNA, i=id) == first


async def test_without_the_directive_each_field_is_saved_by_itself(newsroom: EditorialClient) -> None:
    data = await newsroom.query(
        f"""mutation {{
          one: createStory(input: {{title: "Alone"}}) {{ {STORY} }}
          two: createStory(input: {{title: ""}}) {{ {STORY} }}
        }}""",
        ANNA,
    )
    assert (codes(data["one"]), codes(data["two"])) == ([], ["REQUIRED"])
    assert await newsroom.table(
        f"SELECT title FROM story WHERE id = {data['one']['story']['id'].partition('_')[2]}"
    ) == [("Alone",)]


async def test_the_directive_belongs_on_mutations(newsroom: EditorialClient) -> None:
    for document in (
        "query @atomic { viewer { name } }",
        'mutation { createStory(input: {title: "x"}) @atomic { story { id } } }',
        'mutation @atomic @atomic { createStory(input: {title: "x"}) { story { id } } }',
    ):
        response = await newsroom.execute(document, ANNA)
        assert response["errors"][0]["extensions"]["code"] == "GRAPHQL_VALIDATION_FAILED", document


async def test_concurrent_atomic_operations_do_not_mix(newsroom: EditorialClient) -> None:
    """Of two that publish the same articles, one is saved and the other changes nothing."""
    ids = [await newsroom.create_approved() for _ in range(2)]
    document = f"""mutation($a: ID!, $b: ID!) @atomic {{
      a: publishArticle(input: {{id: $a}}) {{ {FIELDS} }}
      b: publishArticle(input: {{id: $b}}) {{ {FIELDS} }}
    }}"""
    results = await asyncio.gather(*(newsroom.query(document, ANNA, a=ids[0], b=ids[1]) for _ in range(3)))
    outcomes = sorted((codes(data["a"]), codes(data["b"])) for data in results)
    assert outcomes == [([], []), *[(["INVALID_TRANSITION"], ["NOT_EXECUTED"])] * 2]
