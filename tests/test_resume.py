"""Runs that are killed with SIGKILL, several times, end as the uninterrupted run does."""

import json
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

pytestmark = pytest.mark.slow

SETTINGS = (
    *("--profile", "smoke", "--size", "32x64", "--batch-size", "2", "--width", "4", "--depth", "2", "--steps", "80"),
    *("--eval-every", "20", "--checkpoint-every", "2", "--threads", "1", "--precision", "fp32"),
)
TRAIN = ["pat-nb", "train", "--dataset", "synthetic_street", "--loss", "blv", *SETTINGS]  # a loss with noise


def exists(folder: Path) -> bool:
    return folder.is_dir()


def has_checkpoint(folder: Path) -> bool:
    return (folder / "last.pt").is_file()


def has_validation(folder: Path) -> bool:
    return (folder / "history.jsonl").is_file() and "\n" in (folder / "history.jsonl").read_text()


def kill_when(condition, command, env, folder: Path) -> None:
    "Start a command; kill it as soon as the folder of the run changes so that the condition holds."
    before, log = stamp(folder), folder.parent.with_name("log.txt")
    with log.open("w") as out:
        program = Path(sys.executable).with_name(command[0])
        process = subprocess.Popen([program, *command[1:]], env=env, stdout=out, stderr=subprocess.STDOUT)
    deadline = time.monotonic() + 300
    while not (condition(folder) and stamp(folder) != before) and process.poll() is None:
        assert time.monotonic() < deadline, "the run does not come to that point"
        time.sleep(0.002)
    process.send_signal(signal.SIGKILL)
    assert process.wait() == -signal.SIGKILL, f"the command ended by itself: {log.read_text()[-3000:]}"


def stamp(folder: Path) -> dict[str, int]:
    return {p.name: p.stat().st_mtime_ns for name in ("last.pt", "history.jsonl") for p in folder.glob(name)} | {
        "exists": folder.is_dir()
    }


def outcome(folder: Path) -> tuple:
    "What a run computes: metrics, history without times, best weights."
    lines = (folder / "history.jsonl").read_text().splitlines()
    history = [{k: v for k, v in json.loads(line).items() if k not in ("seconds", "rss_mb")} for line in lines]
    return (
        json.loads((folder / "result.json").read_text())["metrics"],
        history,
        (folder / "best.safetensors").read_bytes(),
    )


def test_killed_run_resumes(environment, tmp_path, run_command):
    run_command(*TRAIN, env=environment | {"PAT_NB_RUNS": str(tmp_path / "whole")})
    (expected,) = (tmp_path / "whole").glob("*/result.json")
    folder = tmp_path / "runs" / expected.parent.name
    for condition in (exists, has_checkpoint, has_validation):
        kill_when(condition, TRAIN, environment, folder)
        assert condition(folder)
        assert not (folder / "result.json").exists()
    run_command(*TRAIN, env=environment)
    assert outcome(folder) == outcome(expected.parent)
