#!/usr/bin/env python3
"""Write what of the Python client follows from the rest: ``scripts/make_client.py [--check]``.

From the registry of operations come its methods, the types of what they take and give, and the
classes of errors. From what is written by hand to be awaited comes the same without ``await``. With
``--check`` it only looks whether the files are what it would write.
"""

from __future__ import annotations

import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(ROOT), str(ROOT / "scripts")]

from client_methods import (  # noqa: E402
    methods_module,
    operations_module,
    reasons_module,
    used_objects,
)
from client_types import all_schemas, objects_module  # noqa: E402
from synchronous import synchronous  # noqa: E402

import flexdb.operations  # noqa: E402, F401 (fills the registry)
from flexdb.contract.operation import OPERATIONS  # noqa: E402

CLIENT = ROOT / "flexdb" / "client"


def files() -> dict[Path, str]:
    """Return every file that is made, with its text."""
    made = {
        CLIENT / "objects.py": objects_module(all_schemas(), used_objects(OPERATIONS)),
        CLIENT / "operations.py": operations_module(),
        CLIENT / "reasons.py": reasons_module(),
        CLIENT / "deferred.py": methods_module(deferred=True),
        CLIENT / "asynchronous" / "methods.py": methods_module(),
    }
    awaited = CLIENT / "asynchronous"
    for path in sorted({*awaited.glob("*.py"), awaited / "methods.py"}):
        text = made.get(path) or path.read_text(encoding="utf-8")
        made[CLIENT / "synchronous" / path.name] = synchronous(text)
    return made


def main() -> int:
    """Write the files, or tell which are not what they should be."""
    made = files()
    stale = [path for path, text in made.items()
             if not path.exists() or path.read_text(encoding="utf-8") != text]
    names = ", ".join(str(path.relative_to(ROOT)) for path in stale)
    if "--check" in sys.argv[1:]:
        if stale:
            print(f"run scripts/make_client.py: {names} would be written anew", file=sys.stderr)
        return bool(stale)
    for path in stale:
        path.write_text(made[path], encoding="utf-8")
    print(f"wrote {names}" if stale else "all is as it should be")
    return 0


if __name__ == "__main__":
    sys.exit(main())
