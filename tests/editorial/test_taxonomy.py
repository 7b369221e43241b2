"""Mutations of sections, tags, authors, sources and media: create, update, move, merge and delete."""

from __future__ import annotations

from typing import Any

import pytest
from tests.support.editorial_client import (
    ANNA,
    BOB,
    ERIC,
    PUBLIC,
    TEXT,
    EditorialClient,
    mutation_document,
)

# For each type: the input that creates an object, and the input that updates it.
INPUTS: dict[str, tuple[dict[str, Any], dict[str, Any]]] = {
    "Category": (
        {
            "name": "Sport",
            "description": "Games",
            "names": [{"language": "de", "name": "Sport"}],
            "position": 7,
        },
        {"name": "Sports", "hidden": True, "slug": "sports"},
    ),
    "Media": (
        {
            "kind": "VIDEO",
            "url": "https://media.example.org/x.mp4",
            "alt": "A parade",
            "width": 640,
        },
        {"alt": "Another parade", "decorative": True, "url": "/local.mp4"},
    ),
    "Source": (
        {"name": "The Herald", "kind": "NEWSPAPER", "aliases": ["Herald"], "country": "GB", "wikidata": "Q1"},
        {"name": "The Daily Herald", "kind": "ONLINE", "country": None, "parent": "kctv"},
    ),
    "Tag": (
        {"type": "PERSON", "name": "Kim Jong-un", "wikidata": "Q56226", "aliases": ["Kim"]},
        {"name": "Kim Jong Un", "broader": "PLACE:pyongyang", "wikidata": None},
    ),
    "Author": (
        {"name": "John Roe", "bio": "Writes.\nOften.", "sameAs": ["https://example.org/@john"]},
        {"name": "John R. Roe", "desk": "World", "image": "med_301"},
    ),
    "Story": ({"title": "A treaty", "description": "All of it"}, {"title": "The treaty", "slug": "treaty"}),
    "Collection": ({"title": "Sunday", "maxItems": 3}, {"title": "Sundays", "maxItems": None}),
}


def selection_of(type_name: str) -> str:
    fields = {
        "Category": "id slug path name description hidden position names { language name }",
        "Media": "id url alt width mime decorative focalPoint { x y }",
        "Source": "id slug name kind aliases country wikidata parent { slug }",
        "Tag": "id slug type name aliases wikidata broader { slug }",
        "Author": "id slug name bio desk sameAs image { id }",
        "Story": "id slug title description",
        "Collection": "id slug title maxItems",
    }[type_name]
    return f"{type_name[0].lower()}{type_name[1:]} {{ {fields} }}"


@pytest.mark.parametrize("type_name", INPUTS)
async def test_create_update_and_delete_of_each_type(newsroom: EditorialClient, type_name: str) -> None:
    """Fields left out of an update stay, null clears a field, and deleted objects are NOT_FOUND."""
    create_input, update_input = INPUTS[type_name]
    created = await newsroom.mutate_ok(
        f"create{type_name}", selection=selection_of(type_name), **create_input
    )
    for name, value in create_input.items():
        if name in created:
            assert created[name] == value, name
    changed = await newsroom.mutate_ok(
        f"update{type_name}", selection=selection_of(type_name), id=created["id"], **update_input
    )
    for name in changed:
        if name in update_input and not isinstance(changed[name], dict):
            assert changed[name] == update_input[name], name
        elif name not in update_input and name not in ("slug", "path"):
            assert changed[name] == created[name], name
    assert changed["id"] == created["id"]
    assert await newsroom.mutate_ok(f"delete{type_name}", id=created["id"]) == created["id"]
    assert (await newsroom.query("query($i: ID!) { node(id: $i) { id } }", ANNA, i=created["id"]))[
        "node"
    ] is None
    for mutation in (f"update{type_name}", f"delete{type_name}"):
        assert await newsroom.mutate_codes(mutation, id=created["id"]) == {("NOT_FOUND", "id")}
        assert await newsroom.mutate_codes(mutation, id="art_701") == {("WRONG_TYPE", "id")}


