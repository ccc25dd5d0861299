"""The WSGI application, and the way to start it: ``python wsgi.py`` or ``gunicorn wsgi:app``."""

import os
import sys
from importlib.util import find_spec
from pathlib import Path
from platform import python_version

if __name__ == "__main__":
    if sys.version_info < (3, 10):
        sys.exit(f"flexdb: Python 3.10 or later is needed, and this is {python_version()}")
    if find_spec("gunicorn") is None:
        sys.exit("flexdb: the packages of requirements.txt are not installed for this Python: "
                 "`make run` installs them into .venv and starts the service")
    os.chdir(Path(__file__).parent)
    from flexdb.config.reading import set_default
    from flexdb.server.process import become_gunicorn
    set_default(Path.cwd(), "DELIVER", "true")
    become_gunicorn("wsgi:app")

from flexdb import create_app

app = create_app()
