"""What setup.cfg cannot say: migrations/ is beside the package, and installed within it."""

from setuptools import find_packages, setup

setup(packages=[*find_packages(include=["flexdb", "flexdb.*"]), "flexdb.migrations"],
      package_dir={"flexdb.migrations": "migrations"})
