"""HTML pages and style sheets as templates."""

from __future__ import annotations

from functools import cache
from importlib.resources import files
from string import Template


@cache
def load_template(name: str) -> Template:
    """The template in a file of this package; placeholders are `${name}`. Callers escape the values."""
    return Template(files(__name__).joinpath(name).read_text())
