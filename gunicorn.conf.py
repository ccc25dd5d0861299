"""gunicorn's configuration, by the name it looks for; what it says is in the package."""

from pathlib import Path

from flexdb.server.configuration import configuration

globals().update(configuration(Path.cwd()))
