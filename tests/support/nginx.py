"""The real nginx with the configuration that is shipped, for as long as a test needs it."""

from __future__ import annotations

import json
import shutil
import socket
import subprocess
from getpass import getuser
from pathlib import Path
from typing import Any

from tests.support.paths import ROOT
from tests.support.ports import free_port
from tests.support.waiting import wait_until

PROGRAM = shutil.which("nginx") or shutil.which("nginx", path="/usr/sbin:/usr/local/sbin")
MISSING = "there is no nginx: apt-get install nginx-light"


class Nginx:
    """nginx before a service, until the end of a ``with`` block.

    :param folder: where its files are
    :param service: the service's Unix socket (JSONRPC_SOCKET)
    :param snippets: names of files, and their text, that are added to the server
    """

    def __init__(self, folder: Path, service: Path, **snippets: str) -> None:
        self.folder, self.port = folder, free_port()
        (folder / "flexdb").mkdir(exist_ok=True)
        for name, text in snippets.items():
            (folder / "flexdb" / f"{name}.conf").write_text(text)
        temporary = "".join(f"{name}_temp_path {folder}/{name};\n" for name in (
            "client_body", "proxy", "fastcgi", "uwsgi", "scgi"))
        text = (ROOT / "deploy/nginx.conf").read_text(encoding="utf-8")
        for shipped, here in {
            "listen 80 ": f"listen 127.0.0.1:{self.port} ",
            "unix:/run/flexdb/http.sock": f"unix:{service}",
            "/var/log/nginx/": f"{folder}/",
            "http {\n": f"http {{\n{temporary}",
        }.items():
            assert text.count(shipped) >= 1, shipped
            text = text.replace(shipped, here)
        (folder / "nginx.conf").write_text(text)
        self._command = [str(PROGRAM), "-e", f"{folder}/start.log", "-p", str(folder),
                         "-c", f"{folder}/nginx.conf",
                         "-g", f"daemon off; pid {folder}/nginx.pid; user {getuser()};"]
        checked = subprocess.run([*self._command, "-t"], capture_output=True, text=True)
        assert checked.returncode == 0, checked.stderr
        self.process = subprocess.Popen(self._command, stdin=subprocess.DEVNULL,
                                        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        try:
            wait_until(self._answers, 10)
        except BaseException:
            self.close()
            raise

    def _answers(self) -> bool:
        assert self.process.poll() is None, self.errors
        with socket.socket() as probe:
            return probe.connect_ex(("127.0.0.1", self.port)) == 0

    @property
    def log(self) -> str:
        """The access log."""
        return (self.folder / "access.log").read_text(encoding="utf-8")

    def logged(self, request_id: str) -> dict[str, Any]:
        """Wait for a request's line in the access log, which comes after the answer."""
        (line,) = wait_until(lambda: [line for line in self.log.splitlines()
                                      if f'"request_id":"{request_id}"' in line])
        members: dict[str, Any] = json.loads(line)
        return members

    @property
    def errors(self) -> str:
        """What the error log has."""
        return (self.folder / "error.log").read_text(encoding="utf-8")

    def __enter__(self) -> Nginx:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """End it, and what it is doing with it."""
        if self.process.poll() is None:
            self.process.terminate()
            self.process.wait(10)
