"""Everything that `make test` does, in a folder of its own, so that the checkout is left as it is. Closes with "N passed, N failed"."""

import argparse
import filecmp
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import checks

ROOT = Path(__file__).resolve().parents[1]
BIN = Path(sys.executable).parent
passed, failed, skipped = [], [], []


def report(name, complaint="", seconds=None):
    (failed if complaint else passed).append(name)
    print(f"{'FAIL' if complaint else 'ok  '} {name}" + (f" ({seconds:.0f} s)" if seconds else ""), *([complaint] if complaint else []), sep="\n     ", flush=True)


def call(*command, **kwargs):
    "Run a command; returns (complaint or empty, all it printed)."
    done = subprocess.run([str(c) for c in command], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, errors="replace", **kwargs)
    return ("" if done.returncode == 0 else f"status {done.returncode}\n{done.stdout[-6000:]}"), done.stdout


def differing(a, b):
    "Files below two folders that are not the same."
    names = {p.relative_to(r) for r in (a, b) for p in r.rglob("*") if p.is_file() and "__pycache__" not in p.parts and ".ipynb_checkpoints" not in p.parts
             and p.name != ".last_checked"}
    return sorted(str(n) for n in names if not ((a / n).is_file() and (b / n).is_file() and filecmp.cmp(a / n, b / n, shallow=False)))


def no_op(tmp):
    "Cleaning and exporting the notebooks changes nothing."
    for name, command, folder in (("notebooks are clean", "nbdev-clean", "nbs"), ("pat_nb is what the notebooks export", "nbdev-export", "pat_nb")):
        copy = tmp / command
        copy.mkdir()
        for item in ("nbs", "pat_nb"):
            shutil.copytree(ROOT / item, copy / item, ignore=shutil.ignore_patterns("__pycache__", ".ipynb_checkpoints"))
        for item in ("pyproject.toml", "settings.ini", "README.md"):
            shutil.copy(ROOT / item, copy)
        if command == "nbdev-export":  # anew, so that a module without a notebook shows
            version = (copy / "pat_nb/__init__.py").read_text()
            shutil.rmtree(copy / "pat_nb")
            (copy / "pat_nb").mkdir()
            (copy / "pat_nb/__init__.py").write_text(version)
        complaint, _ = call(BIN / command, cwd=copy)
        changed = differing(ROOT / folder, copy / folder)
        report(name, complaint or (f"{command} changes {', '.join(changed)}: run `make export` and commit" if changed else ""))


def static():
    report("ruff", call(BIN / "ruff", "check", "--quiet", "pat_nb", ".ci", cwd=ROOT)[0])
    for check in checks.CHECKS:
        report(f"{check.__name__}: {check.__doc__}", "\n     ".join(check()))


def readme():
    "The Python of README.md runs, in someone else's loop."
    snippet = re.search(r"```python\n(.*?)```", (ROOT / "README.md").read_text(encoding="utf-8"), flags=re.S).group(1)
    before = "import torch\nmodel = torch.nn.Conv2d(3, 5, 1)\nimages, target = torch.rand(2, 3, 8, 8), torch.randint(0, 5, (2, 8, 8))\n"
    report("README's snippet", call(BIN / "python", "-c", before + snippet + "assert model.weight.grad.abs().sum() > 0")[0])


SMALL = ["--profile", "smoke", "--datasets", "synthetic_street", "--steps", "4", "--losses", "ce,focal,pat", "--size", "32x64", "--batch-size", "2", "--width", "4", "--depth", "2",
         "--eval-every", "2", "--jobs", "2"]


def end_to_end(tmp):
    "The paper at the smallest scale through the command line and papermill, twice, after a dry run; the second time trains nothing."
    start = time.monotonic()
    complaint, planned = call(BIN / "pat-nb", "paper", "--dry-run", *SMALL, cwd=ROOT)
    planned = re.findall(r"^to train .* (\S+)$", planned, flags=re.M) if not complaint else complaint
    report("a dry run trains nothing", "" if len(planned) == 3 and not list((tmp / "runs").glob("synthetic*")) else f"{planned}", time.monotonic() - start)
    start = time.monotonic()
    complaint, out = call(BIN / "pat-nb", "paper", *SMALL, cwd=ROOT / "nbs")
    trained = sorted(p.parent.name for p in (tmp / "runs").glob("*/result.json"))
    report("what a dry run lists is what is trained", "" if trained == sorted(planned) else f"listed {planned}, trained {trained}")
    figures = tmp / "figures" / "smoke"
    lacking = [f"{n}{e}" for n, ends in (("table1_weighting", (".csv", ".md", ".tex", ".png")), ("table2_complexity", (".csv", ".md", ".tex", ".png")), *((n, (".csv", ".md", ".tex", ".png")) for n in ("table3_losses", "table4_models", "table5_temperature", "table6_classwise", "ablation_components", "protocol", "fig5_utilization", "findings")),
                                         *((n, (".png",)) for n in ("fig1_class_frequency", "fig2_method", "fig3_analysis", "protocol_worth")), ("fig4_qualitative_synthetic_street", (".png",)), ("findings_in_words", (".md",)), ("findings_differences", (".png",))) for e in ends
               if not (figures / f"{n}{e}").is_file() or str(figures / f"{n}{e}") not in out]
    report("pat-nb paper makes its tables and figures", complaint or (f"{', '.join(lacking)} is missing\n{out}" if lacking else ""), time.monotonic() - start)
    results = {p: p.stat().st_mtime_ns for p in (tmp / "runs").glob("*/result.json")}
    before = {p: p.read_bytes() for p in figures.glob("*.csv")}
    start = time.monotonic()
    complaint, out = call(BIN / "pat-nb", "paper", *SMALL, cwd=ROOT)
    again = {p: p.stat().st_mtime_ns for p in (tmp / "runs").glob("*/result.json")}
    changed = len(results) != 3 or results != again or before != {p: p.read_bytes() for p in figures.glob("*.csv")} or "0 to train" not in out
    report("a second pat-nb paper retrains nothing", complaint or (f"results or tables changed\n{out}" if changed else ""), time.monotonic() - start)


