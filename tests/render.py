"""Execute the notebooks. `make test` compares the outputs with the stored ones, `make render` stores them.

    python tests/render.py                                    # store the outputs of all notebooks
    python tests/render.py nbs/11_loss_pat.ipynb nbs/paper    # of these
    python tests/render.py --test --flags "slow data"         # execute only, as `make test` does

Every notebook runs in a process of its own, two at a time. Its executed copy is written to build/executed, so that an
interrupted command continues, and a second one executes only what has changed since (all with --fresh). Library
notebooks run with their cells flagged `slow`. Those of nbs/paper show stored results, without data sets or training.
"""

import argparse
import copy
import hashlib
import json
import multiprocessing as mp
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import traceback
from dataclasses import dataclass
from multiprocessing.connection import wait
from pathlib import Path

from notebooks import NBS, ROOT, notebooks, source_of
from outputs import VARIES, is_compared, look_same, normalized, paths_of_this_machine

EXECUTED = ROOT / "build" / "executed"
FOLDERS = (".", "paper", "experiments", "tutorials")
PRELOADED = ("torch", "torchvision", "matplotlib.pyplot", "pandas", "IPython.core.interactiveshell", "nbdev.test")
CELL_TIMEOUT = 900  # seconds
FIGURES = (  # the settings of a shell: pictures for a page, not for print
    "from matplotlib_inline.backend_inline import set_matplotlib_formats\n"
    "set_matplotlib_formats('png', dpi=80, bbox_inches='tight')\n"
    "del set_matplotlib_formats"
)
PROFILES = {  # notebooks of nbs/paper that do not show data/results/compact
    "table8_tuning": "frozen",
    "table9_scope": "frozen",
    "fig6_one_axis": "frozen",
    "fig7_length": "frozen",
    "tuning_findings": "frozen",
    "table10_finetuned": "finetuned",
    "table11_resampled": "frozen",
    "fig2_method": "smoke",
    "fig4_qualitative": "smoke",
}
STORED = ("compact", "frozen", "finetuned")  # profiles in data/results
LONG = ("table8_tuning", "tuning_findings")  # a minute each; tests run them with one data set and compare nothing
SMOKE = {"DATASETS": "synthetic_street", "LOSSES": "ce,cb,bms,pat"}  # runs that take a minute


# Conditions


@dataclass(frozen=True)
class Job:
    "A notebook, the flags of cells to run, and whether this is a test."

    path: Path
    flags: tuple[str, ...]
    test: bool = False

    @property
    def name(self) -> str:
        return str(self.path.relative_to(NBS))

    @property
    def folder(self) -> str:
        return str(self.path.parent.relative_to(NBS))

    @property
    def copy(self) -> Path:
        return EXECUTED / self.name

    @property
    def profile(self) -> str:
        return PROFILES.get(self.path.stem, "compact")

    @property
    def is_stored(self) -> bool:
        "Whether its outputs are those that Git stores: the notebook shows all results, and they exist."
        if self.is_short:
            return False
        return self.folder != "paper" or _runs(self.profile).is_dir()

    @property
    def is_long(self) -> bool:
        "Whether it takes a minute or more, and is started first."
        return self.folder in ("tutorials", "experiments") or self.path.stem in (*LONG, "50_training_loop", "62_run")

    @property
    def is_short(self) -> bool:
        return self.test and self.path.stem in LONG

    def environment(self) -> dict[str, str]:
        "The settings of notebooks that read or write runs."
        if self.folder == "experiments":
            return {"PAT_NB_RUNS": str(_runs("train")), "PAT_NB_FIGURES": str(EXECUTED / "figures")}
        if self.folder != "paper":
            return {}
        folders = {"RUNS": _runs(self.profile), "FIGURES": EXECUTED / "figures", "DATA": EXECUTED / "no-data"}
        values = {"PROFILE": self.profile} | folders | (SMOKE if self.profile == "smoke" else {})
        if self.is_short:
            values["DATASETS"] = "camvid"
        return {f"PAT_NB_{key}": str(value) for key, value in values.items()}

    def stamp(self, package: str) -> str:
        "Hash of all that determines the outputs."
        cells = [(c["cell_type"], c["source"]) for c in read(self.path)["cells"]]
        return _hash(json.dumps([cells, package, sorted(self.flags), self.environment()]))


