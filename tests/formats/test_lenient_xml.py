"""XML that need not be well-formed: the same tree as that of expat where it is."""

from __future__ import annotations

import contextlib
from collections.abc import Iterable
from xml.etree.ElementTree import Element, fromstring, tostring

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.support.linear_time import linear_time

from contentql.formats.feeds.lenient_xml import MAX_DEPTH, MAX_PART, Part, XmlError, read_parts

CONTAINERS = frozenset(("rss", "channel"))
_NAMES = st.sampled_from(("a", "b", "img", "x:c", "long-name.2"))
_TEXTS = st.text(st.characters(codec="utf-8", categories=("L", "N", "P", "S", "Zs")), max_size=20)
_VALUES = _TEXTS.map(lambda text: text.replace("&", "&amp;").replace("<", "&lt;").replace('"', "&quot;"))


@st.composite
def documents(draw: st.DrawFn, depth: int = 0) -> str:
    """Well-formed elements with text, references, CDATA, comments and namespaces."""
    name = draw(_NAMES)
    attributes = draw(
        st.dictionaries(st.sampled_from(("p", "x:q", "xml:lang", "xmlns:y")), _VALUES, max_size=2)
    )
    if attributes.get("xmlns:y") in ("", None):
        attributes.pop("xmlns:y", None)
    content = []
    for _ in range(draw(st.integers(0, 3))):
        kind = draw(st.sampled_from(("text", "cdata", "comment", "element", "reference")))
        text = draw(_VALUES)
        if kind == "element" and depth < 3:
            content.append(draw(documents(depth + 1)))
        elif kind == "cdata":
            content.append(f"<![CDATA[{draw(_TEXTS).replace(']]>', '')}]]>")
        elif kind == "comment":
            content.append(f"<!--{draw(_TEXTS).replace('-', '')}-->")
        elif kind == "reference":
            content.append(draw(st.sampled_from(("&#228;", "&#x20AC;", "&apos;", "\r\n"))))
        else:
            content.append(text.replace("]]>", ""))
    start = "".join(f' {key}="{value}"' for key, value in attributes.items())
    return f"<{name}{start}>{''.join(content)}</{name}>"


def parts(*chunks: str) -> list[Element]:
    return [part.element for part in read_parts(chunks, CONTAINERS)]


def canonical(elements: Iterable[Element]) -> list[str]:
    return [tostring(element, encoding="unicode") for element in elements]


@given(documents(), st.integers(1, 30))
def test_what_is_well_formed_becomes_the_tree_of_expat(document: str, size: int) -> None:
    """Also if it is read in small chunks."""
    root = f'<rss xmlns:x="urn:x" xmlns="urn:d">{document}</rss>'
    expected = list(fromstring(root))
    for element in expected:
        element.tail = None
    chunks = [root[at : at + size] for at in range(0, len(root), size)]
    assert canonical(parts(*chunks)[1:]) == canonical(expected)


@given(st.text(st.sampled_from("<>&;/=\"' ab!-[]?CDAT\n")), st.integers(1, 7))
def test_any_text_is_read_in_the_same_way_in_chunks_of_any_size(text: str, size: int) -> None:
    """An error at the end is the same too."""
    document = f"<rss><item>{text}</item></rss>"
    results = []
    for step in (len(document), size):
        result: list[str] = []
        try:
            for part in read_parts(
                (document[at : at + step] for at in range(0, len(document), step)), CONTAINERS
            ):
                result.append(tostring(part.element, encoding="unicode"))
        except XmlError as exc:
            result.append(str(exc))
        results.append(result)
    assert results[0] == results[1]


