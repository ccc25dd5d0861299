"""A release: its tag, its version and what is told of it are one; who may do what to make it."""

from __future__ import annotations

import re
import runpy
import subprocess
import sys
import tarfile
import zipfile
from email import message_from_bytes
from pathlib import Path
from typing import Any

import pytest
import yaml

from flexdb.version import __version__
from tests.support.paths import ROOT
from tests.support.tools import run

SCRIPT = ROOT / "scripts/check_release.py"
CHECKS = runpy.run_path(str(SCRIPT))
# YAML 1.1 takes the key "on" for true.
WORKFLOW = yaml.load((ROOT / ".github/workflows/release.yml").read_text(), yaml.BaseLoader)
JOBS = WORKFLOW["jobs"]
HEAD = "# Changelog\n\n## [Unreleased]\n\n"
OLDER = "## [1.1.9] - 2026-01-30\n\n- Older.\n"
NEWEST = "## [1.2.3] - 2026-01-31\n\n### Added\n\n- This.\n\n"


def test_the_notes_of_a_release_are_what_the_changelog_has_under_its_version() -> None:
    assert CHECKS["notes_of"]("v1.2.3", "1.2.3", HEAD + NEWEST + OLDER) == "### Added\n\n- This."
    # Before the tag, what will come later may stand there already.
    assert CHECKS["notes_of"](None, "1.2.3", f"{HEAD}- Later.\n\n{NEWEST}{OLDER}")


@pytest.mark.parametrize("tag, version, changelog, told", [
    ("v1.2.4", "1.2.3", HEAD + NEWEST, "the tag v1.2.4 is not v1.2.3"),
    ("1.2.3", "1.2.3", HEAD + NEWEST, "the tag 1.2.3 is not v1.2.3"),
    ("v1.2.4", "1.2.4", HEAD + NEWEST, "the newest release of CHANGELOG.md is 1.2.3, and 1.2.4"),
    (None, "1.2.3", HEAD, "the newest release of CHANGELOG.md is None"),
    ("v1.2.3", "1.2.3", f"{HEAD}- New.\n\n{NEWEST}", "still has changes under [Unreleased]"),
    ("v1.2.3", "1.2.3", f"{HEAD}## [1.2.3] - 2026-01-31\n\n{OLDER}", "says nothing of 1.2.3"),
    ("v1.2.3", "1.2.3", f"{HEAD}{OLDER}\n{NEWEST}", "1.2.3 stands below 1.1.9"),
    ("v1.2.3", "1.2.3", HEAD + NEWEST + OLDER.replace("2026", "2027"), "1.1.9 stands below 1.2.3"),
    ("v1.2.3", "1.2.3", HEAD + NEWEST + NEWEST, "'## [1.2.3] - 2026-01-31' must be"),
    ("v1.2.3", "1.2.3", NEWEST + HEAD, "'## [Unreleased]' must be"),
    ("v1.2.3", "1.2.3", HEAD + NEWEST.replace("01-31", "02-31"), "'## [1.2.3] - 2026-02-31'"),
    ("v1.2.3", "1.2.3", HEAD + NEWEST.replace("[1.2.3]", "1.2.3"), "'## 1.2.3 - 2026-01-31'")])
def test_what_does_not_fit_is_told(tag: str | None, version: str, changelog: str, told: str
                                   ) -> None:
    with pytest.raises(CHECKS["ReleaseError"]) as refused:
        CHECKS["notes_of"](tag, version, changelog)
    assert told in str(refused.value)


def test_the_changelog_tells_of_the_version() -> None:
    assert run(sys.executable, str(SCRIPT)).strip()
    done = subprocess.run([sys.executable, SCRIPT, "v0.0.1"], capture_output=True, text=True)
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr == ("check_release: the tag v0.0.1 is not v"
                           f"{__version__}, which flexdb/version.py says\n")


def steps(job: str, word: str) -> list[Any]:
    """Return the steps of a job that use or run what has a word in it."""
    return [step for step in JOBS[job]["steps"] if word in step.get("uses", step.get("run", ""))]


def test_nothing_is_published_before_the_tag_was_checked_and_the_packages_were_tried() -> None:
    assert WORKFLOW["on"] == {"push": {"tags": ["v*"]}}
    words = ("gh run list --workflow check.yml --branch main", "check_release.py", "-m build",
             "test_environments.py", "cyclonedx", "upload-artifact")
    places = [JOBS["build"]["steps"].index(steps("build", word)[0]) for word in words]
    assert places == sorted(places)
    assert {name: job.get("needs") for name, job in JOBS.items()} == {
        "build": None, "publish": "build", "image": "build", "tell": ["publish", "image"]}


def test_each_job_may_write_what_it_has_to_and_none_has_a_password() -> None:
    assert {name: {permission for permission, level in job.get("permissions", {}).items()
                   if level == "write"} for name, job in JOBS.items()} == {
        "build": set(), "publish": {"id-token"}, "image": {"packages", "id-token"},
        "tell": {"contents"}}
    text = (ROOT / ".github/workflows/release.yml").read_text()
    assert set(re.findall(r"secrets\.(\w+)", text)) == {"GITHUB_TOKEN"}
    # Who is trusted by PyPI runs nothing of the repository.
    assert [step["uses"].partition("@")[0] for step in JOBS["publish"]["steps"]] == [
        "actions/download-artifact", "pypa/gh-action-pypi-publish"]
    (publish,) = steps("publish", "pypi-publish")
    assert publish["with"] == {"attestations": "true"} and JOBS["publish"]["environment"]["name"]


def test_the_image_tells_what_is_in_it_and_is_signed_as_what_was_pushed() -> None:
    (build,), (sign,) = steps("image", "build-push-action"), steps("image", "cosign sign")
    assert (build["with"]["sbom"], build["with"]["provenance"]) == ("true", "mode=max")
    assert sign["env"]["IMAGE"].endswith(f"@${{{{ steps.{build['id']}.outputs.digest }}}}")


@pytest.mark.long
def test_the_sources_of_a_release_make_the_wheel_and_the_readme_leads_to_their_repository(
        wheel: Path, tmp_path: Path) -> None:
    tree, home = wheel.parents[1], "https://example.org/owner/flexdb"
    build = "import sys; from setuptools import build_meta; build_meta.build_sdist(sys.argv[1])"
    run("env", f"--chdir={tree}", sys.executable, "-c", build, str(tmp_path))
    (sources,) = tmp_path.glob("*.tar.gz")
    with tarfile.open(sources) as packed:
        packed.extractall(tmp_path, filter="data")
    run("env", f"README_LINKS={home}", sys.executable, "-m", "pip", "wheel", "--quiet",
        "--no-index", "--no-deps", "--no-build-isolation", "--wheel-dir", str(tmp_path),
        str(tmp_path / sources.name.removesuffix(".tar.gz")))
    ours, theirs = zipfile.ZipFile(wheel), zipfile.ZipFile(tmp_path / wheel.name)
    assert set(ours.namelist()) == set(theirs.namelist())
    (name,) = [name for name in theirs.namelist() if name.endswith("/METADATA")]
    told = message_from_bytes(theirs.read(name))
    assert f"Source, {home}" in told.get_all("Project-URL", [])
    targets = re.findall(r"(!?)\[[^\]]*\]\(([^)]*)\)", str(told.get_payload()))
    for shown, target in targets:
        assert target.startswith(f"{home}/{'raw' if shown else 'blob'}/v{__version__}/")
        assert (ROOT / target.partition(f"/v{__version__}/")[2].partition("#")[0]).exists()
    assert len(targets) > 30