def damage(tmp):
    "Results that are torn, of another schema or of another run are named and made again, never averaged in; a run that fails stops no other and leaves a blank."
    runs, table = [next((tmp / "runs").glob(f"*-{loss}-s0-*")) for loss in ("ce", "focal", "pat")], tmp / "figures" / "smoke" / "table3_losses.csv"
    files, before, start = [r / "result.json" for r in runs], table.read_bytes(), time.monotonic()
    stale = json.loads(files[2].read_text()) | {"schema": 0}
    for file, text in zip(files, (files[0].read_text()[:300], files[2].read_text(), json.dumps(stale))):
        file.write_text(text)
    complaint, out = call(BIN / "pat-nb", "paper", "--only", "table3", *SMALL, cwd=ROOT)
    unnamed = [str(f) for f, why in zip(files, ("JSONDecodeError", "another run", "schema 0")) if not re.search(f"{re.escape(str(f))} is damaged .*{why}.*run again", out)]
    wrong = complaint or unnamed or "3 to train" not in out or table.read_bytes() != before
    report("damaged results are named, made again, and give the same table", f"not named: {unnamed}\n{out}" if wrong else "", time.monotonic() - start)
    files[1].unlink()
    (runs[1] / "last.pt").unlink()
    (runs[1] / "history.jsonl").unlink()
    (runs[1] / "history.jsonl").mkdir()  # so that the run cannot write it
    start = time.monotonic()
    complaint, out = call(BIN / "pat-nb", "paper", "--only", "table3", *SMALL, cwd=ROOT)
    right = complaint.startswith("status 1") and f"FAILED {runs[1].name}: IsADirectoryError" in out and f"the full error: {runs[1] / 'error.txt'}" in out
    blank = re.search(r"^synthetic_street,focal,0,,", table.read_text(), flags=re.M) and "Traceback" in (runs[1] / "error.txt").read_text()
    report("a failed run is shown with its error and leaves a blank", "" if right and blank else f"{out}\n{table.read_text()}", time.monotonic() - start)
    (runs[1] / "history.jsonl").rmdir()


def kept(tmp):
    "The tables in figures/compact are made from data/results/compact, which needs neither data sets nor training."
    start = time.monotonic()
    complaint, out = call(BIN / "pat-nb", "paper", "--profile", "compact", "--from-results", cwd=ROOT)
    made, stored = ({p.name: p.read_bytes() for p in folder.glob("*") if p.suffix in (".csv", ".md")} for folder in (tmp / "figures" / "compact", ROOT / "figures" / "compact"))
    changed = sorted(n for n in made | stored if made.get(n) != stored.get(n))
    report("the stored results give the stored tables", complaint or (f"{', '.join(changed)}: `pat-nb paper --profile compact --from-results` and commit\n{out}" if changed else ""), time.monotonic() - start)


def papermill(tmp):
    "papermill from a folder outside of the checkout: help for every notebook, a table, and one error for a wrong value."
    import papermill

    paths = [p for f in ("paper", "experiments") for p in sorted((ROOT / "nbs" / f).glob("*.ipynb"))]
    poor = [f"{p.name}: {n}" for p in paths for n, v in papermill.inspect_notebook(str(p)).items() if not v["help"] or v["inferred_type_name"] == "None"]
    report("papermill --help-notebook tells type and meaning of every parameter", ", ".join(poor))
    folder = tmp / "elsewhere"
    folder.mkdir()
    command = [BIN / "papermill", ROOT / "nbs/paper/table3_losses.ipynb", "out.ipynb", "-k", "python3", "-p", "profile"]
    start = time.monotonic()
    complaint, _ = call(*command, "smoke", cwd=folder)
    report("papermill makes a table from any folder", complaint or ("" if (folder / "out.ipynb").is_file() else "no out.ipynb"), time.monotonic() - start)
    complaint, out = call(*command, "smok", cwd=folder)
    report("papermill stops at a wrong value with one error", "" if complaint and out.count("UserError") == 1 and "Did you mean 'smoke'?" in out.strip().splitlines()[-1] else out)


