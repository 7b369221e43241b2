"""Reading of GraphQL-over-HTTP requests: properties of any body."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from contentql.errors import ApiError
from contentql.web.requests import parse_json_body

# Texts of JavaScript: code units, some of which are halves of surrogate pairs.
CODE_UNITS = st.lists(
    st.one_of(st.integers(0, 0xFFFF), st.integers(0xD800, 0xDFFF), st.sampled_from([0xD83D, 0xDE00]))
)


@given(CODE_UNITS, st.sampled_from(["variables", "operationName", "query"]))
def test_a_text_is_read_unless_it_has_half_of_a_surrogate_pair(units: list[int], place: str) -> None:
    """A whole pair is one character; the error of a half says what it is."""
    text = "x" + "".join(map(chr, units))
    payload = {"query": "{ viewer { role } }", place: {"text": text} if place == "variables" else text}
    body = json.dumps(payload).encode()
    try:
        expected = text.encode("utf-16-le", "surrogatepass").decode("utf-16-le")
    except UnicodeDecodeError:
        with pytest.raises(ApiError, match="half of a surrogate pair") as error:
            parse_json_body(body)
        assert error.value.code == "BAD_REQUEST"
    else:
        data = parse_json_body(body)
        read = {"variables": data.variables.get("text"), "operationName": data.operation_name}
        assert read.get(place, data.query) == expected
