"""The commands ``export`` and ``import``: files, plain or gzipped, and a bar on a terminal."""

from __future__ import annotations

import gzip
import io
import logging
import os
import stat
import sys
from collections import Counter
from collections.abc import Generator, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO, cast

from marshmallow import ValidationError

from flexdb.config import Settings
from flexdb.contract.ids import new_id
from flexdb.db.copy import Export, exporting
from flexdb.db.load import Place, load
from flexdb.errors import InvalidParams
from flexdb.operations.tenants import NewTenant
from flexdb.sql.loader import ALL_USERS, CLEARS, EXPORTS, IMPORTS
from flexdb.transfer.checks import check_lines
from flexdb.transfer.lines import Reader
from flexdb.transfer.lookahead import ahead
from flexdb.transfer.rows import GZIP
from flexdb.wording import number_of

if TYPE_CHECKING:
    from tqdm import tqdm

logger = logging.getLogger(__name__)

# How many lines that would be refused are told one by one.
MOST_TOLD = 100


def export_tenant(settings: Settings, tenant: str, output: str | None) -> None:
    """Write a tenant and all that it has as NDJSON.

    :param tenant: its id or slug
    :param output: the file's name, gzipped when it ends in ``.gz``; None for standard output
    :raises OSError: when the file cannot be written
    :raises FlexdbError: when there is no such tenant
    :raises NotReachable: when PostgreSQL does not answer
    """
    _export(settings, tenant, output)


def export_all(settings: Settings, output: str | None) -> None:
    """Write all tenants and all users, members or not, as NDJSON.

    :param output: as for :func:`export_tenant`
    :raises OSError: when the file cannot be written
    :raises NotReachable: when PostgreSQL does not answer
    """
    _export(settings, None, output)


def import_file(settings: Settings, name: str | None, replace: bool = False, slug: str = ""
                ) -> None:
    """Load the tenants of a file, all or none, whatever of what the tables can hold is in it.

    :param name: NDJSON, plain or gzipped; None for standard input
    :param replace: whether a tenant that is there with the same id, or else slug, gets what the
        file brings in place of what it has
    :param slug: that of the one tenant of the file, which then gets another id too; "" for its own
    :raises OSError: when the file cannot be read
    :raises FlexdbError: naming the line that is wrong
    :raises InvalidParams: when the slug is none
    :raises NotReachable: when PostgreSQL does not answer
    """
    try:
        place = Place(CLEARS if replace else (),
                      *(NewTenant().fields["slug"].deserialize(slug), new_id()) if slug else ())
    except ValidationError as error:
        raise InvalidParams(f"the slug {slug} {error.messages[0]}") from None
    with reading(name) as file, ahead(Reader().lines(file)) as lines:
        loaded = load(settings, IMPORTS, lines, place)
    logger.info("Imported %s", _told(loaded))


def check_file(settings: Settings, name: str | None) -> None:
    """Print what calls would refuse in the lines of a file; no database is asked.

    :param name: NDJSON, plain or gzipped; None for standard input
    :raises OSError: when the file cannot be read
    :raises InvalidParams: when there is such a line, with their number
    """
    total = refused = 0
    with reading(name) as file:
        for wrong in check_lines(settings, file):
            total += 1
            refused += bool(wrong)
            if wrong and refused <= MOST_TOLD:
                print(wrong)
    if refused > MOST_TOLD:
        print(f"and {number_of(refused - MOST_TOLD, 'more line')}")
    if refused:
        raise InvalidParams(f"{refused:,} of {number_of(total, 'line')} would be refused by calls "
                            "of today")
    logger.info("Checked: calls would take all of %s", number_of(total, "line"))


def _export(settings: Settings, tenant: str | None, output: str | None) -> None:
    written: Counter[str] = Counter()
    with exporting(settings, tenant) as export, writing(output) as file:
        from tqdm import tqdm
        # A bar on the terminal that the lines go to would be lost among them.
        to_terminal = output is None and sys.stdout.isatty()
        with tqdm(total=export.total(), unit=" lines", unit_scale=True,
                  disable=to_terminal or None) as bar:
            for kind, line in _lines(export, whole=tenant is None):
                file.write(line)
                written[kind] += 1
                bar.update()
    logger.info("Exported %s", _told(written))


def stream_tenant(settings: Settings, tenant_id: str) -> Generator[bytes, None, None]:
    """Give the lines of a tenant's export; a connection is held until all are given.

    :raises FlexdbError: at the first line, when there is no such tenant
    :raises NotReachable: when PostgreSQL does not answer
    """
    with exporting(settings, tenant_id) as export:
        yield from (line for _, line in _lines(export, whole=False))


def _lines(export: Export, whole: bool) -> Iterator[tuple[str, bytes]]:
    """Give the lines of an export, each with its kind and behind those that it needs."""
    if whole:
        yield from (("user", line) for line in export.lines(ALL_USERS))
    for tenant_id in export.tenant_ids:
        for kind, statement in EXPORTS.items():
            if not (whole and kind == "user"):
                yield from ((kind, line) for line in export.lines(statement, tenant_id))


@contextmanager
def reading(name: str | None) -> Iterator[BinaryIO]:
    """Give a file to read, unpacked, with a bar on a terminal."""
    from tqdm import tqdm
    with ExitStack() as stack:
        raw = stack.enter_context(open(name, "rb", buffering=0) if name else
                                  open(sys.stdin.fileno(), "rb", buffering=0, closefd=False))
        size = os.stat(raw.fileno())
        bar = stack.enter_context(tqdm(
            total=size.st_size if stat.S_ISREG(size.st_mode) else None, unit="B", unit_scale=True,
            disable=None))
        file = io.BufferedReader(_Watched(raw, bar), 1 << 18)
        yield cast(BinaryIO, gzip.GzipFile(fileobj=file) if file.peek(2)[:2] == GZIP else file)


class _Watched(io.RawIOBase):
    """A file whose reader's progress is shown."""

    def __init__(self, raw: io.FileIO, bar: tqdm) -> None:
        self._raw, self._bar = raw, bar

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        count = self._raw.readinto(buffer)
        self._bar.update(count)
        return count


@contextmanager
def writing(output: str | None) -> Iterator[BinaryIO]:
    """Give a file to write to; only a whole one gets its name."""
    if output is None:
        yield sys.stdout.buffer
        sys.stdout.buffer.flush()
        return
    path = Path(output)
    # A device or a pipe is written to, not replaced.
    part = path if path.exists() and not path.is_file() else Path(f"{output}.part")
    try:
        with open(part, "wb") as file:
            if path.suffix == ".gz":
                # Without a name and a time in it, equal lines give equal files.
                with gzip.GzipFile("", "wb", compresslevel=6, fileobj=file, mtime=0) as zipped:
                    with io.BufferedWriter(zipped, 1 << 18) as buffered:
                        yield buffered
            else:
                yield file
        if part != path:
            part.replace(path)
    except BaseException:
        if part != path:
            part.unlink(missing_ok=True)
        raise


def _told(counts: Counter[str]) -> str:
    return ", ".join(number_of(count, kind.replace("_", " "))
                     for kind, count in counts.items() if count) or "nothing: the file is empty"
