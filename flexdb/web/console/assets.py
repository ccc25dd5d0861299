"""The files of the console: its own, and those of installed packages, which are not imported."""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path

from flask import Response, send_from_directory
from werkzeug.exceptions import NotFound

_STATIC = Path(__file__).parent / "static"
_ACE = "static/django_ace/ace"
# What is served of packages: name, package, folder in it. Where one is not installed, a page does
# without: a plain field instead of the editor.
PACKAGED = {
    "ace.js": ("django_ace", _ACE, "ace.js"),
    "mode-json.js": ("django_ace", _ACE, "mode-json.js"),
    "worker-json.js": ("django_ace", _ACE, "worker-json.js"),
    "ext-searchbox.js": ("django_ace", _ACE, "ext-searchbox.js"),
    "ace.css": ("django_ace", f"{_ACE}/css", "ace.css"),
    "ace-light.css": ("django_ace", f"{_ACE}/css/theme", "github.css"),
    "ace-dark.css": ("django_ace", f"{_ACE}/css/theme", "github_dark.css"),
}


def is_installed(name: str) -> bool:
    """Tell whether a file of a package is there."""
    return _folder(name) is not None


def _folder(name: str) -> Path | None:
    package, inner, file = PACKAGED[name]
    found = find_spec(package)
    folder = Path(found.origin).parent / inner if found and found.origin else None
    return folder if folder and (folder / file).is_file() else None


def asset(name: str) -> Response:
    """Return a file; a browser asks each time whether it is still the same."""
    if name in PACKAGED:
        folder = _folder(name)
        if folder is None:
            raise NotFound()
        return send_from_directory(folder, PACKAGED[name][2], max_age=0)
    return send_from_directory(_STATIC, name, max_age=0)
