"""A package whose compiled modules cannot be imported is imported from its sources."""

from __future__ import annotations

import importlib
import sys
from importlib.machinery import EXTENSION_SUFFIXES
from pathlib import Path

import pytest

from flexdb.api.sources import sources_of


@pytest.fixture
def package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """A package beside whose every source something lies that is no library."""
    folder = tmp_path / "compiled_package"
    folder.mkdir()
    for name in ("__init__", "inner"):
        (folder / f"{name}.py").write_text("told = __name__\n")
        (folder / f"{name}{EXTENSION_SUFFIXES[0]}").write_bytes(b"no library")
    monkeypatch.syspath_prepend(str(tmp_path))
    return folder.name


def test_what_is_imported_within_the_block_is_the_source(package: str) -> None:
    with pytest.raises(ImportError):
        importlib.import_module(f"{package}.inner")
    before = list(sys.meta_path)
    try:
        with sources_of(package):
            inner = importlib.import_module(f"{package}.inner")
        assert inner.told == f"{package}.inner" and sys.modules[package].told == package
        assert sys.meta_path == before
    finally:
        for name in (package, f"{package}.inner"):
            sys.modules.pop(name, None)


def test_other_packages_are_found_as_they_are(package: str) -> None:
    with sources_of("another_package"), pytest.raises(ImportError):
        importlib.import_module(package)