def notebooks(tmp):
    "Every notebook, two at a time with a thread each, slow cells too; cells marked `data` where the data sets are there."
    cuda = call(sys.executable, "-c", "import torch; print(torch.cuda.is_available())")[1].strip() == "True"
    flags = ["--flags", " ".join(["slow", *(["data"] if os.environ.get("PAT_NB_DATA") else []), *(["cuda"] if cuda else [])])]
    start, env = time.monotonic(), {"OMP_NUM_THREADS": "1"} | ({} if cuda else {"TRITON_INTERPRET": "1"})  # before any notebook of the same process imports Triton
    complaint, out = call(BIN / "nbdev-test", "nbs", "--n-workers", "2", "--timing", *flags, cwd=ROOT, env=os.environ | env)
    broken = set(re.findall(r"^\t(\S+\.ipynb)$", out, flags=re.M))
    every = sorted(p for p in (ROOT / "nbs").rglob("*.ipynb") if ".ipynb_checkpoints" not in p.parts)
    if complaint and not broken:
        report("nbdev-test", complaint)
        return
    for path in every:
        report(f"{path.relative_to(ROOT)}", "its cells failed, see below" if path.name in broken else "")
    if broken:
        print(complaint)
    slowest = ", ".join(re.findall(r"^(\S+\.ipynb: \d+ secs)", out, flags=re.M)[:4])
    print(f"     {len(every)} notebooks in {time.monotonic() - start:.0f} s; the slowest: {slowest}")
    if not os.environ.get("PAT_NB_DATA"):
        for path in every:
            cells = [c for c in json.loads(path.read_text())["cells"] if "".join(c["source"]).startswith("#| data")]
            skipped.extend(f"{path.name} (needs PAT_NB_DATA)" for _ in cells)
        print(f"     {len(skipped)} cells skipped: PAT_NB_DATA is not set")


def wheel(tmp):
    "The wheel, built and installed in an environment of its own, holds every module, and each can be imported outside of the tree."
    source = tmp / "source"
    source.mkdir()
    for item in ("pat_nb", "pyproject.toml", "README.md", "LICENSE"):
        (shutil.copytree if (ROOT / item).is_dir() else shutil.copy)(ROOT / item, source / item)
    complaint, _ = call(sys.executable, "-m", "pip", "wheel", "--quiet", "--no-deps", "--no-build-isolation", "-w", tmp / "dist", source)
    report("the wheel builds", complaint)
    if complaint:
        return
    env, clean = tmp / "env", {k: v for k, v in os.environ.items() if not k.startswith("PAT_NB_")}
    call(sys.executable, "-m", "venv", "--without-pip", env)
    site = next((env / "lib").glob("python*")) / "site-packages"
    complaint, _ = call(sys.executable, "-m", "pip", "--python", env / "bin/python", "install", "--quiet", "--no-deps", *(tmp / "dist").glob("*.whl"))
    (site / "rest.pth").write_text("\n".join(p for p in sys.path if p.endswith("site-packages")) + "\n")  # the dependencies, but not the editable package
    report("the wheel installs", complaint)
    modules = sorted(".".join(p.relative_to(ROOT).with_suffix("").parts) for p in (ROOT / "pat_nb").rglob("*.py") if p.name not in ("__init__.py", "_modidx.py"))
    code = "import importlib, sys; m = importlib.import_module(sys.argv[1]); assert m.__file__.startswith(sys.argv[2]), m.__file__"
    for module in modules:
        report(f"import {module} from the wheel", call(env / "bin/python", "-c", code, module, env, cwd=tmp, env=clean)[0])
    complaint, out = call(env / "bin/pat-nb", "settings", cwd=tmp, env=clean)
    report("pat-nb settings without a checkout", complaint or ("" if "built-in" in out and str(tmp / "runs") in out else out))


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="only the checks that execute no notebook")
    quick = parser.parse_args().quick
    for key in [k for k in os.environ if k.startswith("PAT_NB_") and k != "PAT_NB_DATA"]:
        del os.environ[key]
    with tempfile.TemporaryDirectory() as tmp:
        tmp = Path(tmp).resolve()
        no_op(tmp)
        static()
        if not quick:
            wheel(tmp)
            os.environ |= dict(PAT_NB_RUNS=str(tmp / "runs"), PAT_NB_FIGURES=str(tmp / "figures"))
            readme()
            end_to_end(tmp)
            damage(tmp)
            kept(tmp)
            papermill(tmp)
            notebooks(tmp)
    print(f"{len(passed)} passed, {len(failed)} failed" + (f", {len(skipped)} skipped" if skipped else ""))
    return bool(failed)


if __name__ == "__main__":
    sys.exit(main())
