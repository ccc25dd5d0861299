"""A network to PostgreSQL that goes away without a word."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest

from tests.faults.database import Database
from tests.faults.length import only_at_length
from tests.faults.stack import Stack
from tests.support.paths import ROOT

pytestmark = [
    pytest.mark.faults, only_at_length,
    pytest.mark.skipif(os.geteuid() != 0, reason="a network of its own needs root"),
    pytest.mark.skipif(not (shutil.which("ip") and shutil.which("iptables")),
                       reason="there is no ip or no iptables: apt-get install iproute2 iptables")]

# Addresses for documentation (RFC 5737).
HERE, THERE = "198.51.100.213", "198.51.100.214"
PROXY = f"""
import sys
from tests.support.proxy import Proxy
Proxy(sys.argv[1], address=("{THERE}", int(sys.argv[2])))
sys.stdin.read()
"""


def run(*command: str) -> None:
    done = subprocess.run(command, capture_output=True, text=True)
    if done.returncode != 0:
        pytest.skip(f"{' '.join(command)}: {done.stderr.strip()}")


@contextmanager
def other_machine(database: Database) -> Iterator[str]:
    """Make PostgreSQL reachable on what is another machine to the network; give its name."""
    name = f"flexdb{os.getpid()}"
    if "198.51.100." in subprocess.check_output(["ip", "address"], text=True):
        pytest.skip("the network for documentation is in use")
    run("ip", "netns", "add", name)
    try:
        run("ip", "link", "add", "flexdb0", "type", "veth", "peer", "name", "flexdb1",
            "netns", name)
        run("ip", "address", "add", f"{HERE}/30", "dev", "flexdb0")
        run("ip", "link", "set", "flexdb0", "up")
        run("ip", "-n", name, "address", "add", f"{THERE}/30", "dev", "flexdb1")
        run("ip", "-n", name, "link", "set", "flexdb1", "up")
        proxy = subprocess.Popen(
            ["ip", "netns", "exec", name, sys.executable, "-c", PROXY,
             f"{database.folder}/.s.PGSQL.{database.port}", str(database.port)],
            stdin=subprocess.PIPE, cwd=ROOT)
        try:
            yield name
        finally:
            proxy.communicate(b"")
    finally:
        subprocess.run(["ip", "link", "delete", "flexdb0"], check=False)
        subprocess.run(["ip", "netns", "delete", name], check=True)


def test_a_network_that_is_cut_holds_no_call_for_long(
        database: Database, new_stack: Callable[..., Stack], report: Callable[..., None]) -> None:
    with other_machine(database) as name:
        stack = new_stack(DB_HOST=THERE, STATEMENT_TIMEOUT=1)
        stack.served.wait()
        load = stack.load()
        with load.running():
            run("ip", "netns", "exec", name, "iptables", "-A", "INPUT", "-j", "DROP")
            cut = time.monotonic()
            time.sleep(20)
            run("ip", "netns", "exec", name, "iptables", "-F", "INPUT")
            mended = time.monotonic()
            back = load.first_good_write(mended)
        late = [call.ended - call.began for call in load.failed(cut)
                if cut + 8 < call.began < mended]
        report(load, back_after_s=back, longest_later_s=max(late))
        stack.close()
    load.check(database)
    assert load.longest() < 10 and max(late) < 2.5 and back < 6
