"""The projects in examples/, installed once and built in copies, and an editor of the demo newsroom."""

from __future__ import annotations

import shutil
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import httpx2
from tests.clients.conftest import ENVIRONMENT, RunningServer, install_packages

ROOT = Path(__file__).parents[2]
BUILT = ("node_modules", "dist", "gql")
"""Folders that an example does not have in the repository."""


def copy_example(name: str, folder: Path) -> Path:
    """A copy of an example as it is in the repository, with its installed packages."""
    source, copied = ROOT / "examples" / name, folder / name
    install_packages(source)
    shutil.copytree(source, copied, ignore=shutil.ignore_patterns(*BUILT))
    (copied / "node_modules").symlink_to(source / "node_modules", target_is_directory=True)
    return copied


def run_script(project: Path, script: str, **environment: str) -> None:
    """Runs a script of package.json, which must succeed."""
    result = subprocess.run(
        ["npm", "run", script],
        cwd=project,
        env={**ENVIRONMENT, **environment},
        capture_output=True,
        text=True,
        check=False,
        timeout=300,
    )
    assert result.returncode == 0, result.stdout + result.stderr


class Publisher:
    """An editor with a token that may publish."""

    def __init__(self, running: RunningServer) -> None:
        command = ["tokens", "create", "--database", running.database, "--name", "J", "--role", "publisher"]
        created = subprocess.run(
            [sys.executable, "-m", "contentql", *command],
            env=ENVIRONMENT,
            capture_output=True,
            text=True,
            check=True,
        )
        self._address = running.address
        self._headers = {"authorization": f"Bearer {created.stdout.strip()}"}

    def change(self, mutation: str, input: Mapping[str, Any]) -> Any:
        """Executes a mutation of an article, which must succeed; returns the id of the article."""
        kind = {
            "createArticle": "CreateArticleInput",
            "updateArticle": "UpdateArticleInput",
            "publishArticle": "PublishArticleInput",
        }.get(mutation, "ArticleTransitionInput")
        result = "deletedId" if mutation == "deleteArticle" else "article { id }"
        query = (
            f"mutation($input: {kind}!) {{ result: {mutation}(input: $input)"
            f" {{ {result} userErrors {{ message }} }} }}"
        )
        body = {"query": query, "variables": {"input": input}}
        answer = httpx2.post(self._address, json=body, headers=self._headers).json()
        payload = answer["data"]["result"]
        assert payload["userErrors"] == [], answer
        return payload.get("deletedId") or payload["article"]["id"]

    def create(self, headline: str) -> str:
        """Publishes a new article; returns its id."""
        content = {"headline": headline, "category": "world", "body": {"markdown": f"{headline}, today."}}
        id: str = self.change("createArticle", content)
        self.publish(id)
        return id

    def publish(self, id: str) -> None:
        """Publishes an article or its working copy, through review."""
        for step in ("submitArticle", "approveArticle", "publishArticle"):
            self.change(step, {"id": id})
