"""How flexdb is built: which module may know which, and what every file keeps to."""

from __future__ import annotations

import ast
import os
import re
import socket
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest

from flexdb.contract.operation import OPERATIONS
from flexdb.sql.loader import LISTS, NAMES
from tests.support.pages import quoted, table
from tests.support.paths import ROOT

MODULES = {".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__"): path
           for path in sorted((ROOT / "flexdb").rglob("*.py"))}
SQL = sorted([*(ROOT / "flexdb/sql").glob("*.sql"), *(ROOT / "migrations").glob("*.sql")])
# What each room may know beside itself, from the bottom up. A module that is no folder is a room of
# its own; whoever stands in none may know all.
WALLS: dict[str, set[str]] = {
    "config": set(),
    "errors": set(),
    "version": set(),
    "wording": set(),
    "client": {"version", "wording"},
    "telemetry": {"config", "version"},
    "plan": {"errors"},
    "documents": {"errors"},
    "access": {"config", "errors"},
    "context": {"access", "documents", "config"},
    "db": {"telemetry", "plan", "config", "errors"},
    "sql": {"plan", "config"},
    "contract": {"access", "context", "documents", "plan", "telemetry", "errors", "version"},
    "query": {"access", "contract", "sql", "context", "documents", "plan", "config", "errors"},
    "operations": {"access", "query", "contract", "sql", "context", "documents", "plan", "errors"},
    "transfer": {"operations", "access", "query", "contract", "sql", "context", "documents", "db",
                 "plan", "config", "errors", "wording"},
    "changes": {"operations", "access", "query", "contract", "sql", "context", "documents",
                "db", "plan", "telemetry", "config", "errors", "version"},
    "api": {"changes", "access", "query", "contract", "sql", "context", "documents", "db", "plan",
            "telemetry", "config", "errors"},
    "web": {"api", "transfer", "contract", "documents", "db", "telemetry", "config", "errors",
            "version", "wording"},
    "server": {"application", "api", "changes", "operations", "contract", "context", "access",
               "documents", "db", "plan", "telemetry", "config", "errors", "wording"},
}
WEB = {"flask", "flask_cors", "flask_jsonrpc", "werkzeug"}
POSTGRES = {"psycopg", "psycopg_pool", "yoyo"}
LISTINGS = {"flexdb.client.deferred", "flexdb.client.objects",
            *(f"flexdb.client.{way}.methods" for way in ("asynchronous", "synchronous"))}
VERBS = {"aggregate", "check", "count", "create", "get", "update", "patch", "delete", "list", "add",
         "remove", "upsert", "rotate", "test", "erase", "restore"}
# What the field calls so, without a verb or without a noun.
TERMS = {"traverse", "shortest_path", "redeliver"}


def tree(module: str) -> ast.Module:
    return ast.parse(MODULES[module].read_text(encoding="utf-8"))


def imports(module: str) -> set[str]:
    """Return the full names of all that a module imports, wherever in it that stands."""
    found = set()
    for node in ast.walk(tree(module)):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert not node.level and node.module, f"{module} has a relative import"
            names = [f"{node.module}.{alias.name}" for alias in node.names]
            found |= {name if name in MODULES else node.module for name in names}
    return found


def foreign(module: str) -> set[str]:
    return {name.partition(".")[0] for name in imports(module)} - {"flexdb"}


def room(module: str) -> str:
    """Return the room of a module, or the name of one that stands alone; "" for the factory."""
    return [*module.split("."), ""][1]


def within(*rooms: str) -> list[str]:
    return [module for module in MODULES if room(module) in rooms]


@pytest.mark.parametrize("module", within(*WALLS))
def test_a_room_knows_only_what_its_walls_let_through(module: str) -> None:
    known = {room(name) for name in imports(module) if name in MODULES} - {room(module)}
    assert known - WALLS[room(module)] == set()


def test_every_module_stands_in_a_room_or_puts_the_rooms_together() -> None:
    assert {room(module) for module in MODULES} - WALLS.keys() == {
        "", "application", "cli", "__main__"}


