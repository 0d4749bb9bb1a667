"""Mistakes that gave wrong numbers without a message: each test is one such mistake."""

import os

import numpy as np
import pytest
from notebooks import ROOT
from PIL import Image

from pat_nb.cli import main
from pat_nb.experiments.grids import paper_grid
from pat_nb.experiments.results import load_results
from pat_nb.settings import load_settings

TINY = "--steps=4 --size=32x32 --batch-size=2 --width=4 --depth=1 --eval-every=4 --threads=1"


def write_folder(root, value: int, files: int) -> None:
    "A data set `folder` below `root`, with `files` images per split."
    for split in ("train", "val", "test"):
        for k in range(files):
            for kind, shape in (("images", (32, 32, 3)), ("masks", (32, 32))):
                path = root / "folder" / kind / split / f"{k}.png"
                path.parent.mkdir(parents=True, exist_ok=True)
                Image.fromarray(np.full(shape, value, np.uint8)).save(path)
    (root / "folder" / "classes.txt").write_text("a\nb\n")


def test_result_of_other_data_is_refused(command, tmp_path):
    "A finished run of folder A is not the answer for folder B."
    write_folder(tmp_path / "a", 0, files=4)
    write_folder(tmp_path / "b", 1, files=5)
    line = f"train --dataset folder --loss ce {TINY}"
    assert command(line, PAT_NB_DATA=str(tmp_path / "a"))[0] == 0
    status, out, err = command(line, PAT_NB_DATA=str(tmp_path / "b"))
    assert status == 2
    assert "mIoU" not in out
    assert len(err.strip().splitlines()) == 1
    for hint in ("other data", str(tmp_path / "b"), str(tmp_path / "runs"), "PAT_NB_DATA", "delete"):
        assert hint in err
    assert command(line, PAT_NB_DATA=str(tmp_path / "a"))[0] == 0


@pytest.mark.parametrize(
    "line",
    [
        "train --datasets folder",
        "train --losses ce",
        "results --size 96x128",
        "results --profile compact",
        "bench losses --losses ce",
        "bench losses --seconds 1",
        "bench training --shapes pets",
        "data list --datasets camvid",
        "data list camvid",
        "data verify --profile compact",
    ],
)
def test_unused_setting_is_refused(line, capsys):
    try:
        status = main(line.split())
    except SystemExit as e:
        status = e.code
    out, err = capsys.readouterr()
    assert (status, out) == (2, "")
    assert len(err.strip().splitlines()) == 1
    assert line.split()[-2] in err or line.split()[-1] in err


def test_stored_results_are_used_where_runs_are_missing(tmp_path, clean_environment, monkeypatch):
    "The table of a fresh checkout shows the published numbers, no dashes."
    for name in [name for name in os.environ if name.startswith("PAT_NB_")]:
        monkeypatch.delenv(name)
    settings = load_settings(ROOT, profile="compact", runs=tmp_path)
    specs = paper_grid("table3", settings)
    assert len(load_results(specs, settings)) == len(specs)


def test_partial_selection_keeps_published_tables(tmp_path):
    "The tables of some losses never replace those of the whole profile."
    settings = load_settings(ROOT, profile="compact", figures=tmp_path, datasets="camvid", losses="ce,pat", steps=300)
    assert settings.output == tmp_path / "compact-partial"
