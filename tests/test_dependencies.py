"""Dependencies: pinned versions fit their ranges, and no range has a version with a known vulnerability."""

from __future__ import annotations

import itertools
import tomllib
from collections.abc import Iterable
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name
from packaging.version import Version

ROOT = Path(__file__).parents[1]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
LINES = [*PROJECT["dependencies"], *itertools.chain(*PROJECT["optional-dependencies"].values())]


def requirements_by_name(lines: Iterable[str]) -> dict[str, Requirement]:
    return {str(canonicalize_name(each.name)): each for each in map(Requirement, lines)}


REQUIREMENTS = requirements_by_name(line for line in LINES if not line.startswith(PROJECT["name"]))
PINNED = requirements_by_name((ROOT / "constraints.txt").read_text().splitlines())
# The first versions without the vulnerability.
FIXED_IN = {
    "CVE-2020-11010": ("tortoise-orm", "0.16.6"),  # SQL by contains and startsWith
    "CVE-2023-28859": ("redis", "4.5.4"),  # responses to other commands after a cancellation
    "CVE-2023-29159": ("starlette", "0.27.0"),  # paths outside the folder
    "CVE-2023-30798": ("starlette", "0.25.0"),  # forms without a limit of fields
    "CVE-2024-47874": ("starlette", "0.40.0"),  # form fields without a limit of size
    "CVE-2025-62727": ("starlette", "0.49.1"),  # quadratic Range headers
    "CVE-2026-48710": ("starlette", "1.0.1"),  # path in the Host header
    "PYSEC-2026-248": ("starlette", "1.3.0"),  # host in the path
    "CVE-2026-32597": ("pyjwt", "2.12.0"),  # critical headers ignored
    "CVE-2026-48526": ("pyjwt", "2.13.0"),
    "CVE-2026-101918": ("pyjwt", "2.15.0"),
    "GHSA-537c-gmf6-5ccf": ("cryptography", "48.0.1"),
    "CVE-2026-35523": ("strawberry-graphql", "0.312.3"),  # no login with the legacy subprotocol
    "CVE-2026-35526": ("strawberry-graphql", "0.312.3"),  # subscriptions without a limit
    "CVE-2026-47706": ("strawberry-graphql", "0.315.7"),  # recursion of the depth limiter
    "CVE-2026-47707": ("strawberry-graphql", "0.315.7"),  # alias limiter blind to fragments
    "CVE-2026-107727": ("strawberry-graphql", "0.327.2"),  # finished subscriptions are counted
}


@pytest.mark.parametrize("name", sorted(REQUIREMENTS))
def test_pinned_versions_are_within_their_ranges(name: str) -> None:
    """Every direct dependency has one pinned version, and a range with both bounds."""
    (pin,) = PINNED[name].specifier
    assert pin.operator == "=="
    assert REQUIREMENTS[name].specifier.contains(pin.version)
    assert {bound.operator for bound in REQUIREMENTS[name].specifier} == {">=", "<"}


@pytest.mark.parametrize("vulnerability", FIXED_IN)
def test_ranges_begin_after_known_vulnerabilities(vulnerability: str) -> None:
    """The lower bound is not below the first fixed version."""
    name, fixed_in = FIXED_IN[vulnerability]
    (lower,) = (bound for bound in REQUIREMENTS[name].specifier if bound.operator == ">=")
    assert Version(lower.version) >= Version(fixed_in)


def test_the_audit_covers_the_pinned_versions() -> None:
    """`make audit` reads constraints.txt, and fails for a package that could not be looked up."""
    target = (ROOT / "Makefile").read_text().split("\naudit:")[1].split("\n\n")[0]
    assert "--requirement constraints.txt" in target
    assert "--strict" in target
    assert "run: make audit" in (ROOT / ".github/workflows/ci.yml").read_text()
