"""The benchmark measures what it says: the same SQL, all the CPU time, and no limit is missed."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import psycopg
import pytest
from testing.postgresql import Postgresql

import bench.__main__  # noqa: F401 (registers all rows)
from bench import processes
from bench.data import Data, connect, prepare
from bench.load import Sample
from bench.measure import Claim, Row, look, measure
from bench.report import table
from bench.rows import ROWS, SMOKE
from bench.servers import EMPTY, Server
from bench.statements import Script, statement_of
from bench.yardsticks import program
from tests.processes.measured import grown, sample
from tests.support import postgres
from tests.support.paths import ROOT
from tests.support.service import Service

_BURN = "import time\nwhile time.process_time() < 0.3: pass"


@pytest.fixture(scope="module")
def data(server: Postgresql) -> Data:
    return prepare(postgres.settings_of(server, "postgres"), 3, 40)


@pytest.fixture
def bench_service(data: Data) -> Iterator[Service]:
    service = Service.of(data.settings)
    yield service
    service.close()


@pytest.mark.long
def test_the_empty_view_ends_as_quietly_as_the_service_does(data: Data, tmp_path: Path) -> None:
    server = Server(EMPTY, data.settings, tmp_path)
    server.stop()
    told = server.log.read_text()
    assert "Worker exiting" in told and "Traceback" not in told and "ERROR" not in told, told


def test_the_data_is_what_its_calls_ask_for(bench_service: Service, data: Data) -> None:
    for asked in data.gets(20):
        assert bench_service.call("get_node", asked["params"])["node"]["id"]
    for asked in data.pages(tenants=3):
        assert bench_service.call("list_nodes", asked["params"])["pagination"]["total_count"] == 40


def test_a_page_after_so_many_rows_is_the_one_that_a_walk_comes_to(
        bench_service: Service, data: Data) -> None:
    walked = bench_service.call("list_nodes", **data.tenant(), pagination={"page_size": 25})
    (asked,) = data.pages([25])
    assert asked["params"]["pagination"] == {"page_token": walked["pagination"]["next_page_token"]}
    assert len(bench_service.call("list_nodes", asked["params"])["nodes"]) == 10


def test_data_that_is_there_is_not_made_again(server: Postgresql, data: Data) -> None:
    with connect(data.settings) as connection:
        connection.execute("CREATE TABLE kept ()")
    again = prepare(postgres.settings_of(server, "postgres"), 3, 40)
    with connect(again.settings) as connection:
        connection.execute("DROP TABLE kept")


@pytest.mark.parametrize("call", [lambda data: data.gets(1)[0], lambda data: data.pages()[0],
                                  lambda data: data.pages(filter={"data.group": 0})[0]])
def test_pgbench_runs_the_very_statement_of_the_service(
        data: Data, tmp_path: Path, call: Callable[[Data], dict[str, object]]) -> None:
    statement = statement_of(data.settings, call(data))
    script = Script(statement, "v")
    (tmp_path / "script").write_text(script.text)
    variables = [word for name, value in script.variables.items()
                 for word in ("-D", f"{name}={value}")]
    with connect(data.settings) as connection:
        expected = psycopg.RawCursor(connection).execute(statement.query.text, [
            value.decode() if isinstance(value, bytes) else value
            for value in map(statement.arguments.__getitem__, statement.query.arguments)
        ]).fetchone()
        # What the script says is the same text once its variables are put in.
        text = script.text.rstrip(";\n").replace("%", "%%")
        for name in script.variables:
            text = text.replace(f":{name}", f"%({name})s")
        assert connection.execute(text.encode(), script.variables).fetchone() == expected
    told = program("pgbench", data.settings, ["-n", "-M", "prepared", "-t", "3", *variables, "-f",
                                              str(tmp_path / "script")])
    assert "3/3" in told


def test_a_new_node_of_the_benchmark_fits_its_schema_and_is_not_kept(data: Data) -> None:
    statement = statement_of(data.settings, data.creates(1)[0])
    assert "schema_version" in statement.arguments
    with connect(data.settings) as connection:
        assert connection.execute("SELECT count(*) FROM nodes").fetchone() == (120,)


def test_the_time_of_children_counts_while_they_live_and_when_they_have_ended() -> None:
    code = (f"import subprocess, sys\nsubprocess.run([sys.executable, '-c', {_BURN!r}])\n"
            "print(flush=True)\nsys.stdin.read()")
    with subprocess.Popen([sys.executable, "-c", code], stdin=subprocess.PIPE,
                          stdout=subprocess.PIPE) as parent:
        assert parent.stdout and parent.stdin
        parent.stdout.readline()
        assert 0.3 <= processes.cpu(parent.pid) < 3
    with subprocess.Popen([sys.executable, "-c", f"{_BURN}\nprint(flush=True)\ninput()"],
                          stdin=subprocess.PIPE, stdout=subprocess.PIPE) as child:
        assert child.stdout and child.stdin
        child.stdout.readline()
        assert processes.cpu(child.pid) >= 0.29
        child.communicate(b"\n")


def test_a_peak_of_memory_is_seen_after_it_is_over() -> None:
    code = "input(); x = bytearray(50_000_000); del x; print(flush=True); input()"
    with subprocess.Popen([sys.executable, "-c", code], stdin=subprocess.PIPE,
                          stdout=subprocess.PIPE) as child:
        assert child.stdout and child.stdin
        before = processes.memory(child.pid)
        processes.forget_peak(child.pid)
        child.stdin.write(b"\n")
        child.stdin.flush()
        child.stdout.readline()
        assert processes.peak(child.pid) - before.rss > 40_000_000
        child.communicate(b"\n")


def test_growth_beyond_the_limit_is_told_and_the_smoke_form_has_its_own() -> None:
    assert [how(grown(cost, smoke=True), 3, 1).verdicts[0].reached
            for cost, how in [(110, measure), (150, measure), (150, look), (250, look)]] == [
        True, False, True, False]
    assert look(grown(500, smoke=False), 3, 1).verdicts == []


def test_the_smoke_form_measures_what_its_limits_need_and_again_what_missed_one() -> None:
    turns: dict[str, int] = {"many": 0, "few": 0, "beside": 0}

    def turn(name: str, costs: list[float]) -> Callable[[float], Sample]:
        def run(seconds: float) -> Sample:
            turns[name] += 1
            return sample(costs[min(turns[name], len(costs)) - 1])

        return run

    row = Row("A row", {"many": turn("many", [500, 110]), "few": turn("few", [100]),
                        "beside": turn("beside", [100])},
              [Claim("growth", lambda turn: turn["many"].cost / turn["few"].cost, None, smoke=2),
               Claim("told", lambda turn: turn["many"].cost / turn["beside"].cost, 1)])
    (verdict,) = look(row, 1, 1).verdicts
    assert verdict.reached and turns == {"many": 4, "few": 4, "beside": 0}


def test_the_smoke_form_needs_nothing_that_only_the_long_one_installs() -> None:
    beside = {"fastapi", "kinto"}
    assert all(beside & set(ROWS[name].__code__.co_names) for name in ("get_node", "list_nodes"))
    assert not [name for name in SMOKE if beside & set(ROWS[name].__code__.co_names)]


def test_the_median_of_the_rounds_counts() -> None:
    costs = iter([100, 900, 300])
    row = Row("A row", {"one": lambda seconds: sample(next(costs))},
              [Claim("cost", lambda turn: turn["one"].cost, 300)], warm_up=False)
    outcome = measure(row, 3, 1)
    verdict = outcome.verdicts[0]
    assert (verdict.value, verdict.least, verdict.most) == (300, 100, 900)
    assert outcome.samples["one"].cost == 300
    assert "300.00 (100.00 to 900.00), must be ≤ 300: reached" in table(outcome)


@pytest.mark.long
@pytest.mark.parametrize("variables, said", [
    ({"ONLY": "get_nod"}, "ONLY=get_nod: there is no such row"),
    ({"ROWS": "many"}, "ROWS=many is not a whole number"),
    ({"ROUNDS": "0"}, "ROUNDS=0 is not a whole number of at least 1")])
def test_a_wrong_variable_is_refused_in_one_line(variables: dict[str, str], said: str) -> None:
    done = subprocess.run([sys.executable, "-m", "bench"], env={"PATH": "/usr/bin", **variables},
                          cwd=ROOT, capture_output=True, text=True)
    if "wrk is not installed" in done.stderr:
        pytest.skip("wrk is not installed")
    assert done.returncode == 1 and said in done.stderr and done.stderr.count("\n") == 1