@pytest.mark.parametrize("module", within("operations", "query", "contract", "documents"))
def test_what_an_operation_does_knows_nothing_of_the_web_and_of_postgresql(module: str) -> None:
    assert not foreign(module) & (WEB | POSTGRES | {"gunicorn"})


def test_documents_know_no_contract_and_a_contract_no_query() -> None:
    assert "contract" not in WALLS["documents"]
    assert not {"query", "operations"} & WALLS["contract"]
    assert "operations" not in WALLS["query"] | WALLS["api"]


def test_only_db_knows_psycopg_and_yoyo() -> None:
    assert {room(module) for module in MODULES if foreign(module) & POSTGRES} == {"db"}


def test_only_doors_pages_and_the_application_know_flask() -> None:
    assert {room(module) for module in MODULES if foreign(module) & WEB} == {
        "", "application", "api", "web"}


def test_commands_over_http_know_the_client_and_nothing_of_the_service() -> None:
    remote = [module for module in MODULES if module.startswith("flexdb.cli.remote")]
    known = {name for module in remote for name in imports(module) if name in MODULES}
    assert remote and {name for name in known if room(name) != "client"} == {
        *remote} - {"flexdb.cli.remote"} | {"flexdb.cli.failures", "flexdb.wording"}


def test_only_one_module_knows_flask_jsonrpc() -> None:
    assert [module for module in MODULES if "flask_jsonrpc" in foreign(module)] == [
        "flexdb.api.jsonrpc"]


def constants(module: str) -> set[str]:
    """Return the texts in a module's code, its docstrings left out."""
    told = {id(node.value) for node in ast.walk(tree(module)) if isinstance(node, ast.Expr)}
    return {node.value for node in ast.walk(tree(module)) if isinstance(node, ast.Constant)
            and isinstance(node.value, str) and id(node) not in told}


def test_only_one_module_knows_urls_and_verbs() -> None:
    assert [module for module in MODULES if any(
        text.startswith("/tenants") for text in constants(module))] == ["flexdb.api.routes"]


@pytest.mark.parametrize("module", [
    module for module in within("api", "web", "server")
    if module != "flexdb.api.routes" and not module.startswith("flexdb.web.console")])
def test_a_door_knows_no_operation_by_name(module: str) -> None:
    assert constants(module) & OPERATIONS.keys() == set()


@pytest.mark.parametrize("module", within("operations"))
def test_an_operation_knows_no_setting(module: str) -> None:
    assert "settings" not in MODULES[module].read_text(encoding="utf-8").lower().replace(
        "or of settings", "")


@pytest.mark.parametrize("module", MODULES)
def test_nothing_guesses_from_a_name_s_prefix_what_an_operation_does(module: str) -> None:
    verbs = {f"{verb}_" for verb in VERBS}
    assert constants(module) & verbs - ({"list_"} if room(module) == "query" else set()) == set()


def test_a_room_says_what_it_may_know() -> None:
    for name, known in WALLS.items():
        if (ROOT / "flexdb" / name).is_dir():
            told = ast.get_docstring(tree(f"flexdb.{name}"))
            assert told and set(re.findall(r"\w+", told)) >= known, name


# What is on both sides of the wire has one name on both.
@pytest.mark.parametrize("side", [within("client"), [*MODULES.keys() - {*within("client")}]],
                         ids=["client", "service"])
def test_no_two_classes_have_one_name(side: list[str]) -> None:
    found = Counter(node.name for module in side for node in ast.walk(tree(module))
                    if isinstance(node, ast.ClassDef) and node.name != "Meta")
    assert [name for name, times in found.items() if times > 1] == []


