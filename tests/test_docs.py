"""Documentation: examples run, generated tables match the code, and links resolve.

`pytest tests/test_docs.py --rewrite-goldens` rewrites the generated tables.
"""

from __future__ import annotations

import hashlib
import os
import re
import shlex
import shutil
import subprocess
import sys
import time
import tomllib
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import orjson
import pytest
import typer.main
from graphql import parse, validate
from tests.support.browser import open_page
from tests.support.graphql_client import query_data
from tests.support.http_client import free_port

from contentql.auth.permissions import PERMISSION_DESCRIPTIONS, ROLE_PERMISSIONS, Role
from contentql.cli import COMMANDS, app
from contentql.content.blocks import MAX_BLOCKS, MAX_BODY_LENGTH, MAX_EMBED_LENGTH
from contentql.content.enums import Status
from contentql.content.field_types import MAX_ITEMS, MAX_LINK_LENGTH
from contentql.editorial.body_input import MAX_MARKDOWN_BRACKETS, MAX_MARKDOWN_LINES, MAX_MARKUP_LENGTH
from contentql.editorial.user_errors import USER_ERROR_DESCRIPTIONS
from contentql.editorial.validation import MAX_TEXT_LENGTH
from contentql.editorial.warnings import WARNING_DESCRIPTIONS
from contentql.editorial.workflow import TRANSITIONS
from contentql.errors import ERROR_CODES
from contentql.execution.executor import Executor
from contentql.schema.build import get_schema
from contentql.settings import Settings
from contentql.telemetry.logs import AccessLog
from contentql.telemetry.metrics import Metrics
from contentql.telemetry.shared_counters import CounterFile
from contentql.telemetry.trace import RequestTrace

ROOT = Path(__file__).parents[1]
README = (ROOT / "README.md").read_text()
PAGES = sorted(
    path
    for pattern in ("*.md", "docs/**/*.md", "examples/*/README.md", ".github/*.md")
    for path in ROOT.glob(pattern)
    if path.name != "PULL_REQUEST_TEMPLATE.md"
)
EXAMPLE = re.compile(r"\*\*(\d+)\. .*?```graphql\n(.*?)```\n(?:\n```json\n(.*?)```)?", re.DOTALL)
EXAMPLES = [
    (page, *match)
    for page in ("README.md", "docs/queries.md")
    for match in EXAMPLE.findall((ROOT / page).read_text())
]


# Pages


def test_readme_is_short() -> None:
    """At most 12 KB of text and one screenshot of at most 200 KB."""
    assert len(README.encode()) <= 12_000
    images = re.findall(r"!\[[^\]]+\]\(([^)]+)\)", README)
    assert len(images) == 1
    assert (ROOT / images[0]).stat().st_size < 200_000


def test_every_page_is_linked_from_the_index() -> None:
    """The index is docs/index.md, or docs/adr/README.md for decision records."""
    for folder, start in (("docs", "index.md"), ("docs/adr", "README.md")):
        links = set(re.findall(r"\]\(([^)#]+)", (ROOT / folder / start).read_text()))
        pages = {page.name for page in (ROOT / folder).glob("*.md")} - {start}
        assert pages <= links, folder


def test_every_link_resolves() -> None:
    """Relative links refer to files, and their fragments to headings."""
    broken = []
    for page in PAGES:
        text = re.sub(r"`[^`\n]*`", "", page.read_text())  # code has no links
        for link in re.findall(r"\]\(([^)\s]+)\)", text):
            if re.match(r"[a-z]+:", link):
                continue
            name, _, fragment = link.partition("#")
            target = (page.parent / name).resolve() if name else page
            if not target.exists() or (fragment and fragment not in heading_anchors(target)):
                broken.append(f"{page.relative_to(ROOT)}: {link}")
    assert broken == []


