"""What flexdb reaches into of its dependencies is there, in the versions in which it was read.

These names are undocumented, private, or overridden: no release owes it to anybody to keep them.
"""

from __future__ import annotations

import importlib
import inspect
import os
import pkgutil
import socket
from collections.abc import Iterator
from contextlib import closing
from importlib.metadata import version
from pathlib import Path
from typing import Any, NamedTuple

import prometheus_client.metrics
import pytest
from gunicorn.app.base import Application
from gunicorn.arbiter import Arbiter
from gunicorn.config import Config
from gunicorn.glogging import Logger
from gunicorn.workers.gthread import TConn, ThreadWorker
from yoyo.backends import DatabaseBackend

import flexdb
from flexdb.api.jsonrpc import Site
from flexdb.server.configuration import configuration


class Reached(NamedTuple):
    """What is reached into of a package.

    :param version: in which it was read
    :param by: the files of flexdb that do so
    :param names: what they use; where it is called or overridden, with its parameters
    """

    version: str
    by: str
    names: tuple[str, ...]


REACHED = {
    "gunicorn": Reached("27.0.1", "flexdb/server/{worker,heads,hooks,logger,refusals}.py", (
        "gunicorn.workers.gthread.STOP_KEEPALIVE_LINGER",
        "gunicorn.workers.gthread.ThreadWorker.notify(self)",
        "gunicorn.workers.gthread.ThreadWorker.accept(self, listener)",
        "gunicorn.workers.gthread.ThreadWorker.init_signals(self)",
        "gunicorn.workers.gthread.ThreadWorker.load_wsgi(self)",
        "gunicorn.workers.gthread.ThreadWorker.set_accept_enabled(self, enabled)",
        "gunicorn.workers.gthread.ThreadWorker.is_parent_alive(self)",
        "gunicorn.workers.gthread.ThreadWorker.enqueue_req(self, conn)",
        "gunicorn.workers.gthread.ThreadWorker.finish_request(self, conn, fs)",
        "gunicorn.workers.gthread.PollableMethodQueue.defer(self, callback, *args)",
        "gunicorn.workers.gthread.ThreadWorker.handle(self, conn)",
        "gunicorn.workers.gthread.ThreadWorker.handle_request(self, req, conn)",
        "gunicorn.workers.gthread.ThreadWorker._keepalive_after(self, conn, keepalive)",
        "gunicorn.http.message.Request(cfg, unreader, peer_addr, req_number)",
        "gunicorn.http.message.Request.set_body_reader(self)",
        "gunicorn.http.body.LengthReader",
        "gunicorn.http.wsgi.create(req, sock, client, server, cfg, response_class, response_args)",
        "gunicorn.http.wsgi.HEADER_VALUE_RE",
        "gunicorn.http.wsgi.Response.default_headers(self)",
        "gunicorn.http.wsgi.Response.process_headers(self, headers)",
        "gunicorn.http.wsgi.Response.write(self, arg)",
        "gunicorn.util.close_graceful(sock, timeout, max_drain)",
        "gunicorn.util.http_date(timestamp)",
        "gunicorn.util.write(sock, data, chunked)",
        "gunicorn.workers.gthread.ThreadWorker.handle_exit(self, sig, frame)",
        "gunicorn.workers.gthread.ThreadWorker.handle_quit(self, sig, frame)",
        "gunicorn.workers.gthread.ThreadWorker.handle_error(self, req, client, addr, exc)",
        "gunicorn.arbiter.Arbiter.handle_hup(self)",
        "gunicorn.arbiter.Arbiter.WORKERS",
        "gunicorn.glogging.Logger.info(self, msg, *args, **kwargs)",
        "gunicorn.glogging.Logger._compute_access_log_enabled(self)",
        "gunicorn.http.errors.ParseException",
        "gunicorn.http.errors.LimitRequestLine",
        "gunicorn.http.errors.LimitRequestHeaders",
        "gunicorn.http.errors.UnsupportedTransferCoding",
        "gunicorn.http.errors.ExpectationFailed",
        "gunicorn.util.write_nonblock(sock, data, chunked)")),
    "psycopg": Reached("3.3.9", "flexdb/db/{connection,farewell,pool,address}.py", (
        "psycopg.Connection.connect(conninfo, *, autocommit, prepare_threshold, context, "
        "row_factory, cursor_factory, **kwargs)",
        "psycopg.Connection.add_notice_handler(self, callback)",
        "psycopg.Connection.transaction(self, savepoint_name, force_rollback)",
        "psycopg.pq.TransactionStatus.IDLE",
        "psycopg.Connection.wait(self, gen, interval, timeout)",
        "psycopg.adapt.Loader.load(self, data)",
        "psycopg.adapt.Transformer.get_loader",
        "psycopg.errors.error_from_result(result, encoding)",
        "psycopg.generators.fetch",
        "psycopg.waiting.Ready.R",
        "psycopg.waiting.Wait.RW",
        *(f"psycopg.pq.PGconn.{name}" for name in (
            "prepare", "exec_prepared", "exec_params", "send_query_prepared", "send_query_params",
            "enter_pipeline_mode", "exit_pipeline_mode", "pipeline_sync", "flush", "is_busy",
            "consume_input", "get_result", "status", "transaction_status")),
        *(f"psycopg.pq.PGresult.{name}" for name in (
            "status", "ntuples", "nfields", "ftype", "get_value")))),
    "psycopg-pool": Reached("3.3.3", "flexdb/db/{pool,latest}.py", (
        "psycopg_pool.ConnectionPool._get_ready_connection(self, timeout)",
        "psycopg_pool.ConnectionPool.getconn(self, timeout)",
        "psycopg_pool.ConnectionPool.putconn(self, conn)",
        "psycopg_pool.ConnectionPool.check(self)",
        "psycopg_pool.ConnectionPool.drain(self)")),
    "yoyo-migrations": Reached("9.0.0", "flexdb/db/migrate.py", (
        "yoyo.backends.base.DatabaseBackend.mark_one(self, migration, log)",
        "yoyo.backends.base.DatabaseBackend.unmark_one(self, migration, log)",
        "yoyo.backends.base.DatabaseBackend.transaction(self, rollback_on_exit)",
        "yoyo.backends.base.DatabaseBackend.break_lock(self)",
        "yoyo.backends.base.DatabaseBackend.to_apply(self, migrations)",
        "yoyo.backends.base.DatabaseBackend.to_rollback(self, migrations)",
        "yoyo.migrations.Migration.process_steps(self, backend, direction, force)")),
    "flask-jsonrpc": Reached("4.0.0", "flexdb/api/jsonrpc.py", (
        "flask_jsonrpc.site.JSONRPCSite.register(self, name, view_func)",
        "flask_jsonrpc.site.JSONRPCSite.dispatch_request(self)",
        "flask_jsonrpc.site.JSONRPCSite.to_json(self, request_data)",
        "flask_jsonrpc.site.JSONRPCSite.batch_dispatch(self, reqs_json)",
        "flask_jsonrpc.site.JSONRPCSite.validate(self, req_json)",
        "flask_jsonrpc.site.JSONRPCSite.dispatch(self, req_json)",
        "flask_jsonrpc.site.JSONRPCSite.is_json",
        "flask_jsonrpc.site.JSONRPCSite._is_batch_request(self, req_json)",
        "flask_jsonrpc.views.JSONRPCView.post(self)")),
    "werkzeug": Reached("3.1.9", "flexdb/{application,api/http}.py", (
        "werkzeug.routing.Rule._compile_builder(self, append_unknown)",
        "werkzeug.wrappers.Response.get_wsgi_response(self, environ)")),
    "prometheus-client": Reached("0.26.0", "flexdb/telemetry/metrics.py", (
        "prometheus_client.values.ValueClass",
        "prometheus_client.values.MultiProcessValue(process_identifier)",
        "prometheus_client.multiprocess.mark_process_dead(pid, path)",
        "prometheus_client.exposition.choose_encoder(accept_header)",
        "prometheus_client.registry.Collector.collect(self)")),
}
NAMES = [(package, name) for package, reached in REACHED.items() for name in reached.names]


