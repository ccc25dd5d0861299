"""Others' generators make clients of the documents without a warning, and those clients work.

Each client goes through one story against a running service: it creates a tenant, a node type and
nodes, lists, patches, runs a transaction, walks the graph, and deletes. ``make contract`` installs
the generators.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from http.client import HTTPConnection
from pathlib import Path

import pytest

from flexdb.config import Settings
from tests.support.paths import GENERATORS, ROOT
from tests.support.served import Served, variables_of

pytestmark = pytest.mark.long
STORIES = ROOT / "tests/contract/stories"
# What openapi-generator says of every document of OpenAPI 3.1, and of one with a single schema.
_OF_ANY_DOCUMENT = ("OpenAPI 3.1 support is still in beta", "Failed to get the schema name: null")


@pytest.fixture(scope="module")
def served(new_database: Callable[..., Settings], tmp_path_factory: pytest.TempPathFactory
           ) -> Iterator[Served]:
    """The service as a process, which gives the documents and takes the clients' calls."""
    folder = tmp_path_factory.mktemp("served")
    with Served(folder, **variables_of(new_database(), WORKERS=1)).wait() as served:
        yield served


@pytest.fixture
def folder(served: Served, tmp_path: Path) -> Path:
    """A folder with both documents and the stories, in which generators and compilers run."""
    for name in ("openapi.json", "openrpc.json"):
        connection = HTTPConnection("127.0.0.1", served.port, timeout=30)
        connection.request("GET", f"/{name}")
        (tmp_path / name).write_bytes(connection.getresponse().read())
        connection.close()
    shutil.copytree(STORIES, tmp_path, dirs_exist_ok=True)
    if (GENERATORS / "node_modules").is_dir():
        (tmp_path / "node_modules").symlink_to(GENERATORS / "node_modules")
    return tmp_path


def program(name: str) -> str:
    """Return the path of a generator or compiler that ``make contract`` installs."""
    for folder in ("bin", "node_modules/.bin"):
        if (path := GENERATORS / folder / name).exists():
            return str(path)
    pytest.skip(f"{name} is not installed: make contract installs it, where node and npm are or "
                "where it has a package for this Python")


def run(folder: Path, *command: str) -> str:
    """Run a command in a folder, hold that it succeeds, and return what it said."""
    environment = os.environ | {
        "PATH": f"{GENERATORS}/bin:{os.environ['PATH']}", "CI": "1"}
    done = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True,
                          stdin=subprocess.DEVNULL, timeout=300)
    said = done.stdout + done.stderr
    assert done.returncode == 0, said[-4000:]
    return said


def generate(folder: Path, *command: str) -> None:
    """Run a generator and hold that it warns of nothing."""
    said = run(folder, program(command[0]), *command[1:])
    warnings = [line for line in said.splitlines()
                if re.search("warn|error|not advisable|unsupported", line, re.IGNORECASE)
                and not any(known in line for known in _OF_ANY_DOCUMENT)
                and " INFO " not in line]
    assert not warnings, warnings


def tell_in_typescript(folder: Path, served: Served, story: str) -> None:
    """Compile a story strictly and run it."""
    options = ["--project", ".", "--pretty", "false"]
    config = folder / "tsconfig.json"
    config.write_text(config.read_text().rstrip().removesuffix("}").rstrip()
                      + f', "files": ["{story}.ts"]}}')
    run(folder, program("tsc"), *options)
    run(folder, "node", f"built/{story}.js", f"http://127.0.0.1:{served.port}")


def tell_in_python(folder: Path, served: Served, story: str) -> None:
    """Run a story."""
    run(folder, program("python"), "-W", "error", f"{story}.py",
        f"http://127.0.0.1:{served.port}")


def need_java() -> None:
    if not shutil.which("java"):
        pytest.skip("openapi-generator runs on Java, which is not installed")


@pytest.mark.skipif(sys.version_info < (3, 11), reason="its clients need Python 3.11")
def test_openapi_python_client(folder: Path, served: Served) -> None:
    generate(folder, "openapi-python-client", "generate", "--path", "openapi.json",
             "--output-path", "flexdb_client", "--meta", "none", "--fail-on-warning")
    tell_in_python(folder, served, "openapi_python_client")


def test_openapi_generator_for_python(folder: Path, served: Served) -> None:
    need_java()
    generate(folder, "openapi-generator-cli", "generate", "-i", "openapi.json", "-g", "python",
             "-o", ".", "--package-name", "flexdb_api")
    tell_in_python(folder, served, "openapi_generator")


def test_openapi_generator_for_typescript(folder: Path, served: Served) -> None:
    need_java()
    generate(folder, "openapi-generator-cli", "generate", "-i", "openapi.json",
             "-g", "typescript-fetch", "-o", "typescript-fetch")
    tell_in_typescript(folder, served, "typescript_fetch")


def test_openapi_typescript(folder: Path, served: Served) -> None:
    generate(folder, "openapi-typescript", "openapi.json", "-o", "openapi-typescript.d.ts")
    types = (folder / "openapi-typescript.d.ts").read_text()
    # These two it writes for every document without webhooks and definitions.
    assert re.findall(r"(\S+)(?: =|:) Record<string, never>", types) == ["webhooks", "$defs"]
    tell_in_typescript(folder, served, "openapi_typescript")


def test_hey_api(folder: Path, served: Served) -> None:
    generate(folder, "openapi-ts", "--input", "openapi.json", "--output", "hey-api",
             "--no-log-file")
    tell_in_typescript(folder, served, "hey_api")


def test_open_rpc_generator(folder: Path, served: Served) -> None:
    (folder / "generator.json").write_text(
        '{"openrpcDocument": "./openrpc.json", "outDir": "./open-rpc", "components": '
        '[{"type": "client", "name": "flexdb", "language": "typescript"}]}')
    generate(folder, "open-rpc-generator", "generate", "-c", "generator.json")
    tell_in_typescript(folder, served, "open_rpc")


def test_spectral_finds_nothing(folder: Path) -> None:
    (folder / "ruleset.yaml").write_text("extends: ['spectral:oas']\n")
    said = run(folder, program("spectral"), "lint", "openapi.json", "--ruleset", "ruleset.yaml",
               "--fail-severity", "hint")
    assert "No results" in said
