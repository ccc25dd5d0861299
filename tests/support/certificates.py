"""Certificates for the tests, made by the program openssl."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest

needed = pytest.mark.skipif(shutil.which("openssl") is None, reason="openssl is not installed")


class Authority:
    """Who vouches for others.

    :param folder: where its files and those it makes are kept
    :param name: what it and its files are called
    """

    def __init__(self, folder: Path, name: str) -> None:
        self.folder, self.certificate = folder, folder / f"{name}.crt"
        self._key = folder / f"{name}.key"
        # Without it Python from 3.13 on trusts none (RFC 5280, section 4.2.1.3).
        _openssl("req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2",
                 "-addext", "keyUsage=critical,keyCertSign,cRLSign",
                 "-subj", f"/CN={name}", "-keyout", self._key, "-out", self.certificate)

    def issue(self, name: str, alternative: str = "") -> tuple[Path, Path]:
        """Return the files of a certificate for a common name, and of its key.

        :param alternative: further names, as in ``DNS:localhost``
        """
        cert, key, asked = (self.folder / f"{name}.{kind}" for kind in ("crt", "key", "csr"))
        _openssl("req", "-newkey", "rsa:2048", "-nodes", "-subj", f"/CN={name}",
                 "-keyout", key, "-out", asked)
        extensions = self.folder / "extensions"
        extensions.write_text(f"subjectAltName={alternative}\n" if alternative else "")
        _openssl("x509", "-req", "-in", asked, "-CA", self.certificate, "-CAkey", self._key,
                 "-CAcreateserial", "-days", "2", "-extfile", extensions, "-out", cert)
        key.chmod(0o600)
        return cert, key


def _openssl(*arguments: str | Path) -> None:
    subprocess.run(["openssl", *arguments], check=True, capture_output=True)
