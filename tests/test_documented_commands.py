"""Every command of README, the documentation and the tutorials can be typed as it stands; the quick ones run."""

import os
import re
import shlex
from contextlib import redirect_stdout
from io import StringIO

import numpy as np
import pytest
from documented_commands import check, commands, documented
from notebooks import ROOT
from PIL import Image

from pat_nb.cli import main

DOCUMENTED = documented()
WEIGHTS, IMAGE = "data/weights/streets_pat.safetensors", "data/weights/street.png"
FILES = {"RUN": WEIGHTS, "best.safetensors": WEIGHTS, "photos/": "data/weights"}
FILES |= dict.fromkeys(("IMAGES...", "IMAGE.png", "IMAGE"), IMAGE) | {"NETWORK": WEIGHTS, "DIR": "predictions"}
SMALL = {"--steps": "2", "--eval-every": "2", "--size": "16x32", "--batch-size": "2", "--threads": "1"}
QUICK = ("train", "predict", "export", "results", "settings", "list")


@pytest.mark.parametrize(("file", "command"), DOCUMENTED)
def test_command_is_valid(file, command):
    check(command)


def test_commands_are_found():
    files = {file for file, _ in DOCUMENTED}
    assert files >= {"README.md", "docs/start.md", "docs/settings.md", "nbs/tutorials/your_dataset.ipynb"}
    text = "```sh\nmake paper  # all\npat-nb train \\\n --seed 1\n```\n"
    text += "`pat-nb data list` `x`, `pat-nb train` in text\n\n    make help\n"
    assert [" ".join(c.split()) for c in commands(text)] == [
        *("make paper", "pat-nb train --seed 1", "pat-nb data list", "pat-nb train --help", "make help")
    ]


@pytest.mark.parametrize(
    "command",
    [
        *("pat-nb train --stepz 3", "pat-nb paper --profile smok", "pat-nb predikt RUN", "pat-nb predict RUN IMAGE"),
        *("make papers", 'make paper ARGS="--stepz 3"', "make paper STEPZ=3", "torchrun -m pat_nb.cli train --stepz 3"),
        *("pip install '.[everything]'", "pip install -r none.txt", "python tests/none.py", "cat README.md"),
        "papermill nbs/experiments/train.ipynb out.ipynb -p stepz 3",
    ],
)
def test_mistake_is_found(command):
    with pytest.raises(AssertionError):
        check(command)


def quick_commands() -> list[list[str]]:
    "The words of commands that a small network and a small image make quick, each once. Training comes first."
    lines = {command for _, command in DOCUMENTED if re.match(rf"pat-nb (data )?({'|'.join(QUICK)}) ", command)}
    lines |= {"pat-nb data list", "pat-nb results", "pat-nb settings"}
    ready = [line for line in lines if not re.search(r"camvid|folder|--help|model segnet|--steps 400", line)]
    unique = {tuple(FILES.get(word, word) for word in shlex.split(line)[1:]) for line in ready}
    return sorted(map(list, unique), key=lambda words: (words[0] != "train", words))


def test_quick_commands_run(tmp_path, monkeypatch):
    "With the shipped network for RUN, and `pat-nb train` at a small scale."
    for name in [name for name in os.environ if name.startswith("PAT_NB_")]:
        monkeypatch.delenv(name)
    for name in ("runs", "figures", "data"):
        monkeypatch.setenv(f"PAT_NB_{name.upper()}", str(tmp_path / name))
    monkeypatch.setenv("PAT_NB_SETTINGS", str(ROOT / "settings.ini"))
    monkeypatch.chdir(tmp_path)
    (tmp_path / "data").symlink_to(ROOT / "data")
    small = [word for option in SMALL.items() for word in option]
    for words in quick_commands():
        with redirect_stdout(StringIO()) as out:
            assert main([*words, *(small if words[0] == "train" else [])]) == 0, words
        assert out.getvalue(), words
    assert (tmp_path / "predictions" / "street_overlay.png").is_file()
    assert (tmp_path / "model.onnx").is_file()


LONG = sorted(
    {
        command
        for file, command in DOCUMENTED
        if (file == "README.md" or "tutorials" in file)
        and re.match(r"pat-nb (paper|data verify) (?!.*-results)", command)
    }
)
TINY = ["--size=16x32", "--steps=2", "--eval-every=2", "--batch-size=2", "--width=4", "--depth=2"]


def write_image_folder(folder):
    "Ten images with masks of two classes."
    generator = np.random.default_rng(0)
    for name, channels in (("images", (3,)), ("masks", ())):
        (folder / name).mkdir(parents=True)
        for k in range(10):
            pixels = generator.integers(0, 2, (16, 32, *channels), np.uint8)
            Image.fromarray(pixels).save(folder / name / f"{k}.png")
    (folder / "classes.txt").write_text("ground\nleaf\n")


@pytest.mark.slow
@pytest.mark.parametrize("command", LONG)
def test_long_command_runs(command, tmp_path, run_command, environment):
    "Commands of README and the tutorials that train or need data: tiny with data, else as a dry run."
    words = shlex.split(command)
    on_camvid, trains = "camvid" in words, words[1] == "paper"
    if on_camvid and not environment.get("PAT_NB_DATA"):
        pytest.skip("needs PAT_NB_DATA")
    if "folder" in words:
        write_image_folder(tmp_path / "folder")
        environment["PAT_NB_DATA"] = str(tmp_path)
    if trains:
        words += [*TINY, "--only=table3"] if on_camvid else ["--dry-run"]
    finished = run_command(*words, env=environment, status=None)
    missing_data = "was not found in" in finished.err and not on_camvid and "--profile" in words
    assert finished.status == (2 if missing_data else 0), finished.text
    if trains and on_camvid:
        assert len(list(tmp_path.glob("runs/camvid-*/result.json"))) == 3
        assert list(tmp_path.glob("figures/*/table3_losses.csv"))