def heading_anchors(page: Path) -> set[str]:
    """The anchors of headings, as GitHub generates them."""
    text = re.sub(r"^```.*?^```", "", page.read_text(), flags=re.MULTILINE | re.DOTALL)
    headings = re.findall(r"^#+ (.*)$", text, re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


def test_every_source_path_exists() -> None:
    """Paths in backticks that begin with src/ or tests/, except those with placeholders.

    Those of an example are paths in its folder.
    """
    for page in PAGES:
        for path in re.findall(r"`((?:src|tests)/[^`<>*]*)`", page.read_text()):
            folder = page.parent if page.is_relative_to(ROOT / "examples") else ROOT
            assert (folder / path).exists(), (page.name, path)


# Examples


def test_examples_are_numbered() -> None:
    """Five in README, thirteen in the page of queries."""
    for page, count in (("README.md", 5), ("docs/queries.md", 13)):
        assert [example[1] for example in EXAMPLES if example[0] == page] == [
            str(n + 1) for n in range(count)
        ]


@pytest.mark.parametrize(
    ("page", "number", "query", "response"),
    EXAMPLES,
    ids=[f"{page}-{number}" for page, number, _, _ in EXAMPLES],
)
async def test_examples_return_their_response(
    demo_executor: Executor, page: str, number: str, query: str, response: str
) -> None:
    """Each returns data of the demo newsroom; a response on the page is the actual one."""
    data = await query_data(demo_executor, query)
    assert leaves(data), (page, number)
    if response:
        assert data == orjson.loads(response)


def leaves(value: Any) -> list[Any]:
    if isinstance(value, dict):
        return [leaf for inner in value.values() for leaf in leaves(inner)]
    if isinstance(value, list):
        return [leaf for inner in value for leaf in leaves(inner)]
    return [] if value is None else [value]


def test_every_graphql_document_is_valid() -> None:
    for page in PAGES:
        for document in re.findall(r"```graphql\n(.*?)```", page.read_text(), re.DOTALL):
            assert validate(get_schema()._schema, parse(document)) == [], page.name


async def test_bundle_of_the_mobile_page_has_a_result(demo_executor: Executor) -> None:
    """Its query, for an article with attributions and authors; media have one file for the device."""
    page = (ROOT / "docs/mobile.md").read_text()
    (query,) = re.findall(r"```graphql\n(# Bundle.graphql\n.*?)```", page, re.DOTALL)
    data = await query_data(demo_executor, query, {"id": "art_714", "device": "PHONE"})
    bundle = data["articleBundle"]
    assert all(bundle[name] for name in ("version", "bytes", "sources", "authors", "tags", "media"))
    assert {len(item["renditions"]) for item in bundle["media"]} == {1}


def test_every_json_example_is_json() -> None:
    for page in PAGES:
        for text in re.findall(r"```json\n(.*?)```", page.read_text(), re.DOTALL):
            orjson.loads(text)


def test_every_command_line_is_valid() -> None:
    """Commands, subcommands and options of each `contentql …` line exist."""
    lines = [
        line
        for page in PAGES
        for language, block in re.findall(
            r"^```(\w*)\n(.*?)^```$", page.read_text(), re.MULTILINE | re.DOTALL
        )
        if language in ("", "sh")
        for line in re.findall(r"(?:^|[( ])(contentql [a-z].*)$", block, re.MULTILINE)
    ]
    assert len(lines) > 20
    root = typer.main.get_command(app)
    for line in lines:
        words = shlex.split(line.split("  #")[0].partition(" &")[0].rstrip(")"), comments=True)
        assert unknown_words(root, words[1:]) == [], line


def test_every_make_target_and_marker_exists() -> None:
    """Targets and markers on pages are those of Makefile and pyproject.toml."""
    makefile = (ROOT / "Makefile").read_text()
    for page in PAGES:
        for target in re.findall(r"(?:^|`)(?:PORT=\d+ )?make ([a-z-]+)", page.read_text(), re.MULTILINE):
            assert re.search(rf"^{target}:", makefile, re.MULTILINE), (page.name, target)
    markers = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["pytest"]["ini_options"]["markers"]
    (listed,) = re.findall(
        r"Markers name what a test needs:\n(.*?)\. ", (ROOT / "CONTRIBUTING.md").read_text()
    )
    assert re.findall(r"`(\w+)`", listed) == [marker.partition(":")[0] for marker in markers]


def unknown_words(command: Any, words: list[str]) -> list[str]:
    """Subcommands and options of a command line that do not exist."""
    if hasattr(command, "_load"):  # imported on first use
        command = command._load()
    if words and not words[0].startswith("-") and hasattr(command, "get_command"):
        context = command.context_class(command, info_name="contentql")
        subcommand = command.get_command(context, words[0])
        return unknown_words(subcommand, words[1:]) if subcommand else words[:1]
    options = {option for parameter in command.params for option in parameter.opts}
    return [word for word in words if word.startswith("--") and word not in options]


@pytest.fixture(scope="module")
def contentql_environment(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """Environment with `contentql` on the PATH, as this interpreter runs it."""
    folder = tmp_path_factory.mktemp("bin")
    command = folder / "contentql"
    command.write_text(f'#!/bin/sh\nexec "{sys.executable}" -m contentql "$@"\n')
    command.chmod(0o755)
    source = os.pathsep.join(filter(None, [str(ROOT / "src"), os.environ.get("PYTHONPATH", "")]))
    inherited = ("HOME", "LANG", "TMPDIR")
    environment = {name: os.environ[name] for name in inherited if name in os.environ}
    return {**environment, "PATH": f"{folder}{os.pathsep}{os.environ['PATH']}", "PYTHONPATH": source}


needs_curl = pytest.mark.skipif(
    shutil.which("curl") is None or shutil.which("bash") is None, reason="curl or bash is not installed"
)


@pytest.mark.slow
@needs_curl
def test_tutorial_commands_run(tmp_path: Path, contentql_environment: dict[str, str]) -> None:
    """One after another in an empty folder, with the responses that the page shows."""
    port = free_port()
    text = (ROOT / "docs/tutorial.md").read_text()
    blocks = re.findall(r"(<!-- not run -->\n)?```sh\n(.*?)```\n(?:\n```json\n(.*?)```)?", text, re.DOTALL)
    script, expected = ["trap 'kill %1; wait' EXIT"], []
    for not_run, block, response in blocks:
        if not_run:
            continue
        block = block.replace("contentql serve", f"contentql serve --port {port}").replace(
            ":8000", f":{port}"
        )
        if response:
            expected.append(orjson.loads(response))
            block = f"{{\n{block}}} > response-{len(expected)}.json\n"
        script.append(block)
    result = subprocess.run(
        ["bash", "-euo", "pipefail", "-c", "\n".join(script)],
        cwd=tmp_path, env=contentql_environment, capture_output=True, text=True, timeout=120,
    )  # fmt: skip
    assert result.returncode == 0, result.stderr
    assert len(expected) >= 4
    responses = [
        orjson.loads((tmp_path / f"response-{n + 1}.json").read_bytes()) for n in range(len(expected))
    ]
    assert responses == expected


@pytest.mark.slow
@needs_curl
def test_commands_of_other_pages_run(
    tmp_path: Path, contentql_environment: dict[str, str], demo_server: tuple[int, str]
) -> None:
    """Every shell block of docs/ except the tutorial, in a folder with the demo newsroom."""
    port, token = demo_server
    shutil.copytree(ROOT / "fixtures", tmp_path / "fixtures")
    text = "query Latest { latestNews { nodes { id } } }"
    operation = {
        "id": hashlib.sha256(text.encode()).hexdigest(),
        "name": "Latest",
        "type": "query",
        "body": text,
    }
    manifest = {"format": "apollo-persisted-query-manifest", "version": 1, "operations": [operation]}
    (tmp_path / "persisted-query-manifest.json").write_bytes(orjson.dumps(manifest))
    environment = {**contentql_environment, "TOKEN": token}
    subprocess.run(["contentql", "migrate"], cwd=tmp_path, env=environment, check=True, capture_output=True)
    count = 0
    for page in sorted((ROOT / "docs").glob("*.md")):
        if page.name == "tutorial.md":
            continue
        for not_run, block in re.findall(
            r"(<!-- not run -->\n)?```sh\n(.*?)```", page.read_text(), re.DOTALL
        ):
            if not_run:
                continue
            count += 1
            script = block.replace("localhost:8000", f"localhost:{port}").replace(
                "curl ", "curl --fail --silent "
            )
            result = subprocess.run(
                ["bash", "-euo", "pipefail", "-c", script],
                cwd=tmp_path, env=environment, capture_output=True, text=True, timeout=120,
            )  # fmt: skip
            assert result.returncode == 0, f"{page.name}: {block}\n{result.stdout}{result.stderr}"
            assert '"errors"' not in result.stdout, f"{page.name}: {block}\n{result.stdout}"
    assert count >= 7


@pytest.mark.slow
@needs_curl
def test_event_stream_example_has_events(demo_server: tuple[int, str]) -> None:
    """The command does not end by itself."""
    page = (ROOT / "docs/streams.md").read_text()
    (block,) = re.findall(r"```sh\n(curl --no-buffer.*?)```", page, re.DOTALL)
    script = block.replace("localhost:8000", f"localhost:{demo_server[0]}")
    script = script.replace("curl ", "curl --silent --max-time 3 ")
    result = subprocess.run(["bash", "-c", script], capture_output=True, text=True, timeout=60, check=False)
    timed_out = 28
    assert result.returncode == timed_out, result.stderr
    form = r'retry: \d+\n:\n\nevent: next\nid: (\w+)\ndata: \{"data":.*"extensions":\{"eventId":"\1"\}\}\n\n'
    assert re.fullmatch(form, result.stdout), result.stdout


@pytest.mark.slow
def test_editorial_examples_run_in_order(demo_server: tuple[int, str]) -> None:
    """Those of docs/editorial.md, with the article that the first one creates."""
    documents = re.findall(r"```graphql\n(.*?)```", (ROOT / "docs/editorial.md").read_text(), re.DOTALL)
    article = ""
    for document in documents:
        response = post(demo_server, {"query": document, "variables": {"article": article, "id": article}})
        assert "errors" not in response, response
        for payload in response["data"].values():
            assert payload.get("userErrors", []) == []
            article = article or payload["article"]["id"]
    assert len(documents) == 5


@pytest.mark.slow
def test_error_example_is_the_actual_response(demo_server: tuple[int, str]) -> None:
    """Document, status and body of docs/errors.md, except the request id."""
    page = (ROOT / "docs/errors.md").read_text()
    document, status, body = re.findall(
        r"`(\{.*?\})` gets status (\d+) and:\n\n```json\n(.*?)```", page, re.DOTALL
    )[0]
    with pytest.raises(urllib.error.HTTPError) as exc_info:
        post(demo_server, {"query": document})
    assert exc_info.value.code == int(status)
    response, expected = orjson.loads(exc_info.value.read()), orjson.loads(body)
    for errors in (response["errors"], expected["errors"]):
        assert re.fullmatch(r"[0-9a-f]{12}-[0-9a-f]+", errors[0]["extensions"].pop("requestId"))
    assert response == expected


def post(server: tuple[int, str], body: dict[str, Any]) -> Any:
    port, token = server
    headers = {"content-type": "application/json", "authorization": f"Bearer {token}"}
    request = urllib.request.Request(f"http://127.0.0.1:{port}/graphql", orjson.dumps(body), headers)
    with urllib.request.urlopen(request, timeout=30) as response:
        return orjson.loads(response.read())


async def test_screenshot_of_graphiql_can_be_taken(
    request: pytest.FixtureRequest, browser: str, demo_server: tuple[int, str]
) -> None:
    """With the response of the third example; `--rewrite-goldens` replaces the picture in README."""
    editor = "document.querySelector('.graphiql-query-editor .CodeMirror').CodeMirror"
    response = "document.querySelector('.result-window .CodeMirror').CodeMirror.getValue()"
    async with open_page(browser) as page:
        await page.resize(1280, 800)
        await page.open(f"http://127.0.0.1:{demo_server[0]}/graphiql")
        await page.wait_for(f"{editor}.getValue() !== '' && {editor}.options.hintOptions.schema")
        await page.click(".graphiql-tabs > :nth-child(3) .graphiql-tab-button")
        # GraphiQL selects the operation of the button a moment after the text changes.
        await page.wait_for(f"{editor}.operationName === 'WhoRelaysWhom'")
        await page.click(".graphiql-execute-button")
        await page.wait_for(f"{response}.includes('chain')")
        screenshot = await page.screenshot()
    assert screenshot.startswith(b"\x89PNG")
    assert len(screenshot) < 200_000
    if request.config.getoption("--rewrite-goldens"):
        (ROOT / "docs/images/graphiql.png").write_bytes(screenshot)


@pytest.fixture(scope="module")
def demo_server(
    tmp_path_factory: pytest.TempPathFactory, contentql_environment: dict[str, str]
) -> Iterator[tuple[int, str]]:
    """A server with the demo newsroom: its port and a token."""
    folder, port = tmp_path_factory.mktemp("demo"), free_port()
    server = subprocess.Popen(
        [sys.executable, "-m", "contentql", "serve", "--demo", "--port", str(port)],
        cwd=folder, env=contentql_environment, stderr=subprocess.DEVNULL,
    )  # fmt: skip
    try:
        wait_until_ready(port)
        created = subprocess.run(
            shlex.split("contentql tokens create --database sqlite:///demo.sqlite3 --name J --role editor"),
            cwd=folder, env=contentql_environment, check=True, capture_output=True, text=True,
        )  # fmt: skip
        yield port, created.stdout.strip()
    finally:
        server.terminate()
        server.wait(30)


def wait_until_ready(port: int) -> None:
    deadline = time.monotonic() + 60
    while True:
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{port}/health/ready", timeout=1):
                return
        except OSError:
            assert time.monotonic() < deadline, "the server did not start"
            time.sleep(0.1)


def test_every_test_of_a_promise_exists() -> None:
    """Those that docs/security.md names; every promise has a line."""
    page = (ROOT / "docs/security.md").read_text().split("## Promises and their tests")[1].split("\n## ")[0]
    assert re.findall(r"^\| (\d+) \|", page, re.MULTILINE) == [str(number) for number in range(1, 36)]
    tests = re.findall(r"`([\w/]+\.py)::(\w+)`", page)
    assert len(tests) > 60
    missing = [
        f"{file}::{name}"
        for file, name in tests
        if not re.search(rf"^(?:async )?def {name}\(", (ROOT / "tests" / file).read_text(), re.MULTILINE)
    ]
    assert missing == []


# Tables


def settings_table() -> str:
    rows = ["| setting | default | meaning |", "|---|---|---|"]
    for name, field in Settings.model_fields.items():
        default = (
            "empty"
            if field.default in ("", None)
            else f"`{str(field.default).lower() if field.annotation is bool else field.default}`"
        )
        rows.append(f"| `CONTENTQL_{name.upper()}` | {default} | {field.description} |")
    return "\n".join(rows)


def errors_table() -> str:
    rows = ["| code | status | meaning |", "|---|---|---|"]
    rows += [f"| `{code}` | {status} | {meaning} |" for code, (status, meaning) in ERROR_CODES.items()]
    return "\n".join(rows)


def user_errors_table() -> str:
    rows = ["| code | meaning |", "|---|---|"]
    rows += [f"| `{code.value}` | {meaning} |" for code, meaning in USER_ERROR_DESCRIPTIONS.items()]
    return "\n".join(rows)


def warnings_table() -> str:
    rows = ["| code | meaning |", "|---|---|"]
    rows += [f"| `{code.value}` | {meaning} |" for code, meaning in WARNING_DESCRIPTIONS.items()]
    return "\n".join(rows)


def permissions_table() -> str:
    rows = [f"| permission | allows to | {' | '.join(Role)} |", f"|---|---|{':-:|' * len(Role)}"]
    for permission, meaning in PERMISSION_DESCRIPTIONS.items():
        marks = " | ".join("✓" if permission in ROLE_PERMISSIONS[role] else " " for role in Role)
        rows.append(f"| `{permission.value}` | {meaning} | {marks} |")
    return "\n".join(rows)


def transitions_table() -> str:
    rows = ["| mutation | from | to |", "|---|---|---|"]
    for name, transition in TRANSITIONS.items():
        starts = ", ".join(status.value for status in Status if status in transition.from_statuses)
        rows.append(f"| `{name}` | {starts} | {transition.to_status.value} |")
    return "\n".join(rows)


def commands_table() -> str:
    rows = ["| command | what it does |", "|---|---|"]
    rows += [f"| `contentql {name}` | {help_line} |" for name, (_, _, help_line) in COMMANDS.items()]
    return "\n".join(rows)


def metrics_table() -> str:
    rows = ["| metric | type | labels | meaning |", "|---|---|---|---|"]
    for family in Metrics(CounterFile()).collect():
        if not family.name.startswith("process_"):
            name = f"{family.name}_total" if family.type == "counter" else family.name
            labels = ", ".join(f"`{label}`" for label in getattr(family, "_labelnames", ()))
            rows.append(f"| `{name}` | {family.type} | {labels} | {family.documentation} |")
    return "\n".join(rows)


def layers_block() -> str:
    contract = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["importlinter"]["contracts"][0]
    return "\n".join(["```", *contract["layers"], "```"])


def body_limits_table() -> str:
    limits = {
        "blocks of a body, paragraphs of a text": MAX_BLOCKS,
        "characters of all blocks of a body": MAX_BODY_LENGTH,
        "characters of any text of an input": MAX_TEXT_LENGTH,
        "characters of Markdown or HTML": MAX_MARKUP_LENGTH,
        "lines of Markdown": MAX_MARKDOWN_LINES,
        "opening brackets `[` in Markdown": MAX_MARKDOWN_BRACKETS,
        "items of a list, rows of a table, cells of a row, marks of a paragraph": MAX_ITEMS,
        "characters of the HTML of an embed": MAX_EMBED_LENGTH,
        "characters of a URL": MAX_LINK_LENGTH,
    }
    return "\n".join(["| limit | value |", "|---|---|", *(f"| {k} | {v:,} |" for k, v in limits.items())])


TABLES: dict[str, tuple[str, Callable[[], str]]] = {
    "settings": ("configuration.md", settings_table),
    "errors": ("errors.md", errors_table),
    "user-errors": ("errors.md", user_errors_table),
    "warnings": ("errors.md", warnings_table),
    "permissions": ("security.md", permissions_table),
    "transitions": ("editorial.md", transitions_table),
    "body-limits": ("editorial.md", body_limits_table),
    "commands": ("operations.md", commands_table),
    "metrics": ("operations.md", metrics_table),
    "layers": ("architecture.md", layers_block),
}


@pytest.mark.parametrize("name", TABLES)
def test_generated_table_matches_the_code(request: pytest.FixtureRequest, name: str) -> None:
    """Names, values and descriptions are those of the code."""
    page, make_table = TABLES[name]
    path = ROOT / "docs" / page
    text = path.read_text()
    begin, end = (f"<!-- {word} generated: {name} -->\n" for word in ("begin", "end"))
    before, rest = text.split(begin)
    table, after = rest.split(end)
    if request.config.getoption("--rewrite-goldens"):
        path.write_text(f"{before}{begin}{make_table()}\n{end}{after}")
    else:
        assert table == f"{make_table()}\n"


def test_every_log_field_is_documented() -> None:
    """Names and order are those of an access log line."""
    lines: list[bytes] = []
    log = AccessLog("all", "json", 1.0, lines.append)
    log.write(RequestTrace("id"), 0.001)
    log.flush()
    table = (ROOT / "docs/operations.md").read_text().split("| log field | meaning |")[1].split("\n\n")[0]
    assert re.findall(r"^\| `(\w+)` \|", table, re.MULTILINE) == list(orjson.loads(lines[0]))


def test_every_package_is_documented() -> None:
    """Modules and packages of src/contentql are in the map of docs/architecture.md."""
    page = (ROOT / "docs/architecture.md").read_text().split("## Packages")[1].split("## Layers")[0]
    for entry in (ROOT / "src/contentql").iterdir():
        if entry.suffix == ".py" and entry.stem != "__init__":
            assert f"{entry.name} " in page, entry.name
        elif (entry / "__init__.py").exists():
            assert f"  {entry.name}/ " in page, entry.name
