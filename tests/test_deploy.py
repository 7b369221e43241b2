"""Project files and deployment examples name existing settings and commands; the steps of the image run."""

from __future__ import annotations

import json
import os
import re
import shlex
import shutil
import subprocess
import sys
import time
import tomllib
import urllib.request
from collections.abc import Iterator
from fnmatch import fnmatch
from pathlib import Path
from typing import Any

import pytest
import yaml
from tests.support.http_client import free_port

from contentql.cli import COMMANDS
from contentql.server.options import GRACEFUL_SHUTDOWN_SECONDS
from contentql.settings import Settings, load_settings

ROOT = Path(__file__).parents[1]
PYPROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())
SETTING_NAMES = {f"CONTENTQL_{name.upper()}" for name in Settings.model_fields}


def test_deployment_files_name_only_existing_settings() -> None:
    """Every CONTENTQL_… variable in them is a field of Settings."""
    files = [ROOT / name for name in ("Dockerfile", "compose.yaml")] + sorted((ROOT / "deploy").iterdir())
    for file in files:
        assert set(re.findall(r"\bCONTENTQL_[A-Z_]+", file.read_text())) <= SETTING_NAMES, file.name


def test_the_image_has_two_stages_and_an_unprivileged_user() -> None:
    """The last stage sets user, health check, entry point and command."""
    steps = dockerfile_steps()
    assert [instruction for instruction, _ in steps].count("FROM") == 2
    last = dict(steps[max(i for i, (instruction, _) in enumerate(steps) if instruction == "FROM") :])
    assert last["USER"] == "10001:10001"
    assert last["HEALTHCHECK"].split("CMD", 1)[0].split()
    assert json.loads(last["ENTRYPOINT"]) == ["contentql"]
    assert json.loads(last["CMD"])[0] in COMMANDS


def test_the_image_copies_only_what_the_build_context_holds() -> None:
    """Each source of COPY exists and is not excluded by .dockerignore."""
    for source in copied_sources():
        assert (ROOT / source).exists(), source
        assert not is_ignored(source), source
    assert is_ignored("tests")
    assert is_ignored("demo.sqlite3")


def test_the_settings_of_the_image_are_valid(monkeypatch: pytest.MonkeyPatch) -> None:
    """Values of ENV are accepted by Settings."""
    for name, value in image_environment().items():
        monkeypatch.setenv(name, value)
    assert load_settings().host == "0.0.0.0"


def test_the_image_passes_hadolint() -> None:
    """Skipped where hadolint is not installed."""
    run_linter("hadolint", ["hadolint", str(ROOT / "Dockerfile")])


def test_compose_runs_migrations_before_the_server(monkeypatch: pytest.MonkeyPatch) -> None:
    """One-shot migration, health-checked services, valid settings, enough time to stop."""
    services = load_yaml("compose.yaml")["services"]
    assert set(services) == {"contentql", "migrate", "postgres", "valkey"}
    server, migrate = services["contentql"], services["migrate"]
    assert server["depends_on"]["migrate"] == {"condition": "service_completed_successfully"}
    assert migrate["depends_on"]["postgres"] == {"condition": "service_healthy"}
    assert migrate["restart"] == "no"
    for service in (server, migrate):
        assert service["command"][0] in COMMANDS
        assert service["read_only"] is True
    for name in ("postgres", "valkey"):
        assert services[name]["healthcheck"]["test"][0] == "CMD"
    settings = settings_from(server["environment"], monkeypatch)
    assert int(server["stop_grace_period"].rstrip("s")) >= stop_seconds(settings)


def test_the_systemd_unit_migrates_and_serves(monkeypatch: pytest.MonkeyPatch) -> None:
    """Its commands exist, its environment file is valid, and stopping has enough time."""
    unit = (ROOT / "deploy/contentql.service").read_text()
    values = dict(re.findall(r"^(\w+)=(.*)$", unit, re.MULTILINE))
    assert values["ExecStartPre"].split()[1:] == ["migrate"]
    assert values["ExecStart"].split()[1:] == ["serve"]
    lines = (ROOT / "deploy/contentql.env").read_text().splitlines()
    environment = dict(line.split("=", 1) for line in lines if line and not line.startswith("#"))
    assert int(values["TimeoutStopSec"]) >= stop_seconds(settings_from(environment, monkeypatch))


