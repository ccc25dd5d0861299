"""Hold that a tag, the version and the changelog name the same release, and print its notes.

``python3 scripts/check_release.py v1.2.3`` does so for a tag. Without one it is the newest release
of the changelog that has to be the version.
"""

from __future__ import annotations

import re
import sys
from datetime import date
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
UNRELEASED = "Unreleased"


class ReleaseError(Exception):
    """What does not fit; the message says in one line what and how it would."""


def sections(changelog: str) -> dict[str, tuple[str, str]]:
    """Return the date and the notes of each version of a changelog, in its order.

    :raises ReleaseError: when a heading is not as it must be, or out of order
    """
    found: dict[str, tuple[str, str]] = {}
    headings = list(re.finditer(r"^## (.*)$", changelog, re.MULTILINE))
    for heading, following in zip(headings, [*headings[1:], None]):
        notes = changelog[heading.end():following.start() if following else None].strip()
        read = re.fullmatch(r"\[(\d+\.\d+\.\d+)\] - (\d{4}-\d\d-\d\d)", heading[1])
        if heading[1] == f"[{UNRELEASED}]" and not found:
            found[UNRELEASED] = "", notes
        elif read and _is_date(read[2]) and read[1] not in found:
            found[read[1]] = read[2], notes
        else:
            raise ReleaseError(f"'## {heading[1]}' must be '## [{UNRELEASED}]', once and first, or "
                               "a version and its day, as '## [1.2.3] - 2026-01-31'")
    released = [version for version in found if version != UNRELEASED]
    for newer, older in zip(released, released[1:]):
        if _numbers(newer) <= _numbers(older) or found[newer][0] < found[older][0]:
            raise ReleaseError(f"{older} stands below {newer}, which must be later")
    return found


def notes_of(tag: str | None, version: str, changelog: str) -> str:
    """Return the notes of a release.

    :param tag: its tag in Git; None where there is none yet
    :param version: the package's version
    :raises ReleaseError: when the three do not name the same one, or nothing is told of it
    """
    if tag is not None and tag != f"v{version}":
        raise ReleaseError(f"the tag {tag} is not v{version}, which flexdb/version.py says")
    found = sections(changelog)
    newest = next((name for name in found if name != UNRELEASED), None)
    if newest != version:
        raise ReleaseError(f"the newest release of CHANGELOG.md is {newest}, and {version} is what "
                           "flexdb/version.py says: what is new gets its heading and its day")
    if tag is not None and found.get(UNRELEASED, ("", ""))[1]:
        raise ReleaseError(f"CHANGELOG.md still has changes under [{UNRELEASED}]: they belong to "
                           f"{version}, or to a later commit")
    if not found[version][1]:
        raise ReleaseError(f"CHANGELOG.md says nothing of {version}")
    return found[version][1]


def _numbers(version: str) -> list[int]:
    return [int(number) for number in version.split(".")]


def _is_date(text: str) -> bool:
    try:
        date.fromisoformat(text)
    except ValueError:
        return False
    return True


def main(arguments: list[str]) -> int:
    """Print the notes of the release whose tag is given, and return the exit status."""
    text = (ROOT / "flexdb/version.py").read_text(encoding="utf-8")
    version = re.findall(r'^__version__ = "(.*)"$', text, re.MULTILINE)[0]
    changelog = (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")
    try:
        print(notes_of(arguments[0] if arguments else None, version, changelog))
    except ReleaseError as error:
        print(f"check_release: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