# What several operations are together has no query and is no verb.
@pytest.mark.parametrize("name", sorted(OPERATIONS.keys() - {"transaction"}))
def test_an_operation_is_verb_noun_and_has_the_name_of_its_query(name: str) -> None:
    assert name.partition("_")[0] in VERBS or name in TERMS
    # A patch is made here, and written as an update is; what counts or measures reads a list.
    made_of_others = ("patch_", "check_", "count_", "aggregate_")
    assert ((name in NAMES) != (name in LISTS) or name.startswith(made_of_others)
            or name in ("get_caller", "upsert_node"))
    assert OPERATIONS[name].function.__name__ == name and OPERATIONS[name].description


def test_every_query_is_an_operation_a_step_a_lock_or_asks_for_the_migrations() -> None:
    steps = {"get_fit_of_node", "get_fit_of_doomed_node", "get_fit_of_relationship",
             "get_nodes_to_update", "get_data_of_nodes",
             "get_schema_of_type", "get_schema_to_check", "get_schema_of_node",
             "create_new_nodes", "create_new_relationships",
             "get_schemas_of_types", "get_missing_nodes", "lock_relationship", "get_member",
             "get_member_by_email",
             "get_user_by_email", "get_tenant_by_slug", "get_node_type_by_name",
             "get_role_of_member",
             "note_event", "before_tenants", "before_users", "before_tenant_users", "before_keys",
             "before_operator_keys",
             "check_quota", "before_roles", "lock_role", "count_role", "begin_invitation",
             "before_invitations", "before_limits", "before_webhooks", "lock_node_type",
             "find_clashes",
             "get_searched_types", "lock_contracts", "get_missing_types", "get_schema_versions",
             "get_schema_of_relationship_type", "get_relationship_to_change",
             "number_changes", "get_feed", "get_node_at", "get_relationship_at",
             "get_last_change_of_node", "get_last_change_of_relationship",
             "get_relationships_to_restore", "restore_relationships",
             "claim_keys", "get_key_holders", "get_nodes_to_upsert", "get_unique_clashes",
             "release_keys"}
    # What several calls will write is locked before the first of them.
    locks = {"lock_tenants", "lock_users", "lock_tenant_users", "lock_node_types", "lock_changed",
             "lock_deleted"}
    # What the doors and the commands ask.
    others = {"find_memberships", "find_claimed", "find_absent_tenants", "list_migrations",
              "find_key", "note_key", "find_tenant", "has_operator_key",
              "list_own_limits", "webhook_figures", "server_figures", "tenant_sizes",
              "upkeep_figures", "exchange_rates", "add_usage",
              "find_node_type", "export_nodes",
              "get_data_members"}
    # What stands around what is done once.
    others |= {"take_key", "get_reply", "keep_reply", "begin_keys", "take_free_keys",
               "keep_replies"}
    # What who delivers asks of webhooks.
    others |= {"find_due_webhooks", "lock_webhook", "enter_deliveries", "disable_webhook",
               "claim_delivery", "end_attempt", "remove_ended_deliveries"}
    # The lists that list_nodes gives where it is to search.
    others |= {"search_nodes", "best_nodes"}
    # The one that it gives where a declared index serves, and what the command of indexes asks.
    others |= {"indexed_nodes", "list_indexes", "build_index"}
    # What is asked of all tenants that somebody listens to.
    others |= {"look_at_changes"}
    queries = NAMES | LISTS.keys()
    assert queries - OPERATIONS.keys() == steps | locks | others


@pytest.mark.parametrize("path", SQL, ids=lambda path: path.name)
def test_sql_names_its_columns(path: Path) -> None:
    text = re.sub(r"--.*", "", path.read_text(encoding="utf-8"))
    assert not re.search(r"\b(SELECT|RETURNING)\s+(DISTINCT\s+)?\*", text, re.IGNORECASE)
    stars = set(re.findall(r"([\w{}]+)\.\*", text))
    # A page is of any list, and a trigger's function is of any table.
    assert stars <= ({"{row}"} if path.name == "page.sql" else {"OLD", "NEW"})


