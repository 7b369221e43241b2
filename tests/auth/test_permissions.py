"""Permissions of roles, and their table in the documentation."""

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

SECURITY_PAGE = (Path(__file__).parents[2] / "docs/security.md").read_text()


def test_documentation_lists_the_permissions_of_each_role() -> None:
    """Each permission has a row with its description, each role a column."""
    (header,) = re.findall(r"^\| permission \| allows to \| (.*) \|$", SECURITY_PAGE, re.MULTILINE)
    assert header.split(" | ") == [role.value for role in Role]
    rows = re.findall(r"^\| `([A-Z_]+)` \| ([^|]+) \| ([✓ |]*)\|$", SECURITY_PAGE, re.MULTILINE)
    expected = {
        permission: (meaning, [cell.strip() == "✓" for cell in cells.split("|")][: len(Role)])
        for permission, meaning, cells in rows
    }
    assert expected == {
        permission.value: (
            PERMISSION_DESCRIPTIONS[permission],
            [permission in ROLE_PERMISSIONS[role] for role in Role],
        )
        for permission in Permission
    }


def test_roles_include_the_permissions_of_lower_roles() -> None:
    """The previewer is separate: it reads all drafts and has no other permission."""
    ascending = [Role.READER, Role.AUTHOR, Role.EDITOR, Role.PUBLISHER, Role.ADMIN]
    for lower, higher in itertools.pairwise(ascending):
        assert ROLE_PERMISSIONS[lower] < ROLE_PERMISSIONS[higher]
    assert ROLE_PERMISSIONS[Role.ADMIN] == set(Permission)
    assert ROLE_PERMISSIONS[Role.PREVIEWER] == {Permission.READ_ALL_DRAFTS}


def test_scopes_only_restrict_the_permissions_of_the_role() -> None:
    """Without scopes all permissions of the role apply."""
    assert effective_permissions(Role.EDITOR) == ROLE_PERMISSIONS[Role.EDITOR]
    assert effective_permissions(Role.EDITOR, ["CREATE_PREVIEW_LINKS"]) == {Permission.CREATE_PREVIEW_LINKS}
    assert effective_permissions(Role.AUTHOR, ["PUBLISH"]) == frozenset()