def test_the_systemd_unit_is_verified_by_systemd(tmp_path: Path) -> None:
    """With a stand-in for the command. Skipped where systemd-analyze is not installed."""
    command = tmp_path / "contentql"
    command.write_text("#!/bin/sh\n")
    command.chmod(0o755)
    unit = (
        (ROOT / "deploy/contentql.service").read_text().replace("/opt/contentql/bin/contentql", str(command))
    )
    (tmp_path / "contentql.service").write_text(unit)
    run_linter(
        "systemd-analyze", ["systemd-analyze", "verify", "--man=no", str(tmp_path / "contentql.service")]
    )


def test_the_kubernetes_example_is_consistent(monkeypatch: pytest.MonkeyPatch) -> None:
    """Non-root pods, existing commands and endpoints, matching labels, enough time to stop."""
    objects = {item["kind"]: item for item in load_yaml("deploy/kubernetes.yaml", many=True)}
    assert set(objects) == {"ConfigMap", "Job", "Deployment", "Service", "PodDisruptionBudget"}
    settings = settings_from(objects["ConfigMap"]["data"], monkeypatch)
    for kind in ("Job", "Deployment"):
        pod = objects[kind]["spec"]["template"]["spec"]
        container = pod["containers"][0]
        assert container["args"][0] in COMMANDS
        assert pod["securityContext"]["runAsNonRoot"] is True
        assert pod["securityContext"]["runAsUser"] == 10001
        assert container["securityContext"]["readOnlyRootFilesystem"] is True
        # Service links would set CONTENTQL_PORT to a URL.
        assert pod["enableServiceLinks"] is False
    template = objects["Deployment"]["spec"]["template"]
    selector = objects["Deployment"]["spec"]["selector"]["matchLabels"]
    assert selector == template["metadata"]["labels"] == objects["Service"]["spec"]["selector"]
    assert selector == objects["PodDisruptionBudget"]["spec"]["selector"]["matchLabels"]
    container = template["spec"]["containers"][0]
    probes = {container[f"{name}Probe"]["httpGet"]["path"] for name in ("startup", "liveness", "readiness")}
    assert probes == {"/health/live", "/health/ready"}
    assert template["spec"]["terminationGracePeriodSeconds"] >= stop_seconds(settings)


def test_ci_covers_the_supported_versions_and_both_databases() -> None:
    """Python versions of the classifiers, SQLite and PostgreSQL, and make targets that exist."""
    workflow = load_yaml(".github/workflows/ci.yml")
    matrix = workflow["jobs"]["test"]["strategy"]["matrix"]
    versions = [
        classifier.rpartition(" ")[2]
        for classifier in PYPROJECT["project"]["classifiers"]
        if re.search(r":: 3\.\d+$", classifier)
    ]
    assert matrix["python"] == versions
    assert versions[0] == PYPROJECT["project"]["requires-python"].removeprefix(">=")
    assert matrix["database"] == ["sqlite", "postgres"]
    makefile = (ROOT / "Makefile").read_text()
    for job in workflow["jobs"].values():
        for step in job["steps"]:
            for target in re.findall(r"\bmake ([\w-]+)", step.get("run", "")):
                assert re.search(rf"^{target}:", makefile, re.MULTILINE), target


def test_yaml_files_of_the_project_parse() -> None:
    """Issue forms and pre-commit hooks have the required keys."""
    for name in ("bug_report", "feature_request"):
        form = load_yaml(f".github/ISSUE_TEMPLATE/{name}.yml")
        assert {"name", "description", "body"} <= set(form)
    hooks = load_yaml(".pre-commit-config.yaml")["repos"][0]["hooks"]
    assert [hook["id"] for hook in hooks] == ["ruff-check", "ruff-format", "mypy", "lint-imports"]
    assert (ROOT / ".github/PULL_REQUEST_TEMPLATE.md").read_text()


def test_changelog_has_the_current_version() -> None:
    """With a section in the form of Keep a Changelog."""
    changelog = (ROOT / "CHANGELOG.md").read_text()
    assert f"\n## [{PYPROJECT['project']['version']}]" in changelog
    assert "\n## [Unreleased]" in changelog