@pytest.mark.parametrize("module", MODULES)
def test_no_file_is_longer_than_250_lines_and_none_is_a_drawer(module: str) -> None:
    # A file that lists every operation, and is written of the registry, is as long as that.
    assert len(MODULES[module].read_text(encoding="utf-8").splitlines()) <= 250 or (
        module in LISTINGS)
    assert not {"utils", "helpers", "models", "common"} & set(module.split("."))


def undocumented(body: list[ast.stmt]) -> Iterator[str]:
    for node in body:
        if not isinstance(node, (ast.ClassDef, ast.FunctionDef)) or node.name.startswith("_"):
            continue
        if not (ast.get_docstring(node) or isinstance(node, ast.ClassDef) and declares(node)):
            yield node.name
        if isinstance(node, ast.ClassDef):
            yield from (f"{node.name}.{name}" for name in undocumented(node.body))


def declares(node: ast.ClassDef) -> bool:
    """Parameters are described field by field, and an error by its message."""
    return all(isinstance(item, (ast.Assign, ast.AnnAssign, ast.ClassDef))
               or isinstance(item, ast.FunctionDef) and item.name.startswith("__")
               for item in node.body)


@pytest.mark.parametrize("module", MODULES)
def test_every_module_and_whatever_it_offers_has_a_docstring(module: str) -> None:
    assert ast.get_docstring(tree(module))
    assert list(undocumented(tree(module).body)) == []


def test_nothing_connects_and_no_thread_starts_at_import() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listening:
        listening.setblocking(False)
        address = {"DB_HOST": "127.0.0.1", "DB_PORT": str(listening.getsockname()[1])}
        modules = [name for name in MODULES if name != "flexdb.__main__"]
        code = f"import wsgi, threading, {', '.join(modules)}; print(threading.active_count())"
        done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, env=os.environ | address,
                              capture_output=True, text=True, check=True)
        assert (done.stdout, done.stderr) == ("1\n", "")
        with pytest.raises(BlockingIOError):
            listening.accept()


TESTS = {".".join(path.relative_to(ROOT).with_suffix("").parts): path
         for path in sorted((ROOT / "tests").rglob("*.py")) if path.name != "__init__.py"}
SUPPORT = [module for module in TESTS if module.startswith("tests.support.")]


def imported_tests(module: str) -> set[str]:
    """Return which modules of the tests a module of them imports, wherever in it that stands."""
    found = set()
    for node in ast.walk(ast.parse(TESTS[module].read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert not node.level and node.module, f"{module} has a relative import"
            found |= {node.module, *(f"{node.module}.{alias.name}" for alias in node.names)}
    return found & TESTS.keys()


@pytest.mark.parametrize("module", TESTS)
def test_no_module_with_tests_is_imported_and_what_areas_share_is_support(module: str) -> None:
    for name in imported_tests(module):
        _, area, *_, file = name.split(".")
        assert not file.startswith("test_") and file != "conftest"
        assert area in ("support", module.split(".")[1])


@pytest.mark.parametrize("module", SUPPORT)
def test_support_holds_no_test_and_is_kept_like_the_product(module: str) -> None:
    text = TESTS[module].read_text(encoding="utf-8")
    module_tree = ast.parse(text)
    assert not [node.name for node in ast.walk(module_tree) if isinstance(
        node, (ast.FunctionDef, ast.ClassDef)) and node.name.lower().startswith("test")]
    assert not module.split(".")[-1].startswith("test_") and len(text.splitlines()) <= 250
    assert not {"utils", "helpers", "models", "common"} & set(module.split("."))
    assert ast.get_docstring(module_tree) and list(undocumented(module_tree.body)) == []


def test_the_table_of_the_rooms_is_these_walls() -> None:
    told = {quoted(row[0])[0]: row[2] for row in table("docs/architecture.md", "## The house")}
    free = {room(module) for module in MODULES} - WALLS.keys() - {"", "__main__"}
    assert {name: set(quoted(known)) for name, known in told.items() if name not in free} == WALLS
    assert {told[name] for name in free} == {"everything"}