def _hash(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


def _runs(profile: str) -> Path:
    return EXECUTED / "runs" / (f"from-results/{profile}" if profile in STORED else profile)


def _package() -> str:
    "Hash of the package, the settings, the stored results and this tool."
    files = [*(ROOT / "pat_nb").rglob("*.py"), ROOT / "settings.ini", *(ROOT / "data").glob("results/*/*")]
    files += [ROOT / "tests" / name for name in ("outputs.py", "render.py")]
    return _hash("".join(_hash(f.read_bytes().hex()) for f in sorted(files)))


def unpack_results() -> None:
    "Make folders of runs from data/results."
    from pat_nb.experiments import archive
    from pat_nb.settings import load_settings

    for profile in STORED:
        archive.unpack_results(load_settings(profile=profile, runs=str(EXECUTED / "runs")))


TRAIN = """
from pat_nb.experiments.grids import paper_grid
from pat_nb.experiments.pool import run_grid
from pat_nb.settings import load_settings

settings = load_settings()
failed = [error for error in run_grid(paper_grid("table3", settings), settings).values() if error]
assert not failed, failed
"""


def train_smoke(jobs: list[Job]) -> None:
    "Train the runs of the figures that show images, which stored results lack. Nothing to do the second time."
    for job in (job for job in jobs if job.folder == "paper" and job.profile == "smoke"):
        subprocess.run([sys.executable, "-c", TRAIN], cwd=ROOT, env=os.environ | job.environment(), check=True)
        return


# Execution


def read(path: Path) -> dict:
    return json.loads(path.read_text(encoding="utf-8"))


def write(path: Path, notebook: dict) -> None:
    "Write a notebook as nbdev does, if it changes."
    text = json.dumps(notebook, indent=1, ensure_ascii=False, sort_keys=True) + "\n"
    if not path.is_file() or path.read_text(encoding="utf-8") != text:
        path.parent.mkdir(parents=True, exist_ok=True)
        part = path.with_suffix(".part")
        part.write_text(text, encoding="utf-8")
        part.replace(path)


def execute(job: Job, stamp: str) -> None:
    "Execute a notebook and write its copy. The copy has execution counts for the cells that ran."
    from execnb.shell import CaptureShell
    from nbdev.test import nb_test_cells

    os.environ.update(job.environment(), IN_TEST="1")
    skipped = [flag for flag in ("cuda", "slow", "data", "integrations") if flag not in job.flags]
    notebook, cells = read(job.path), {cell.id: cell for cell in nb_test_cells(job.path, skipped)}
    with tempfile.TemporaryDirectory() as empty:
        os.chdir(empty if job.folder == "tutorials" else job.path.parent)
        sys.path.insert(0, str(ROOT))
        shell = CaptureShell(job.path, mpl_format="png")
        shell.run(FIGURES)
        folders = paths_of_this_machine() | {empty: "", str(job.path.parent): "."}
        for k, cell in enumerate(c for c in notebook["cells"] if c["cell_type"] == "code"):
            cell["outputs"], cell["execution_count"] = [], None
            if cell["id"] in cells:
                outputs = json.loads(json.dumps(shell.run(cells[cell["id"]].source, timeout=CELL_TIMEOUT)))
                if shell.exc:
                    sys.exit(f"{job.name}, cell {k} ({cell['id']})\n{shell.prettytb(fname=job.path)}")
                cell["outputs"], cell["execution_count"] = normalized(outputs, folders), k + 1
        os.chdir(ROOT)
    notebook["metadata"]["executed"] = {"stamp": stamp, "stored": job.is_stored}
    write(job.copy, notebook)


def _child(job: Job, stamp: str) -> None:
    "Execute a notebook in a process of its own; an error is printed."
    try:
        execute(job, stamp)
    except BaseException as error:
        text = error if isinstance(error, SystemExit) else f"{job.name}\n{traceback.format_exc()}"
        print(text, file=sys.__stderr__, flush=True)
        sys.exit(1)


def execute_all(jobs: list[Job], package: str, workers: int = 2) -> list[Job]:
    "Execute notebooks in processes that start with the large libraries imported. Returns those that failed."
    for name in PRELOADED:
        __import__(name)
    context, waiting, running, failed = mp.get_context("fork"), list(jobs), {}, []
    try:
        while waiting or running:
            while waiting and len(running) < workers:
                job = waiting.pop(0)
                process = context.Process(target=_child, args=(job, job.stamp(package)))
                process.start()
                running[process.sentinel] = (job, process, time.monotonic())
            for sentinel in wait(list(running)):
                job, process, start = running.pop(sentinel)
                process.join()
                seconds = time.monotonic() - start
                print(f"{job.name}: {'failed' if process.exitcode else 'done'}, {seconds:.1f} s", flush=True)
                if process.exitcode:
                    failed.append(job)
    finally:
        for _, process, _ in running.values():
            process.terminate()
    return failed


# Storing


def store(job: Job) -> bool:
    "Write the outputs of the executed copy into the notebook, except those that look the same. True if it changes."
    made = {c["id"]: c for c in read(job.copy)["cells"] if c["cell_type"] == "code" and c["execution_count"]}
    notebook = read(job.path)
    before = copy.deepcopy(notebook)
    for cell in notebook["cells"]:
        if cell["cell_type"] != "code":
            continue
        cell["execution_count"] = None
        if cell["id"] in made and is_compared(cell) and source_of(cell) == source_of(made[cell["id"]]):
            outputs, varies = made[cell["id"]]["outputs"], VARIES in cell["metadata"].get("tags", ())
            if not look_same(cell["outputs"], outputs, varies):
                cell["outputs"] = outputs
    write(job.path, notebook)
    return notebook != before


def is_current(job: Job, package: str) -> bool:
    return job.copy.is_file() and read(job.copy)["metadata"]["executed"]["stamp"] == job.stamp(package)


def selected(paths: list[str], test: bool, flags: list[str]) -> list[Job]:
    "The jobs of files and folders, of all by default. tests/test_tutorials.py tests the tutorials, with fewer steps."
    found = [n.path for n in notebooks(*FOLDERS)]
    named = [Path(p).resolve() for p in paths]
    if unknown := [str(p) for p in named if p not in found and not any(p in f.parents for f in found)]:
        sys.exit(f"not a notebook or a folder of notebooks: {', '.join(unknown)}")
    found = [f for f in found if any(p == f or p == f.parent for p in named)] if named else found
    jobs = [Job(f, tuple(flags), test) for f in found if not (test and f.parent.name == "tutorials")]
    return sorted(jobs, key=lambda job: not job.is_long)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("paths", nargs="*", help="notebooks or folders; all without any")
    parser.add_argument("--test", action="store_true", help="execute, and store nothing")
    parser.add_argument("--flags", default="slow", help="run the cells with these directives")
    parser.add_argument("--fresh", action="store_true", help="execute notebooks that have not changed, too")
    parser.add_argument("--workers", type=int, default=2)
    args = parser.parse_args()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    signal.signal(signal.SIGINT, signal.default_int_handler)  # a shell ignores it in background jobs
    if not args.test:
        for name in [name for name in os.environ if name.startswith("PAT_NB_")]:
            del os.environ[name]
        os.environ |= {"CUDA_VISIBLE_DEVICES": "", "OMP_NUM_THREADS": "1", "TRITON_INTERPRET": "1"}
    shutil.rmtree(EXECUTED / "figures", ignore_errors=True)
    sys.path.insert(0, str(ROOT))  # this checkout, not an installed copy
    jobs = selected(args.paths, args.test, args.flags.split())
    unpack_results()
    if not args.test:
        train_smoke(jobs)
        for job in (j for j in jobs if not j.is_stored):
            print(f"{job.name}: there are no results to show, left as it is")
        jobs = [job for job in jobs if job.is_stored]
    package = _package()
    todo = [job for job in jobs if args.test or args.fresh or not is_current(job, package)]
    failed = execute_all(todo, package, args.workers)
    if not args.test:
        changed = [job.name for job in jobs if job not in failed and store(job)]
        print(f"{len(changed)} of {len(jobs)} notebooks changed:", *changed)
    if failed:
        print("FAILED:", *(job.name for job in failed), file=sys.stderr)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
