"""JSON-LD of articles in a plan: the SQL selects what it is made of, and a function makes it of the JSON.

In the JSON of the database, an object with the keys "json-ld" and "end json-ld" stands for the document.
Content cannot contain it, because JSON escapes quotation marks in strings.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from functools import cache
from typing import Any, Final

import orjson
from graphql import OperationDefinitionNode, SelectionSetNode, parse

from contentql.planner.sql.nodes import ObjectNode, ResultNode

# What the document of one article adds to the cost of an operation: about the number of its objects.
JSON_LD_COST: Final = 100
_PLACEHOLDER: Final = re.compile(rb'\{"json-ld":(\{.*?\}),"end json-ld":0\}', re.DOTALL)

_MEDIA: Final = (
    "id kind url mime width height duration bytes alt caption credit creator copyright licence licenceUrl"
    " usageTerms"
)
_PERSON: Final = "name bio canonicalUrl sameAs"
_CATEGORY: Final = "name parent { name parent { name parent { name parent { name } } } }"
_SELECTION: Final = f"""{{
  uri headline kicker summary lede language contentType access version publishedAt updatedAt expiresAt byline
  wordCount canonicalUrl
  dateline {{ place text }}
  rights {{ usageTerms copyrightNotice }}
  categories {{ {_CATEGORY} }}
  authors {{ role author {{ {_PERSON} }} }}
  tags {{ type name wikidata canonicalUrl position {{ latitude longitude }} }}
  leadMedia {{ {_MEDIA} }}
  media {{ position role caption alt media {{ {_MEDIA} }} }}
  body {{ text }}
  attributions {{
    kind chain {{ quote saidOn url archivedUrl source {{ name kind homepage wikidata describedAs }} }}
  }}
  corrections {{ kind correctedAt text }}
  story {{ title canonicalUrl }}
  translations {{ uri language canonicalUrl headline }}
  liveEntries(first: 100) {{
    nodes {{
      id blockId at title text updatedAt author {{ {_PERSON} }} picture {{ {_MEDIA} }}
    }}
  }}
}}"""


@cache
def json_ld_selection() -> SelectionSetNode:
    """The fields of an article that its JSON-LD is made of."""
    (definition,) = parse(_SELECTION, no_location=True).definitions
    assert isinstance(definition, OperationDefinitionNode)
    return definition.selection_set


def json_ld_placeholder(article: ResultNode) -> ResultNode:
    """Returns the node that stands for the JSON-LD of the article."""
    return ObjectNode((("json-ld", article), ("end json-ld", "0")))


def complete_json_ld(data: bytes, make: Callable[[Mapping[str, Any]], Mapping[str, Any]]) -> bytes:
    """Returns the JSON with the documents in place of their placeholders; `make` makes one of an article."""
    return _PLACEHOLDER.sub(lambda match: orjson.dumps(make(orjson.loads(match[1]))), data)
