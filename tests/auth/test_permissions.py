"""What each role may do, and that README says the same."""

from __future__ import annotations

import itertools
import re
from pathlib import Path

from contentql.auth.permissions import (
    PERMISSION_DESCRIPTIONS,
    ROLE_PERMISSIONS,
    Permission,
    Role,
    effective_permissions,
)

README = (Path(__file__).parents[2] / "README.md").read_text()


def test_readme_grants_what_the_roles_grant() -> None:
    """Each ability in a row, with its meaning; each role in a column."""
    (header,) = re.findall(r"^\| ability \| lets one \| (.*) \|$", README, re.MULTILINE)
    assert header.split(" | ") == [role.value for role in Role]
    rows = re.findall(r"^\| `([A-Z_]+)` \| ([^|]+) \| ([✓ |]*)\|$", README, re.MULTILINE)
    expected = {
        ability: (meaning, [cell.strip() == "✓" for cell in cells.split("|")][: len(Role)])
        for ability, meaning, cells in rows
    }
    assert expected == {
        ability.value: (
            PERMISSION_DESCRIPTIONS[ability],
            [ability in ROLE_PERMISSIONS[role] for role in Role],
        )
        for ability in Permission
    }


def test_each_role_may_do_what_the_one_below_may() -> None:
    """But for the previewer, who writes nothing and yet sees more than an author."""
    ladder = [Role.READER, Role.AUTHOR, Role.EDITOR, Role.PUBLISHER, Role.ADMIN]
    for lower, higher in itertools.pairwise(ladder):
        assert ROLE_PERMISSIONS[lower] < ROLE_PERMISSIONS[higher]
    assert ROLE_PERMISSIONS[Role.ADMIN] == set(Permission)
    assert ROLE_PERMISSIONS[Role.PREVIEWER] == {Permission.READ_ALL_DRAFTS}


def test_scopes_only_ever_leave_less() -> None:
    """None is all of the role; one that the role does not have gives nothing."""
    assert effective_permissions(Role.EDITOR) == ROLE_PERMISSIONS[Role.EDITOR]
    assert effective_permissions(Role.EDITOR, ["CREATE_PREVIEW_LINKS"]) == {Permission.CREATE_PREVIEW_LINKS}
    assert effective_permissions(Role.AUTHOR, ["PUBLISH"]) == frozenset()
