"""The documentation site builds offline, without a warning, and shows parameters and results."""

import json
import os
import re
import shutil
import sys
from pathlib import Path

import pytest
from notebooks import ROOT

from pat_nb.experiments.results import StoredResults

sys.path.insert(0, str(ROOT / "docs" / "_ext"))

import explorer

STORED = sorted((ROOT / "data" / "results").glob("*/*.json"))


def test_explorer_holds_every_stored_result(tmp_path):
    explorer.write_page(ROOT / "data" / "results", tmp_path / "explorer.html")
    page = (tmp_path / "explorer.html").read_text(encoding="utf-8")
    data = json.loads(re.search(r"const DATA = (.*);\n", page)[1])
    profiles = [StoredResults(folder) for folder in (ROOT / "data" / "results").iterdir()]
    assert {run["id"] for run in data["runs"]} == {run_id for stored in profiles for run_id in stored.run_ids()}
    assert {run["profile"] for run in data["runs"]} == {"compact", "frozen", "finetuned"}
    result = json.loads(STORED[0].read_text(encoding="utf-8"))
    (run,) = [run for run in data["runs"] if run["id"] == STORED[0].stem]
    assert run["miou"] == round(100 * result["metrics"]["test"]["miou"], 2)
    assert len(run["iou"]) == len(data["datasets"][run["dataset"]]["classes"])
    assert not re.search(r"(?:src|href)=[\"']?https?:", page), "the page loads nothing from a server"


def test_parameters_come_from_comments():
    pytest.importorskip("fastcore.docments")
    from docments import parameters, to_rst

    from pat_nb.training import fit

    assert "optimizer steps" in parameters(fit)["steps"]
    assert to_rst("**given of a_ and `x_`") == r"\*\*given of a\_ and `x_`"


@pytest.mark.slow
def test_site_builds(tmp_path, run_command, clean_environment):
    "As `make docs` does, in a copy."
    for name in ("docs", "data/results", "figures", "nbs", "pat_nb"):
        shutil.copytree(
            ROOT / name, tmp_path / name, ignore=shutil.ignore_patterns("_build", "_generated", "__pycache__", "*.onnx")
        )
    for name in ("settings.ini", "data/README.md"):
        shutil.copy(ROOT / name, tmp_path / name)
    environment = clean_environment | {"PYTHONPATH": str(tmp_path)}
    options = ["-q", "-W", "--keep-going", "-j", str(os.cpu_count() or 1), "-b", "html"]
    run_command("sphinx-build", *options, tmp_path / "docs", tmp_path / "html", env=environment)
    loss = read(tmp_path / "html" / "_generated" / "api" / "losses.html")
    assert "mask_power" in loss
    assert "<math" in read(tmp_path / "html" / "losses.html")
    assert (tmp_path / "html" / "explorer.html").is_file()
    assert "cdn" not in "".join(re.findall(r"<(?:script|link)[^>]*>", read(tmp_path / "html" / "losses.html")))


def read(file: Path) -> str:
    return file.read_text(encoding="utf-8")
