"""Runs in forked processes that are killed, or that lack space, permissions or file descriptors; for test_faults.

A forked process does not import torch again, so that a fault costs a second and not five. A fresh interpreter runs
this file, since torch may not have started threads before. It reads actions from stdin, one JSON list per line, such as
["kills", FOLDER], and prints a JSON dictionary for each.
"""

import json
import os
import random
import resource
import shutil
import signal
import sys
import time
import traceback
from functools import cache
from pathlib import Path

import psutil
import torch
import torch._dynamo  # this and the next are imported once, before the processes fork
import torchvision.transforms.v2  # noqa: F401

import pat_nb.experiments.pool
import pat_nb.experiments.run  # noqa: F401
from pat_nb.cli import main
from pat_nb.experiments.results import results
from pat_nb.settings import load_settings

SIGNALS = (signal.SIGKILL, signal.SIGTERM, signal.SIGINT)
SETTINGS = (
    *("--profile", "smoke", "--size", "32x64", "--batch-size", "2", "--width", "4", "--depth", "2", "--steps", "40"),
    *("--eval-every", "40", "--checkpoint-every", "5", "--threads", "1", "--precision", "fp32"),
)
GRID = (
    *("--profile", "smoke", "--size", "32x64", "--batch-size", "2", "--width", "4", "--depth", "2", "--threads", "1"),
    *("--precision", "fp32", "--datasets", "synthetic_street", "--models", "unet", "--seeds", "0", "--losses", "ce"),
    *("--eval-every", "200", "--checkpoint-every", "10", "--steps", "200", "--device", "cpu"),
)
TRAIN = ("train", "--dataset", "synthetic_street", "--loss", "blv", *SETTINGS)  # a loss with noise


def start(runs: Path, log: Path, command=TRAIN, files: int = 0) -> int:
    "Start a command of pat-nb in a forked process. Returns its process id."
    signal.pthread_sigmask(signal.SIG_BLOCK, SIGNALS)  # Python ignores a KeyboardInterrupt within the hooks of a fork
    pid = os.fork()
    if pid:
        signal.pthread_sigmask(signal.SIG_UNBLOCK, SIGNALS)
        return pid
    status = 1
    try:
        signal.pthread_sigmask(signal.SIG_UNBLOCK, SIGNALS)
        out = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o644)
        os.dup2(out, 1)
        os.dup2(out, 2)
        if files:
            resource.setrlimit(resource.RLIMIT_NOFILE, (files, files))
        status = main([*command, "--runs", str(runs)])
        sys.stdout.flush()
        sys.stderr.flush()
    except KeyboardInterrupt:  # before pat-nb could catch it
        status = 130
    finally:
        os._exit(status)


def finish(pid: int) -> int:
    "Wait for a process: its exit status, negative for a signal."
    return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])


def table(runs: Path) -> str:
    "The results as csv, without times."
    return results(load_settings(runs=runs)).drop(columns="step_ms").to_csv(index=False)


def weights(runs: Path) -> list[bytes]:
    return [file.read_bytes() for file in sorted(runs.glob("*/best.safetensors"))]


@cache
def undisturbed(folder: Path) -> float:
    "Train in folder/whole; returns the seconds that it takes, the shorter of two times since the first is slower."
    seconds = []
    for name in ("first", "whole"):
        begin = time.monotonic()
        assert finish(start(folder / name, folder / "log")) == 0, (folder / "log").read_text()
        seconds.append(time.monotonic() - begin)
    return min(seconds)