async def test_objects_are_referenced_by_path_slug_or_type_and_slug(newsroom: EditorialClient) -> None:
    """A slug that two tag types share is an error with a hint."""
    assert (await newsroom.mutate_ok("updateCategory", id="world/asia", description="East"))[
        "path"
    ] == "world/asia"
    assert (await newsroom.mutate_ok("updateSource", id="kctv", country="KP"))["country"] == "KP"
    assert (await newsroom.mutate_ok("updateTag", id="tears", description="Wet"))["type"] == "TOPIC"
    await newsroom.mutate_ok("createTag", type="EVENT", name="Tears")
    (error,) = await newsroom.mutate_errors("updateTag", id="tears", description="Wet")
    assert (error["code"], error["field"]) == ("INVALID", ["id"])
    assert error["hint"] in ("Send the type too, as in TOPIC:tears.", "Send the type too, as in EVENT:tears.")
    assert (await newsroom.mutate_ok("updateTag", id="EVENT:tears", description="Wet"))["type"] == "EVENT"
    await newsroom.mutate_ok("deleteTag", id="EVENT:tears")


async def test_slugs_are_derived_from_names_and_made_unique(newsroom: EditorialClient) -> None:
    """A repeated name gets a number; a requested slug that is taken is an error with a free slug."""
    slugs = [(await newsroom.mutate_ok("createStory", title="Same again"))["slug"] for _ in range(3)]
    assert slugs == ["same-again", "same-again-2", "same-again-3"]
    (error,) = await newsroom.mutate_errors("createStory", title="x", slug="same-again")
    assert (error["code"], error["field"], error["hint"]) == (
        "TAKEN",
        ["slug"],
        "Use 'same-again-4', which is free.",
    )
    (error,) = await newsroom.mutate_errors("updateSource", id="kctv", slug="sky-news")
    assert (error["code"], error["field"], error["hint"]) == (
        "TAKEN",
        ["slug"],
        "Use 'sky-news-2', which is free.",
    )
    assert (await newsroom.mutate_ok("createTag", type="EVENT", name="Pyongyang"))["slug"] == "pyongyang"
    (error,) = await newsroom.mutate_errors("createCategory", name="x", slug="asia", parent="world")
    assert (error["code"], error["hint"]) == ("TAKEN", "Use 'asia-2', which is free.")
    assert (await newsroom.mutate_ok("createCategory", name="Asia", parent="politics"))[
        "path"
    ] == "politics/asia"


async def test_points_require_both_coordinates(newsroom: EditorialClient) -> None:
    """Holds for focal points and geographic positions, when creating and when updating."""
    media = {"kind": "IMAGE", "url": "https://media.example.org/focus.jpg"}
    assert await newsroom.mutate_codes("createMedia", **media, focalX=0.5) == {("REQUIRED", "focalY")}
    created = await newsroom.mutate_ok("createMedia", **media, focalX=0.5, focalY=0)
    assert await newsroom.mutate_codes("updateMedia", id=created["id"], focalX=None) == {
        ("REQUIRED", "focalX")
    }
    await newsroom.mutate_ok("updateMedia", id=created["id"], focalX=None, focalY=None)
    tag_input = {"type": "PLACE", "name": "Seoul"}
    assert await newsroom.mutate_codes("createTag", **tag_input, longitude=126.9) == {
        ("REQUIRED", "latitude")
    }
    selection = "tag { position { latitude longitude } }"
    created = await newsroom.mutate_ok(
        "createTag", selection=selection, **tag_input, longitude=126.9, latitude=0
    )
    assert created["position"] == {"latitude": 0, "longitude": 126.9}


