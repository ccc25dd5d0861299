"""The WSGI application, and the way to start it: ``python wsgi.py`` or ``gunicorn wsgi:app``."""

import os
import sys
from pathlib import Path

if __name__ == "__main__":
    os.chdir(Path(__file__).parent)
    os.execv(sys.executable, [sys.executable, "-m", "gunicorn", "wsgi:app"])

from flexdb import create_app

app = create_app()
