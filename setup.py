"""What setup.cfg cannot say: migrations/ is beside the package, and installed within it.

README's links lead to files of the repository. Where README_LINKS says at which address that is, as
the workflow of a release does, they lead there, since on PyPI those files are not.
"""

import os
import re
from pathlib import Path

from setuptools import find_packages, setup


def told(home: str) -> dict[str, object]:
    """Return what is told of a release beside setup.cfg, where its repository has an address."""
    folder = Path(__file__).parent
    version = re.findall(r'"(.+)"', (folder / "flexdb/version.py").read_text(encoding="utf-8"))[-1]

    def linked(found: re.Match[str]) -> str:
        # What is shown has to come as it is, and not as a page about it.
        return f"{found[1]}]({home}/{'raw' if found[1].startswith('!') else 'blob'}/v{version}/"

    readme = (folder / "README.md").read_text(encoding="utf-8")
    return {"long_description": re.sub(r"(!?\[[^\]]*)\]\((?![a-z]+:|#)", linked, readme),
            "project_urls": {"Source": home, "Changelog": f"{home}/blob/v{version}/CHANGELOG.md",
                             "Documentation": f"{home}/blob/v{version}/docs/README.md"}}


home = os.environ.get("README_LINKS", "")
setup(packages=[*find_packages(include=["flexdb", "flexdb.*"]), "flexdb.migrations"],
      package_dir={"flexdb.migrations": "migrations"}, **told(home) if home else {})
