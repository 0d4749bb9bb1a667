"""Kills at random moments, concurrent commands, full disks and other errors of the system lose no result."""

import errno
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from notebooks import ROOT

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def fault(tmp_path_factory, clean_environment):
    "`fault(action, *words)` runs an action of fault_runs.py; all share one interpreter and one folder."
    folder = tmp_path_factory.mktemp("faults")
    command = [sys.executable, ROOT / "tests" / "fault_runs.py"]
    pipes = dict(stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    with subprocess.Popen(command, env=clean_environment, cwd=ROOT, **pipes) as process:

        def run(action, *words):
            process.stdin.write(json.dumps([action, str(folder), *map(str, words)]) + "\n")
            process.stdin.flush()
            answer = json.loads(process.stdout.readline())
            assert "failure" not in answer, answer["failure"]
            return answer

        yield run


def test_kills_at_random_moments(fault):
    counts = fault("kills")
    print(f"{sum(counts['kills'].values())} kills, {counts['differing']} lost: {counts}")
    assert sum(counts["kills"].values()) >= 20
    assert min(counts["kills"].values()) >= 5
    assert counts["finished"] >= 1
    assert counts["differing"] == 0


def test_kills_after_every_kind_of_file(fault):
    assert len(fault("points")["points"]) == 3


def test_checkpoint_at_the_step_of_a_signal(fault):
    assert all(0 < step < 40 for step in fault("steps")["steps"])


def test_concurrent_commands(fault):
    assert fault("concurrent") == {"commands": 6}


@pytest.fixture
def mounted(tmp_path):
    "`mounted(options)` mounts a tmpfs, if the system allows it."
    folder = tmp_path / "disk"
    folder.mkdir()

    def mount(*options):
        done = subprocess.run(["mount", *options, str(folder)], capture_output=True, text=True)
        if done.returncode:
            pytest.skip(f"this system does not allow mounts: {done.stderr.strip()}")
        return folder

    yield mount
    subprocess.run(["umount", str(folder)], capture_output=True)


def check_error(found: dict, number: int, place: Path | str) -> None:
    "The last line names the cause and the place, and there is no traceback."
    print(found["lines"][-1])
    assert found["status"] == 1
    assert found["lines"][-1].startswith("pat-nb: ")
    assert os.strerror(number) in found["lines"][-1]
    assert str(place) in found["lines"][-1]
    assert not any("Traceback" in line for line in found["lines"])


def test_full_disk(fault, mounted):
    disk = mounted("-t", "tmpfs", "-o", "size=100k", "tmpfs")
    check_error(fault("error", disk / "runs"), errno.ENOSPC, disk / "runs")
    assert not list(disk.rglob("*.part"))
    assert not list(disk.rglob("result.json"))


def test_grid_on_a_full_disk(fault, mounted):
    "The grid stops at the first run without space, with one line, and keeps earlier results; it continues later."
    disk = mounted("-t", "tmpfs", "-o", "size=8m", "tmpfs")
    found = fault("full_disk", disk)
    check_error(found, errno.ENOSPC, disk / "runs")
    assert found["lines"][-1].endswith("Free some space, then run the same command: it continues.")
    assert not [line for line in found["lines"] if "FAILED" in line or "notebook" in line]
    assert found["continued"] == 0


def test_read_only_disk(fault, mounted):
    disk = mounted("-t", "tmpfs", "-o", "ro", "tmpfs")
    check_error(fault("error", disk / "runs"), errno.EROFS, disk / "runs")


def test_file_in_place_of_a_folder(fault, tmp_path):
    (tmp_path / "file").write_text("mine")
    check_error(fault("error", tmp_path / "file" / "runs"), errno.ENOTDIR, tmp_path / "file")
    assert (tmp_path / "file").read_text() == "mine"


def test_few_file_descriptors(fault, tmp_path):
    found = fault("error", tmp_path / "runs", "24")
    assert found["status"] == 2
    assert "ulimit -n" in found["lines"][-1]
    assert not (tmp_path / "runs").exists()


def test_kills_of_a_grid_and_its_worker(fault):
    done = fault("grid")["kills"]
    print(f"{len(done)} kills, 0 lost: {', '.join(done)}")
    assert len(done) == 3
