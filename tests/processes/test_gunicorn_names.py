"""What flexdb reaches into of gunicorn: it is still there, in the version it was seen in."""

from __future__ import annotations

import inspect
import re
from pathlib import Path

import gunicorn
import pytest
from gunicorn.arbiter import Arbiter
from gunicorn.config import Config
from gunicorn.glogging import Logger
from gunicorn.workers import base, gthread

from flexdb.server.configuration import configuration


def test_gunicorn_is_the_version_whose_insides_were_read() -> None:
    assert gunicorn.__version__ == "27.0.1", "read anew what flexdb/server reaches into"


def test_every_setting_is_one_of_gunicorns(tmp_path: Path) -> None:
    """It ignores what it does not know."""
    assert configuration(tmp_path).keys() <= Config().settings.keys()


@pytest.mark.parametrize("name", ["notify", "accept", "init_signals", "set_accept_enabled",
                                  "is_parent_alive", "handle", "handle_quit", "handle_exit",
                                  "handle_error"])
def test_the_worker_has_the_methods_that_ours_overrides_or_calls(name: str) -> None:
    assert callable(getattr(gthread.ThreadWorker, name))


@pytest.mark.parametrize("name", ["alive", "nr_conns", "_accepting", "pending_conns", "sockets",
                                  "worker_connections", "tpool", "age", "wsgi", "cfg", "log"])
def test_the_worker_has_the_attributes_that_ours_looks_at(name: str) -> None:
    source = inspect.getsource(base) + inspect.getsource(gthread)
    assert re.search(rf"self\.{name}\b.* = |self\.{name}: ", source)


def test_the_master_and_the_log_have_what_the_hooks_replace_and_look_at() -> None:
    assert callable(Arbiter.handle_hup) and Arbiter.WORKERS == {}
    assert callable(Logger._compute_access_log_enabled) and callable(Logger.info)
    # A handler of signals is looked up when its signal has come.
    assert 'getattr(self, "handle_%s" % signame' in inspect.getsource(Arbiter.run)


def test_gunicorn_runs_a_configuration_file_under_the_name_that_ours_asks_for() -> None:
    from gunicorn.app.base import Application
    assert "'__config__'" in inspect.getsource(Application.get_config_from_filename)