def kills(folder: Path, number: int = 20) -> dict:
    "Kill a run at random moments, then continue it; when it has finished, compare it and start again."
    window, random_, runs = 0.5 * undisturbed(folder), random.Random(0), folder / "kills"
    done = {s.name: 0 for s in SIGNALS}
    differing = finished = 0
    while sum(done.values()) < number or not finished:
        signum = SIGNALS[sum(done.values()) % len(SIGNALS)]
        pid = start(runs, folder / "log")
        if sum(done.values()) < number:
            time.sleep(random_.uniform(0, window))
            os.kill(pid, signum)
        status = finish(pid)
        allowed = {0, -signum} if signum == signal.SIGKILL else {0, 128 + signum, -signum}
        assert status in allowed, f"status {status} after {signum.name}: {(folder / 'log').read_text()[-3000:]}"
        done[signum.name] += status != 0
        if status == 0:
            assert finished < 5 * number, f"{finished} runs have finished, after {done}"
            finished, window = finished + 1, 0.8 * window  # earlier, so that the next signal does not come too late
            differing += table(runs) != table(folder / "whole") or weights(runs) != weights(folder / "whole")
            assert not list(runs.glob("*/.*.part"))
            shutil.rmtree(runs)
    return dict(kills=done, finished=finished, differing=differing)


def outcome(runs: Path) -> list[tuple]:
    "What runs compute: metrics, history without times, best weights."
    found = []
    for run in sorted(file.parent for file in runs.glob("*/result.json")):
        lines = (run / "history.jsonl").read_text().splitlines()
        history = [{k: v for k, v in json.loads(line).items() if k not in ("seconds", "rss_mb")} for line in lines]
        found.append((json.loads((run / "result.json").read_text())["metrics"], history, weights(runs)))
    return found


def points(folder: Path) -> dict:
    "Kill a run after its folder, a checkpoint and a validation have been written; then continue it."
    command = [*TRAIN, "--steps", "80", "--eval-every", "20", "--checkpoint-every", "2"]
    runs, log, done = folder / "points", folder / "log", []
    assert finish(start(folder / "whole_points", log, command)) == 0, log.read_text()
    for pattern in ("*-s0-*", "*/last.pt", "*/history.jsonl"):
        before, pid, deadline = stamps(runs, pattern), start(runs, log, command), time.monotonic() + 100
        while stamps(runs, pattern) == before and time.monotonic() < deadline:
            time.sleep(0.002)
        os.kill(pid, signal.SIGKILL)
        assert finish(pid) == -signal.SIGKILL, f"the run ended by itself: {log.read_text()[-3000:]}"
        assert not list(runs.glob("*/result.json"))
        done.append(pattern)
    assert finish(start(runs, log, command)) == 0, log.read_text()
    assert outcome(runs) == outcome(folder / "whole_points") != []
    return dict(points=done)


def stamps(runs: Path, pattern: str) -> list[int]:
    return [path.stat().st_mtime_ns for path in runs.glob(pattern)]


def steps(folder: Path) -> dict:
    "Send a signal at a random step: the step of the checkpoint, and whether the continued run is the same."
    undisturbed(folder)
    at, runs = [], folder / "steps"
    for signum in (signal.SIGINT, signal.SIGTERM):
        pid, deadline = start(runs, folder / "log", [*TRAIN, "--checkpoint-every", "1"]), time.monotonic() + 100
        while not list(runs.glob("*/last.pt")) and time.monotonic() < deadline:
            time.sleep(0.01)
        os.kill(pid, signum)
        assert finish(pid) == 128 + signum
        (last,) = runs.glob("*/last.pt")
        at.append(torch.load(last, weights_only=True)["state"]["progress"]["step"])
        said = (folder / "log").read_text().strip().splitlines()[-1]
        assert said == f"pat-nb: stopped after step {at[-1]} of 40. The same command continues."
        assert finish(start(runs, folder / "log")) == 0
        assert table(runs) == table(folder / "whole")
        assert weights(runs) == weights(folder / "whole")
        shutil.rmtree(runs)
    return dict(steps=at)


def concurrent(folder: Path) -> dict:
    "Two and four identical commands at once."
    undisturbed(folder)
    for number in (2, 4):
        runs = folder / f"runs{number}"
        pids = [start(runs, folder / f"log{k}") for k in range(number)]
        assert [finish(pid) for pid in pids] == [0] * number
        assert table(runs) == table(folder / "whole")
        assert weights(runs) == weights(folder / "whole")
        assert sum("already done" in (folder / f"log{k}").read_text() for k in range(number)) <= number - 1
    return dict(commands=6)