@pytest.mark.parametrize("package", REACHED)
def test_a_package_has_the_version_that_was_read(package: str) -> None:
    reached, installed = REACHED[package], version(package)
    assert installed == reached.version, (
        f"{package} was raised from {reached.version} to {installed}: read there anew what "
        f"{reached.by} use, which is listed in REACHED, and then write that version down")


@pytest.mark.parametrize("package, name", NAMES)
def test_what_is_reached_into_is_there(package: str, name: str) -> None:
    path, _, parameters = name.partition("(")
    missing = (f"{package} {version(package)} has no {name} any more, which "
               f"{REACHED[package].by} use since {REACHED[package].version}")
    found = found_at(path, missing)
    if parameters:
        assert f"{path}({signature(found)})" == name, missing


def found_at(path: str, missing: str) -> Any:
    """Return what a dotted name leads to."""
    parts = path.split(".")
    for length in range(len(parts) - 1, 0, -1):
        try:
            found: Any = importlib.import_module(".".join(parts[:length]))
        except ModuleNotFoundError:
            continue
        for part in parts[length:]:
            # An attribute of instances is declared in the class at the least.
            declared = part in getattr(found, "__annotations__", ())
            assert hasattr(found, part) or declared, missing
            found = getattr(found, part, None)
        return found
    pytest.fail(missing)