async def test_duplicate_files_and_wikidata_items_are_reported(newsroom: EditorialClient) -> None:
    """The hint names the existing object."""
    (error,) = await newsroom.mutate_errors(
        "createMedia", kind="IMAGE", url="https://media.example.org/a.jpg"
    )
    assert (error["code"], error["field"], error["hint"]) == ("TAKEN", ["url"], "Use med_301.")
    await newsroom.mutate_ok("updateTag", id="PLACE:pyongyang", wikidata="Q18808")
    (error,) = await newsroom.mutate_errors("createTag", type="PLACE", name="P'yŏngyang", wikidata="Q18808")
    assert (error["code"], error["field"], error["hint"]) == (
        "TAKEN",
        ["wikidata"],
        "Use the tag PLACE:pyongyang.",
    )
    assert await newsroom.mutate_codes("createMedia", kind="IMAGE", url="https://media.example.org/x") == {
        ("REQUIRED", "mime")
    }


async def test_objects_in_use_cannot_be_deleted(own_newsroom: EditorialClient) -> None:
    """The message counts the users, including drafts; without users the object is deleted."""
    newsroom = own_newsroom
    id = await newsroom.create_draft(
        tags=[{"tag": "tears"}],
        authors=[{"author": "jane-doe"}],
        story="north-korea-russia",
        leadMedia="med_301",
    )
    await newsroom.mutate_ok("addAttribution", article=id, kind="SAID", source="kctv")
    deletions = {
        "deleteTag": ("TOPIC:tears", "1 article"),
        "deleteAuthor": ("jane-doe", "1 article"),
        "deleteStory": ("north-korea-russia", "1 article"),
        "deleteSource": ("kctv", "1 attribution"),
        "deleteMedia": ("med_301", "1 article and 1 lead picture"),
        "deleteCategory": ("world", "1 section and 1 article"),
    }
    async with newsroom.unchanged():
        for mutation, (reference, users) in deletions.items():
            (error,) = await newsroom.mutate_errors(mutation, id=reference)
            assert (error["code"], error["field"]) == ("IN_USE", ["id"])
            assert error["message"] == f"{reference!r} is used by {users}."
    await newsroom.mutate_ok(
        "updateArticle", id=id, tags=[], authors=[], story=None, leadMedia=None, media=[], category="politics"
    )
    for attribution in (
        await newsroom.query("query($i: ID!) { article(id: $i) { attributions { id } } }", ANNA, i=id)
    )["article"]["attributions"]:
        await newsroom.mutate_ok("deleteAttribution", id=attribution["id"])
    await newsroom.mutate_ok("deleteCategory", id="world/asia")
    for mutation, (reference, _) in deletions.items():
        await newsroom.mutate_ok(mutation, id=reference)


# Sections


SECTION = """query($p: String!) {
  category(path: $p) { id path depth parent { path } articles { totalCount nodes { slug } } }
  latestNews(section: $p) { nodes { slug } }
  articles(filter: {category: {under: $p}}) { totalCount }
}"""


async def in_section(newsroom: EditorialClient, path: str) -> Any:
    """Path, depth and article slugs of a section for the public; all lists must agree."""
    data = await newsroom.query(SECTION, p=path)
    section = data["category"]
    if section is None:
        assert (data["latestNews"]["nodes"], data["articles"]["totalCount"]) == ([], 0)
        return None
    slugs = {node["slug"] for node in section["articles"]["nodes"]}
    assert section["articles"]["totalCount"] == len(slugs)
    return section["path"], section["depth"], slugs


