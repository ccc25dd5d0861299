"""Where the repository is, and what ``make test`` puts beside it where it can."""

from __future__ import annotations

from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
NODE_MODULES = ROOT / ".venv/npm/node_modules"
# What `make contract` installs.
GENERATORS = ROOT / ".venv/generators"