@pytest.mark.parametrize(
    ("content", "text"),
    [
        ("a & b", "a & b"),
        ("a < b", "a < b"),
        ("1 <2> 3", "1 <2> 3"),
        ("AT&T; &nbsp;&eacute;&#8364;", "AT&T; \xa0é€"),
        ("&#0;&#x110000;", "\ufffd\ufffd"),
        ("x]]>y", "x]]>y"),
        ("<![CDATA[a ]]]]><![CDATA[> b]]>", "a ]]> b"),
        ("a</b>c", "ac"),
        ("a<b>c", "ac"),
        ("a<b><i>c</b>d", "acd"),
        ("<b p=1 q='2' r>c</b>", "c"),
        ("<?php echo 1 ?>a<!-- b -->", "a"),
    ],
)
def test_what_is_not_well_formed_is_read_too(content: str, text: str) -> None:
    """As an editor meant it."""
    item = parts(f"<rss><item>{content}</item></rss>")[1]
    assert "".join(item.itertext()) == text


def test_end_tags_that_are_missing_are_added() -> None:
    """At the next element of the same name, and at the end of the container."""
    items = parts("<rss><channel><item><title>a</title><item>b<title>c</channel></rss>")[2:]
    assert ["".join(item.itertext()) for item in items] == ["a", "bc"]


@pytest.mark.parametrize(
    "declaration",
    [
        '<!DOCTYPE rss [<!ENTITY e "secret"><!ENTITY f SYSTEM "file:///etc/passwd">]>',
        '<!DOCTYPE rss SYSTEM "http://127.0.0.1/x.dtd" [<!ENTITY % p SYSTEM "http://127.0.0.1/p"> %p; ]  >',
        '<!doctype rss [\n<!ENTITY e "a]b">\n]>',
    ],
)
def test_declared_entities_are_never_resolved(declaration: str) -> None:
    """They stay as they are written."""
    item = parts(f"{declaration}<rss><item>&e;&f;</item></rss>")[1]
    assert item.text == "&e;&f;"


@pytest.mark.parametrize(
    ("document", "count", "message"),
    [
        ("", 0, "no XML"),
        ("plain text", 0, "no XML"),
        ("<rss><item>a</item>", 2, "before its last end tag"),
        ("<rss><item>a</item><item>b", 2, "in the middle of an element <item>"),
        ("<rss><item>a</item><item><![CDATA[b", 2, "in the middle of an element <item>"),
        ("<rss><item>a</item><!-- b", 2, "before its last end tag"),
    ],
)
def test_a_document_that_ends_too_early_is_read_up_to_there(document: str, count: int, message: str) -> None:
    """And then an error is raised."""
    read: list[Part] = []
    with pytest.raises(XmlError, match=message):
        read.extend(read_parts([document], CONTAINERS))
    assert len(read) == count


def test_base_and_language_are_inherited() -> None:
    """From all elements around a part, relative bases too."""
    document = (
        '<rss xml:base="https://e.org/a/" xml:lang="de"><channel xml:base="b/"><item xml:base="c/">'
        "</item></channel></rss>"
    )
    item = list(read_parts([document], CONTAINERS))[-1]
    assert (item.base, item.language) == ("https://e.org/a/b/", "de")


def test_a_part_that_is_too_large_or_too_deep_is_an_error_and_the_next_one_is_read() -> None:
    """What it has is not stored."""
    text = "x" * 1000
    large = [f"<item>{text}", *[text] * (MAX_PART // 1000), "</item>"]
    deep = "<item>" + "<a>" * (MAX_DEPTH + 5) + "</a>" * (MAX_DEPTH + 5) + "</item>"
    result = list(read_parts(["<rss>", *large, deep, "<item>good</item></rss>"], CONTAINERS))[1:]
    assert [part.error and part.error.split(" ", 2)[1:] for part in result] == [
        ["is", "larger than 16 MiB"],
        ["is", "nested more than 200 levels deep"],
        None,
    ]
    assert [part.element.text for part in result] == [None, None, "good"]


@pytest.mark.parametrize(
    "piece", ["<", "&", "<a", "</", "<a b='", '<a b="', "<!---->", "<![CDATA[", "<?", "<a>", "</a>", "a b=c "]
)
def test_time_is_linear(piece: str) -> None:
    """For text that looks like the beginning of markup again and again."""
    text = piece * (500_000 // len(piece))
    with linear_time(), contextlib.suppress(XmlError):
        list(read_parts([f"<rss><item>{text}</item></rss>"], CONTAINERS))