async def test_move_category_moves_its_subtree_and_redirects_old_paths(own_newsroom: EditorialClient) -> None:
    """Paths, depths and the article lists of all ancestors follow each move."""
    newsroom = own_newsroom
    east = await newsroom.mutate_ok("createCategory", name="East", parent="world/asia")
    await newsroom.mutate_ok("createCategory", name="Korea", parent=east["id"])
    await newsroom.create_published(headline="Deep", category="world/asia/east/korea")
    await newsroom.create_published(headline="Shallow", category="world/asia", categories=["politics"])
    both, deep = {"deep", "shallow"}, {"deep"}
    assert await in_section(newsroom, "world") == ("world", 0, both)
    assert await in_section(newsroom, "politics") == ("politics", 0, {"shallow", "the-first"})
    moved = await newsroom.mutate_ok("moveCategory", id="world/asia/east", parent="politics", position=3)
    assert (moved["path"], moved["depth"], moved["position"]) == ("politics/east", 1, 3)
    assert await in_section(newsroom, "world") == ("world", 0, {"shallow"})
    assert await in_section(newsroom, "world/asia") == ("world/asia", 1, {"shallow"})
    assert await in_section(newsroom, "politics") == ("politics", 0, {"shallow", "the-first", "deep"})
    assert await in_section(newsroom, "politics/east/korea") == ("politics/east/korea", 2, deep)
    section = (await newsroom.query(SECTION, p="world/asia/east/korea"))["category"]
    assert section["path"] == "politics/east/korea"
    moved = await newsroom.mutate_ok("moveCategory", id="politics/east", parent=None)
    assert (moved["path"], moved["depth"]) == ("east", 0)
    assert await in_section(newsroom, "politics") == ("politics", 0, {"shallow", "the-first"})
    assert await in_section(newsroom, "east/korea") == ("east/korea", 1, deep)
    for old in ("world/asia/east", "politics/east"):
        assert (await newsroom.query(SECTION, p=old))["category"]["path"] == "east"
    renamed = await newsroom.mutate_ok("updateCategory", id="east", slug="far-east", name="Far East")
    assert renamed["path"] == "far-east"
    assert await in_section(newsroom, "far-east/korea") == ("far-east/korea", 1, deep)
    back = await newsroom.mutate_ok("moveCategory", id="far-east", parent="world/asia")
    assert back["path"] == "world/asia/far-east"
    assert await in_section(newsroom, "world") == ("world", 0, both)
    query = '{ article(slug: "deep") { category { path } categories { path } } }'
    assert (await newsroom.query(query))["article"]["category"] == {"path": "world/asia/far-east/korea"}


async def test_move_category_applies_to_working_copies(own_newsroom: EditorialClient) -> None:
    """A working copy is published in the moved section."""
    newsroom = own_newsroom
    id = await newsroom.create_published(headline="Moving")
    await newsroom.mutate_ok("updateArticle", id=id, kicker="x")
    await newsroom.mutate_ok("moveCategory", id="world/asia", parent="politics")
    await newsroom.republish(id)
    assert await in_section(newsroom, "world") == ("world", 0, set())
    assert await in_section(newsroom, "politics/asia") == ("politics/asia", 1, {"moving"})


async def test_existing_sections_take_precedence_over_redirects(own_newsroom: EditorialClient) -> None:
    """A new section may take a former path of another section."""
    newsroom = own_newsroom
    await newsroom.create_published(headline="Here")
    await newsroom.mutate_ok("updateCategory", id="world/asia", slug="orient")
    new = await newsroom.mutate_ok("createCategory", name="Asia", parent="world")
    assert new["path"] == "world/asia"
    id = await newsroom.create_published(headline="New", category="world/asia")
    data = (await newsroom.query(SECTION, p="world/asia"))["category"]
    assert (data["id"], data["path"]) == (new["id"], "world/asia")
    await newsroom.mutate_ok("updateArticle", id=id, category="world/orient")
    await newsroom.republish(id)
    await newsroom.mutate_ok("deleteCategory", id=new["id"])
    back = await newsroom.mutate_ok("updateCategory", id="world/orient", slug="asia")
    assert back["path"] == "world/asia"
    data = (await newsroom.query(SECTION, p="world/orient"))["category"]
    assert data["path"] == "world/asia"