@pytest.mark.slow
def test_the_steps_of_the_image_run_in_an_empty_folder(tmp_path: Path) -> None:
    """Build, migrate, serve and health check, step by step: no container is built.

    The packages come from the package index; skipped where it cannot be reached.
    """
    context, target = tmp_path / "build", tmp_path / "contentql"
    context.mkdir()
    for source in copied_sources():
        copy_source(source, context)
    build = next(value for instruction, value in dockerfile_steps() if instruction == "RUN")
    script = build.replace("/opt/contentql", str(target)).replace("python -m", f"{sys.executable} -m")
    built = subprocess.run(["sh", "-euc", script], cwd=context, capture_output=True, text=True)
    if built.returncode and re.search(
        r"NewConnectionError|ConnectTimeout|No matching distribution", built.stderr
    ):
        pytest.skip("the package index cannot be reached")
    assert built.returncode == 0, built.stderr

    data = tmp_path / "data"
    data.mkdir()
    port = free_port()
    environment = {
        **image_environment(),
        "PATH": f"{target / 'bin'}:{os.defpath}",
        "CONTENTQL_HOST": "127.0.0.1",
        "CONTENTQL_PORT": str(port),
        "CONTENTQL_DATABASE_URL": f"sqlite:///{data}/newsroom.sqlite3",
    }
    subprocess.run(["contentql", "migrate"], cwd=data, env=environment, check=True, capture_output=True)
    last = dict(dockerfile_steps())
    health_check = json.loads(last["HEALTHCHECK"].split("CMD", 1)[1])
    server = subprocess.Popen(
        [*json.loads(last["ENTRYPOINT"]), *json.loads(last["CMD"])],
        cwd=data,
        env=environment,
        stderr=subprocess.DEVNULL,
    )
    try:
        wait_until_live(port)
        checked = subprocess.run(health_check, cwd=data, env=environment, capture_output=True, text=True)
        assert checked.returncode == 0, checked.stderr
    finally:
        server.terminate()
        assert server.wait(timeout=GRACEFUL_SHUTDOWN_SECONDS) == 0
    # Nothing but the database is written.
    assert {file.name.partition(".sqlite3")[0] for file in data.iterdir()} == {"newsroom"}


def dockerfile_steps() -> list[tuple[str, str]]:
    """Instructions with their arguments, continuation lines joined, comments removed."""
    text = re.sub(r"^#.*\n", "", (ROOT / "Dockerfile").read_text(), flags=re.MULTILINE)
    lines = re.sub(r"\\\n\s*", "", text).splitlines()
    return [(words[0], words[1]) for line in lines if (words := line.split(maxsplit=1))]


def image_environment() -> dict[str, str]:
    """CONTENTQL_… variables that ENV sets."""
    assignments = [
        word
        for instruction, value in dockerfile_steps()
        if instruction == "ENV"
        for word in shlex.split(value)
    ]
    pairs = dict(word.split("=", 1) for word in assignments)
    return {name: value for name, value in pairs.items() if name.startswith("CONTENTQL_")}


def copied_sources() -> Iterator[str]:
    """Paths of the build context that COPY takes, stage copies left out."""
    for instruction, value in dockerfile_steps():
        if instruction == "COPY" and not value.startswith("--from"):
            yield from value.split()[:-1]


def copy_source(source: str, context: Path) -> None:
    source = source.removeprefix("./")
    if (ROOT / source).is_dir():
        ignore = shutil.ignore_patterns("__pycache__", "*.egg-info", "*.sqlite3*")
        shutil.copytree(ROOT / source, context / source, ignore=ignore)
    else:
        shutil.copy(ROOT / source, context / source)


def is_ignored(path: str) -> bool:
    """Whether .dockerignore excludes a path of the top folder; the last matching line decides."""
    ignored = False
    for line in (ROOT / ".dockerignore").read_text().splitlines():
        if fnmatch(path.removeprefix("./"), line.removeprefix("!").removeprefix("**/")):
            ignored = not line.startswith("!")
    return ignored


def load_yaml(path: str, *, many: bool = False) -> Any:
    text = (ROOT / path).read_text()
    return list(yaml.safe_load_all(text)) if many else yaml.safe_load(text)


def settings_from(environment: dict[str, str], monkeypatch: pytest.MonkeyPatch) -> Settings:
    """Settings from an environment; variables of the compose file are replaced by a value."""
    for name, value in environment.items():
        monkeypatch.setenv(name, re.sub(r"\$\{[^}]*\}", "value", value))
    return load_settings()


def stop_seconds(settings: Settings) -> float:
    """Longest time from SIGTERM to the end of the server."""
    return settings.drain_seconds + GRACEFUL_SHUTDOWN_SECONDS


def run_linter(name: str, command: list[str]) -> None:
    if shutil.which(name) is None:
        pytest.skip(f"{name} is not installed")
    result = subprocess.run(command, capture_output=True, text=True)
    assert result.returncode == 0, result.stdout + result.stderr


def wait_until_live(port: int) -> None:
    deadline = time.monotonic() + 30
    while True:
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{port}/health/live", timeout=1):
                return
        except OSError:
            assert time.monotonic() < deadline, "the server did not start"
            time.sleep(0.1)