def signature(function: Any) -> str:
    """Return the parameters of a function, without their types and defaults."""
    parameters = list(inspect.signature(function).parameters.values())
    text = str(inspect.Signature([one.replace(annotation=one.empty, default=one.empty)
                                  for one in parameters]))
    return text[1:-1]


def overridden() -> Iterator[tuple[str, str]]:
    """Give each method that a class of flexdb overrides in one of these packages, with that."""
    modules = {name.partition(".")[0]: package for package, reached in REACHED.items()
               for name in reached.names}
    for found in pkgutil.walk_packages(flexdb.__path__, "flexdb."):
        if found.name == "flexdb.__main__":
            continue
        for cls in vars(importlib.import_module(found.name)).values():
            own = inspect.isclass(cls) and cls.__module__ == found.name
            for base in cls.__mro__ if own else ():
                if package := modules.get(base.__module__.partition(".")[0]):
                    yield from ((package, name) for name, value in vars(cls).items()
                                if name in vars(base) and not name.startswith("__")
                                and (inspect.isroutine(value) or isinstance(value, property)))


def test_whatever_is_overridden_is_in_the_list() -> None:
    listed = {(package, name.partition("(")[0].rpartition(".")[2]) for package, name in NAMES}
    found = set(overridden())
    assert len(found) > 10 and found <= listed


def test_a_worker_and_its_connections_have_what_ours_looks_at(tmp_path: Path) -> None:
    config, (ours, theirs) = Config(), socket.socketpair()
    with closing(ours), closing(theirs):
        worker = ThreadWorker(1, os.getpid(), [], None, 30, config, Logger(config))
        for name in ("age", "alive", "cfg", "log", "sockets", "nr_conns", "_accepting",
                     "worker_connections", "pending_conns", "wsgi"):
            # The app is there when the worker has loaded it.
            assert hasattr(worker, name) or name == "wsgi", name
        assert "self.wsgi = " in inspect.getsource(ThreadWorker.load_wsgi)
        with worker.get_thread_pool() as threads:
            assert threads._work_queue.qsize() == 0
        connection = TConn(config, ours, ("127.0.0.1", 1), ("127.0.0.1", 2))
        connection.init()
        assert connection.parser.unreader.buf.getvalue() == b"" and connection.sock is ours
        assert hasattr(connection, "timeout")
        worker.tmp.close()


def test_gunicorn_looks_a_handler_of_signals_up_when_its_signal_has_come() -> None:
    assert 'getattr(self, "handle_%s" % signame' in inspect.getsource(Arbiter.run)


def test_gunicorn_runs_a_file_under_the_name_that_ours_asks_for() -> None:
    assert "'__config__'" in inspect.getsource(Application.get_config_from_filename)


def test_every_setting_is_one_of_gunicorns(tmp_path: Path) -> None:
    """It ignores what it does not know."""
    assert configuration(tmp_path).keys() <= Config().settings.keys()


def test_the_site_brings_the_one_method_that_is_taken_out() -> None:
    (brought,) = Site.__bases__
    assert list(brought(version="2.0").view_funcs) == ["rpc.describe"]


def test_a_database_tells_yoyo_whether_it_may_change_tables_when_it_is_connected() -> None:
    assert "self.has_transactional_ddl = self._check" in inspect.getsource(DatabaseBackend)


def test_a_metric_looks_the_class_of_its_values_up_when_it_is_made() -> None:
    assert "values.ValueClass(" in inspect.getsource(prometheus_client.metrics)
