"""This process as gunicorn's master."""

from __future__ import annotations

import gc
import sys

from flexdb.server.signals import hold


def become_gunicorn(*arguments: str) -> None:
    """Run gunicorn, and end with it.

    Another process would have to load again what this one has by now.

    :param arguments: gunicorn's, which it reads again at a reload
    """
    hold()
    # Until all is loaded, and shared with the workers, there is no garbage.
    gc.disable()
    from gunicorn import __main__ as program
    from gunicorn.app.wsgiapp import run
    sys.argv[:] = [str(program.__file__), *arguments]
    run(prog="gunicorn")