async def test_move_category_rejects_cycles_duplicates_and_too_deep_paths(
    own_newsroom: EditorialClient,
) -> None:
    """Sections have at most eight levels."""
    newsroom = own_newsroom
    path = "world/asia"
    for n in range(5):
        path = (await newsroom.mutate_ok("createCategory", name=f"Level {n}", parent=path))["path"]
    await newsroom.mutate_ok("createCategory", name="Asia")
    await newsroom.mutate_ok("createCategory", name="One")
    await newsroom.mutate_ok("createCategory", name="Two", parent="one")
    async with newsroom.unchanged():
        for parent in ("world", "world/asia", path):
            assert await newsroom.mutate_codes("moveCategory", id="world", parent=parent) == {
                ("INVALID", "parent")
            }
        assert await newsroom.mutate_codes("moveCategory", id="world/asia", parent=None) == {
            ("TAKEN", "slug")
        }
        assert await newsroom.mutate_codes("moveCategory", id="world", parent="one/two") == {
            ("INVALID", "parent")
        }
        assert await newsroom.mutate_codes("moveCategory", id="world", parent="nowhere") == {
            ("NOT_FOUND", "parent")
        }
        assert await newsroom.mutate_codes("moveCategory", id="world", position=-1) == {
            ("INVALID", "position")
        }
        deep = {"name": "Too deep", "parent": f"{path}/x"}
        assert await newsroom.mutate_codes("createCategory", **deep) == {("NOT_FOUND", "parent")}
    path = (await newsroom.mutate_ok("createCategory", name="Last", parent=path))["path"]
    assert path.count("/") == 7
    assert await newsroom.mutate_codes("createCategory", name="Too deep", parent=path) == {
        ("INVALID", "parent")
    }


async def test_section_paths_are_case_sensitive(own_newsroom: EditorialClient) -> None:
    """A section below `World` does not move with `world`."""
    newsroom = own_newsroom
    await newsroom.mutate_ok("createCategory", name="x", slug="World")
    await newsroom.mutate_ok("createCategory", name="y", slug="Below", parent="World")
    await newsroom.mutate_ok("moveCategory", id="world", parent="politics")
    query = '{ a: category(path: "World/Below") { path } b: category(path: "world") { path } }'
    data = await newsroom.query(query, ANNA)
    assert data == {"a": {"path": "World/Below"}, "b": {"path": "politics/world"}}


# Sources


async def test_merge_sources_moves_attributions_and_aliases(own_newsroom: EditorialClient) -> None:
    """Working copies are included, and the merged names become aliases."""
    newsroom = own_newsroom
    await newsroom.mutate_ok(
        "updateSource", id="joongang", aliases=["JoongAng Ilbo", "Sky News"], parent="kctv"
    )
    await newsroom.mutate_ok("updateSource", id="agency-0", parent="joongang")
    id = await newsroom.create_draft()
    for source in ("joongang", "sky-news", "agency-1"):
        await newsroom.mutate_ok("addAttribution", article=id, kind="SAID", source=source)
    for transition in ("submitArticle", "approveArticle", "publishArticle"):
        await newsroom.mutate_ok(transition, id=id)
    await newsroom.mutate_ok("updateArticle", id=id, kicker="x")
    payload = await newsroom.mutate_ok(
        "mergeSources", into="sky-news", sources=["joongang", "kctv", "joongang"]
    )
    assert payload["slug"] == "sky-news"
    assert payload["aliases"] == ["JoongAng Daily", "JoongAng Ilbo", "Korea Central Television"]
    query = """{
      source(slug: "sky-news") { attributions { totalCount } articles { totalCount } parent { id } }
      merged: source(slug: "joongang") { id } child: source(slug: "agency-0") { parent { slug } } }"""
    for actor in (PUBLIC, ANNA):
        data = await newsroom.query(query, actor)
        assert data["source"] == {
            "attributions": {"totalCount": 2},
            "articles": {"totalCount": 1},
            "parent": None,
        }
        assert data["merged"] == {"id": "src_201"}
    assert data["child"]["parent"] == {"slug": "sky-news"}
    await newsroom.republish(id)
    assert (await newsroom.query(query))["source"]["attributions"]["totalCount"] == 2