def wait_for_worker(pid: int, last: Path, log: Path) -> psutil.Process:
    "The worker of a grid, after it has written a new checkpoint."
    begin = time.time()
    while not (last.is_file() and last.stat().st_mtime > begin):
        assert time.time() < begin + 100, log.read_text()
        assert not os.waitid(os.P_PID, pid, os.WEXITED | os.WNOHANG | os.WNOWAIT), log.read_text()
        time.sleep(0.01)
    (worker,) = (p for p in psutil.Process(pid).children() if "_serve_runs" in " ".join(p.cmdline()))
    return worker


def grid(folder: Path) -> dict:
    "Kill the worker of a grid, and the grid; continue, and compare."
    log, runs, whole = folder / "log", folder / "runs", folder / "whole_grid"
    assert finish(start(whole, log, ["paper", "--only", "table3", "--list-json", *GRID])) == 0, log.read_text()
    (run_id,) = json.loads(log.read_text())["runs"]
    command = ["train-run", run_id, *GRID]
    assert finish(start(whole, log, command)) == 0, log.read_text()
    done = []
    for of_worker, signum, status in (
        (True, signal.SIGKILL, 1),
        (False, signal.SIGTERM, 143),
        (False, signal.SIGKILL, -9),
    ):
        pid = start(runs, log, command)
        worker = wait_for_worker(pid, runs / run_id / "last.pt", log)
        os.kill(worker.pid if of_worker else pid, signum)
        assert finish(pid) == status, log.read_text()[-3000:]
        worker.wait(100)  # it saves a checkpoint and ends, also when its parent is killed
        assert "Traceback" not in log.read_text()
        assert not (runs / run_id / "result.json").exists()
        done.append(f"{signum.name} of the {'worker' if of_worker else 'grid'}")
    assert finish(start(runs, log, command)) == 0, log.read_text()
    assert table(runs) == table(whole)
    assert weights(runs) == weights(whole)
    assert not list(runs.glob("*/.*.part"))
    return dict(kills=done)


def full_disk(folder: Path, disk: str) -> dict:
    "Fill a disk that holds a finished run; start a grid; free the space, and continue a run that had found none."
    undisturbed(folder)
    runs, filler, log = Path(disk) / "runs", Path(disk) / "filler", folder / "log"
    shutil.copytree(folder / "whole", runs)
    before = {file: file.read_bytes() for file in runs.glob("*/*")}
    options = [*GRID, "--losses", "ce,focal", "--steps", "2", "--eval-every", "2", "--jobs", "1"]
    filler.write_bytes(bytes(shutil.disk_usage(disk).free - 20_000))
    status = finish(start(runs, log, ["paper", "--only", "table3", *options]))
    assert all(file.read_bytes() == content for file, content in before.items())
    assert len(list(runs.glob("*/result.json"))) == 1
    assert not list(runs.rglob("*.part"))
    lines = log.read_text().strip().splitlines()
    (run_id,) = {folder.name for folder in runs.glob("*-s0-*") if folder.name in lines[-1]}
    filler.unlink()
    continued = finish(start(runs, log, ["train-run", run_id, *options]))
    return dict(status=status, lines=lines, continued=continued)


def error(folder: Path, runs: str, files: str = "0") -> dict:
    "A run that cannot write: its status and what it prints."
    status = finish(start(Path(runs), folder / "log", files=int(files)))
    return dict(status=status, lines=(folder / "log").read_text().strip().splitlines())


def main_loop() -> None:
    "Answer the actions of stdin."
    torch.set_num_threads(1)
    signal.signal(signal.SIGINT, signal.default_int_handler)  # a shell ignores it in background jobs
    actions = {f.__name__: f for f in (kills, points, steps, concurrent, grid, full_disk, error)}
    for line in sys.stdin:
        name, folder, *words = json.loads(line)
        try:
            answer = actions[name](Path(folder), *words)
        except Exception:
            answer = dict(failure=traceback.format_exc())
        print(json.dumps(answer), flush=True)


if __name__ == "__main__":
    main_loop()
