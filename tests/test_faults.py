"""Kills at random moments, concurrent commands, full disks and other errors of the system lose no result."""

import errno
import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import psutil
import pytest
from notebooks import ROOT

pytestmark = pytest.mark.slow

SMALL = (
    *("--profile", "smoke", "--size", "32x64", "--batch-size", "2", "--width", "4", "--depth", "2", "--threads", "1"),
    *("--precision", "fp32", "--datasets", "synthetic_street", "--models", "unet", "--seeds", "0", "--losses", "ce"),
    *("--eval-every", "400", "--checkpoint-every", "20", "--steps", "400", "--device", "cpu"),
)


@pytest.fixture
def fault(tmp_path, run_command, environment):
    "`fault(action, *words)` runs an action of fault_runs.py."

    def run(action, *words):
        done = run_command(sys.executable, ROOT / "tests" / "fault_runs.py", action, tmp_path, *words, env=environment)
        return json.loads(done.out.splitlines()[-1])

    return run


def test_kills_at_random_moments(fault):
    counts = fault("kills")
    print(f"{sum(counts['kills'].values())} kills, {counts['differing']} lost: {counts}")
    assert sum(counts["kills"].values()) >= 16
    assert min(counts["kills"].values()) >= 4
    assert counts["finished"] >= 1
    assert counts["differing"] == 0


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


def grid_and_worker(environment, run_id: str, log: Path) -> tuple[subprocess.Popen, psutil.Process]:
    "Start a grid, and wait until its worker writes checkpoints."
    command = [sys.executable, "-m", "pat_nb.cli", "train-run", run_id, *SMALL]
    grid = subprocess.Popen(command, env=environment, stdout=log.open("w"), stderr=subprocess.STDOUT, cwd=ROOT)
    last, begin = Path(environment["PAT_NB_RUNS"]) / run_id / "last.pt", time.time()
    while not (last.is_file() and last.stat().st_mtime > begin) and grid.poll() is None:
        assert time.time() < begin + 300
        time.sleep(0.01)
    assert grid.poll() is None, log.read_text()
    (worker,) = (p for p in psutil.Process(grid.pid).children() if "_serve_runs" in " ".join(p.cmdline()))
    return grid, worker


def test_kills_of_a_grid_and_its_worker(environment, run_command, tmp_path):
    whole = environment | {"PAT_NB_RUNS": str(tmp_path / "whole")}
    listed = json.loads(run_command("pat-nb", "paper", "--only", "table3", "--list-json", *SMALL, env=whole).out)
    (run_id,) = listed["runs"]
    run_command("pat-nb", "train-run", run_id, *SMALL, env=whole)
    expected, kills = tmp_path / "whole" / run_id, 0
    for of_worker, signum, status in (
        (True, signal.SIGKILL, 1),
        (False, signal.SIGTERM, 143),
        (False, signal.SIGKILL, -9),
    ):
        grid, worker = grid_and_worker(environment, run_id, tmp_path / "log")
        (worker if of_worker else grid).send_signal(signum)
        assert grid.wait(100) == status, (tmp_path / "log").read_text()[-3000:]
        worker.wait(100)  # it saves a checkpoint and ends, also when its parent is killed
        assert "Traceback" not in (tmp_path / "log").read_text()
        assert not (tmp_path / "runs" / run_id / "result.json").exists()
        kills += 1
    run_command("pat-nb", "train-run", run_id, *SMALL, env=environment)
    print(f"{kills} kills, 0 lost")
    got, want = (json.loads((f / "result.json").read_text()) for f in (tmp_path / "runs" / run_id, expected))
    assert got["metrics"] == want["metrics"]
    best = [(f / "best.safetensors").read_bytes() for f in (tmp_path / "runs" / run_id, expected)]
    assert best[0] == best[1]
    assert not list((tmp_path / "runs" / run_id).glob(".*.part"))