async def test_merge_sources_rejects_invalid_sources(own_newsroom: EditorialClient) -> None:
    """The target itself, an empty list, anonymous sources, unknown ones, and sources of one chain."""
    newsroom = own_newsroom
    await newsroom.mutate_ok("createSource", name="An aide", kind="ANONYMOUS", describedAs="a senior aide")
    id = await newsroom.create_draft()
    chain = {"kind": "ACCORDING_TO", "source": "sky-news"}
    created = await newsroom.mutate_ok("addAttribution", article=id, kind="SAID", source="kctv", via=chain)
    async with newsroom.unchanged():
        for sources, expected in (
            (["sky-news"], ("INVALID", "sources")),
            ([], ("REQUIRED", "sources")),
            (["an-aide"], ("INVALID", "sources")),
            (["nobody"], ("NOT_FOUND", "sources.0")),
            (["kctv"], ("INVALID_ATTRIBUTION_CHAIN", "sources")),
            (["joongang", "kctv"], ("INVALID_ATTRIBUTION_CHAIN", "sources")),
        ):
            assert await newsroom.mutate_codes("mergeSources", into="sky-news", sources=sources) == {expected}
        (error,) = await newsroom.mutate_errors("mergeSources", into="sky-news", sources=["kctv"])
        assert created["attribution"]["id"] in error["message"]
    await newsroom.mutate_ok("deleteAttribution", id=created["attribution"]["id"])
    await newsroom.mutate_ok("mergeSources", into="sky-news", sources=["kctv"])


async def test_source_parents_and_broader_tags_have_no_cycles(newsroom: EditorialClient) -> None:
    await newsroom.mutate_ok("updateSource", id="agency-2", parent="agency-3")
    await newsroom.mutate_ok("updateSource", id="agency-3", parent="agency-4")
    for child in ("agency-2", "agency-3", "agency-4"):
        assert await newsroom.mutate_codes("updateSource", id="agency-4", parent=child) == {
            ("INVALID", "parent")
        }
    a, b = [(await newsroom.mutate_ok("createTag", type="TOPIC", name=name))["id"] for name in ("Aa", "Bb")]
    await newsroom.mutate_ok("updateTag", id=a, broader=b)
    for tag in (a, b):
        assert await newsroom.mutate_codes("updateTag", id=b, broader=tag) == {("INVALID", "broader")}


# Permissions


async def test_taxonomy_mutations_require_the_permission_of_the_role(newsroom: EditorialClient) -> None:
    """Authors create sources, editors update them, and publishers manage sections and delete."""
    await newsroom.mutate_ok("createSource", BOB, name="Bob's source", kind="PERSON")
    for mutation, actor, value in (
        ("updateSource", BOB, {"id": "kctv", "name": "x"}),
        ("createAuthor", BOB, {"name": "x"}),
        ("createCategory", ERIC, {"name": "x"}),
        ("deleteSource", ERIC, {"id": "kctv"}),
        ("mergeSources", ERIC, {"into": "kctv", "sources": ["sky-news"]}),
        ("createToken", ANNA, {"name": "x", "role": "ADMIN"}),
    ):
        async with newsroom.unchanged():
            response = await newsroom.execute(mutation_document(mutation), actor, input=value)
        assert response["errors"][0]["extensions"]["code"] == "FORBIDDEN", mutation
        assert "data" not in response or response["data"] is None


async def test_pictures_without_alt_text_prevent_publication(newsroom: EditorialClient) -> None:
    """Holds for a picture whose alt text is cleared by an update."""
    created = await newsroom.mutate_ok(
        "createMedia", kind="IMAGE", url="https://media.example.org/e.jpg", alt="A coffin"
    )
    await newsroom.mutate_ok("updateMedia", id=created["id"], alt=None)
    id = await newsroom.create_approved(leadMedia=created["id"], body={"text": TEXT[0]})
    assert await newsroom.mutate_codes("publishArticle", id=id) == {("REQUIRED", "leadMedia")}
