"""Fixtures of all tests: clean environments, commands, and one trained grid."""

import os
import shutil
import subprocess
import sys
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

import pytest
import torch
from notebooks import ROOT

BIN = Path(sys.executable).parent
sys.path.insert(0, str(ROOT))  # test this checkout, not an installed copy
if not torch.cuda.is_available():
    os.environ.setdefault("TRITON_INTERPRET", "1")  # before anything imports Triton

SMALL_GRID = {  # three runs that take seconds
    "--profile": "smoke",
    "--datasets": "synthetic_street",
    "--losses": "ce,focal,pat",
    "--steps": "4",
    "--eval-every": "2",
    "--size": "32x64",
    "--batch-size": "2",
    "--width": "4",
    "--depth": "2",
    "--jobs": "2",
}
SMALL_OPTIONS = [word for option in SMALL_GRID.items() for word in option]


def pytest_configure(config):
    config.addinivalue_line("markers", "slow: takes more than about 5 seconds")


COUNTED = pytest.StashKey[dict[str, Counter]]()


@pytest.fixture(scope="session")
def counted(request) -> dict[str, Counter]:
    "Counters by title, which the end of the report shows."
    return request.config.stash.setdefault(COUNTED, {})


def pytest_terminal_summary(terminalreporter, config):
    for title, counter in config.stash.get(COUNTED, {}).items():
        parts = ", ".join(f"{name} {n}" for name, n in counter.items())
        terminalreporter.write_line(f"{counter.total()} {title}: {parts}")


@dataclass(frozen=True)
class Finished:
    "A command that has ended."

    status: int
    out: str
    err: str

    @property
    def text(self) -> str:
        return self.out + self.err


@dataclass(frozen=True)
class Grid:
    "The small grid, trained once by `pat-nb paper`."

    folder: Path
    dry_run: Finished
    paper: Finished

    @property
    def environment(self) -> dict[str, str]:
        return _clean_environment() | {
            "PAT_NB_RUNS": str(self.folder / "runs"),
            "PAT_NB_FIGURES": str(self.folder / "figures"),
        }

    @property
    def runs(self) -> Path:
        return self.folder / "runs"

    @property
    def tables(self) -> Path:
        return self.folder / "figures" / "smoke-partial"

    def run_folder(self, loss: str) -> Path:
        return next(self.runs.glob(f"*-{loss}-s0-*"))


def _clean_environment() -> dict[str, str]:
    "The environment without PAT_NB_* except for PAT_NB_DATA; commands import this checkout."
    clean = {k: v for k, v in os.environ.items() if not k.startswith("PAT_NB_")}
    if os.environ.get("PAT_NB_DATA"):
        clean["PAT_NB_DATA"] = os.path.abspath(os.environ["PAT_NB_DATA"])
    return clean | {"PYTHONPATH": str(ROOT)}


def _run_command(*command, cwd=ROOT, env=None, status: int | None = 0) -> Finished:
    "Run a command of the environment; unless `status` is None, its exit status must be that."
    words = [str(word) for word in command]
    if not os.path.isabs(words[0]):
        words[0] = str(BIN / words[0])
    options = {"capture_output": True, "text": True, "errors": "replace", "timeout": 3600}
    done = subprocess.run(words, cwd=cwd, env=env or _clean_environment(), **options)
    finished = Finished(done.returncode, done.stdout, done.stderr)
    assert status is None or finished.status == status, f"{words}: status {finished.status}\n{finished.text[-6000:]}"
    return finished


@pytest.fixture(scope="session")
def run_command():
    "`run_command(*words, cwd=root, env=clean, status=0)`; the first word is a program of the environment."
    return _run_command


@pytest.fixture(scope="session")
def clean_environment() -> dict[str, str]:
    "The environment without PAT_NB_* except for PAT_NB_DATA."
    return _clean_environment()


@pytest.fixture
def environment(tmp_path) -> dict[str, str]:
    "A clean environment with runs and figures in a temporary folder."
    return _clean_environment() | {
        "PAT_NB_RUNS": str(tmp_path / "runs"),
        "PAT_NB_FIGURES": str(tmp_path / "figures"),
    }


@pytest.fixture
def command(tmp_path, monkeypatch, capsys):
    "`command(line, **variables)` in this process: (status, stdout, stderr). Runs, figures and data are in `tmp_path`."
    for name in [name for name in os.environ if name.startswith("PAT_NB_")]:
        monkeypatch.delenv(name)
    for name in ("runs", "figures", "data"):
        monkeypatch.setenv(f"PAT_NB_{name.upper()}", str(tmp_path / name))

    def call(line, **variables):
        from pat_nb.cli import main

        for name, value in variables.items():
            monkeypatch.setenv(name, value)
        try:
            status = main(line.split())
        except SystemExit as e:
            status = e.code
        return status, *capsys.readouterr()

    return call


@pytest.fixture(scope="session")
def trained_grid(tmp_path_factory) -> Grid:
    "A dry run of the small grid, then the grid with all tables and figures. Do not change its folder."
    folder = tmp_path_factory.mktemp("grid").resolve()
    env = Grid(folder, None, None).environment
    dry_run = _run_command("pat-nb", "paper", "--dry-run", *SMALL_OPTIONS, env=env)
    assert not list(folder.glob("runs/synthetic*")), "a dry run trains nothing"
    paper = _run_command("pat-nb", "paper", *SMALL_OPTIONS, cwd=ROOT / "nbs", env=env)
    return Grid(folder, dry_run, paper)


@pytest.fixture
def grid_copy(trained_grid, tmp_path) -> Grid:
    "A copy of the trained grid that a test may damage."
    folder = (tmp_path / "grid").resolve()
    shutil.copytree(trained_grid.folder, folder)
    return Grid(folder, trained_grid.dry_run, trained_grid.paper)


@pytest.fixture(scope="session")
def small_grid() -> list[str]:
    "The options of the small grid."
    return list(SMALL_OPTIONS)
