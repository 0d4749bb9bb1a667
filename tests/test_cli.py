"""The command line: exit statuses, and one line for every mistake."""

import os
import re

import pytest

from pat_nb.cli import main

MISTAKES = [  # command, what its message says
    ("paper --profile smok", "'smoke'"),
    ("paper --losses ce,patt", "'pat'"),
    ("paper --datasets camvit", "'camvid'"),
    ("paper --stepz 3", "--steps"),
    ("paper --steps many", "steps"),
    ("paper --only tabel3", "'table3'"),
    ("paper --device cpu --devices 0", "devices=all"),
    ("papr", "paper"),
    ("train --model unett", "'unet'"),
    ("train --dataset camvit", "'camvid'"),
    ("train --loss patt", "'pat'"),
    ("train --loss torch.nn:NoSuchLoss", "NoSuchLoss"),
    ("train --loss no_such_module:Loss", "no_such_module"),
    ("train --loss torch.nn:CrossEntropyLoss --loss-param Temp=3", "'Temp'"),
    ("train --loss-param Temp=3", "T, mask_power"),
    ("train --loss-param T", "T=5"),
    ("train --loss-param T=hot", "must be a number"),
    ("train-run camvid-unet-pat-s0-0", "--list-json"),
    ("results", "no result"),
    ("predict no-run README.md --out out --window 64", "--resolution image"),
    ("predict no-run no-image.png --out out", "no image"),
    ("predict no-run README.md --out out", "no run or file"),
    ("export no-run --out model.onnx", "no run or file"),
    ("export no-run --out model.onnx --image-size big", "HEIGHTxWIDTH"),
    ("bench loses", "'losses'"),
    ("bench losses --shapes petz", "'pets'"),
    ("bench losses --repeats 0", "at least 1"),
    ("bench training --seconds 0", "must be positive"),
    ("data verify camvit", "'camvid'"),
    ("data verify", "no data set"),
    ("data verfy", "verify"),
]
COMMANDS = ("paper", "train", "train-run", "predict", "export", "bench", "data", "results", "settings")


@pytest.fixture
def command(tmp_path, monkeypatch, capsys):
    "`command(line, **variables)` in this process: (status, stdout, stderr). Runs, figures and data are in `tmp_path`."
    for name in [name for name in os.environ if name.startswith("PAT_NB_")]:
        monkeypatch.delenv(name)
    for name in ("runs", "figures", "data"):
        monkeypatch.setenv(f"PAT_NB_{name.upper()}", str(tmp_path / name))

    def call(line, **variables):
        for name, value in variables.items():
            monkeypatch.setenv(name, value)
        try:
            status = main(line.split())
        except SystemExit as e:
            status = e.code
        return status, *capsys.readouterr()

    return call


@pytest.mark.parametrize(("line", "hint"), MISTAKES, ids=[line for line, _ in MISTAKES])
def test_mistake(line, hint, command, tmp_path):
    status, out, err = command(line)
    assert status == 2
    assert hint in err
    assert err.startswith("pat-nb: ")
    assert len(err.strip().splitlines()) == 1
    assert not out
    assert not list(tmp_path.glob("runs/*-*")), "a mistake is found before a run has a folder"


@pytest.mark.parametrize("line", ["paper --datasets camvid", "data prepare camvid"])
def test_missing_dataset(line, command, tmp_path):
    status, out, err = command(line)
    assert status == 2
    assert not out
    assert str(tmp_path / "data") in err
    assert "Get it" in err
    assert not list(tmp_path.iterdir())


def test_list_of_datasets(command):
    status, out, _ = command("data list")
    assert status == 0
    assert re.search(r"nyuv2 .*not found", out)


def test_settings_and_their_sources(command):
    status, out, _ = command("settings --steps 5", PAT_NB_LR="0.5")
    assert status == 0
    assert re.search(r"^steps +5 +given$", out, flags=re.M)
    assert re.search(r"^lr +0\.5 .*PAT_NB_LR", out, flags=re.M)


@pytest.mark.parametrize("name", COMMANDS)
def test_help(name, command):
    status, out, _ = command(f"{name} --help")
    assert status == 0
    assert out.startswith(f"usage: pat-nb {name}")


def test_exit_status_of_the_program(run_command, environment):
    finished = run_command("pat-nb", "settings", "--profile", "smok", env=environment, status=2)
    assert finished.err.count("\n") == 1
    assert run_command("pat-nb", "settings", env=environment).err == ""
    finished = run_command("python", "-m", "pat_nb.cli", "settings", env=environment)
    assert environment["PAT_NB_RUNS"] in finished.out


@pytest.mark.slow
def test_training_and_its_results(command, tmp_path):
    small = "--steps 6 --size 32x64 --batch-size 2 --width 4 --depth 2 --eval-every 3"
    status, out, _ = command(f"train --loss focal --loss-param gamma=1 {small}")
    assert status == 0
    assert "test  mIoU" in out
    assert list(tmp_path.glob("runs/*/result.json"))
    status, out, _ = command("results")
    assert status == 0
    assert "gamma=1" in out


@pytest.mark.slow
def test_loss_of_another_library(command, tmp_path):
    pytest.importorskip("segmentation_models_pytorch")
    loss = "segmentation_models_pytorch.losses"
    small = "--steps 2 --size 32x64 --batch-size 2 --width 4 --depth 2 --eval-every 2"
    status, out, err = command(f"train --loss {loss}:LovaszLoss --loss-param mode=multiclass {small}")
    assert status == 0, err
    assert "test  mIoU" in out
    assert list(
        tmp_path.glob("runs/synthetic_street-unet-segmentation_models_pytorch_losses_LovaszLoss-s0-*/result.json")
    )
    status, out, _ = command("results")
    assert status == 0
    assert "mode=multiclass" in out


@pytest.mark.slow
def test_grid_with_a_loss_of_another_library(command):
    pytest.importorskip("segmentation_models_pytorch")
    from pat_nb.experiments.grids import paper_grid
    from pat_nb.experiments.pool import run_grid
    from pat_nb.report import compare_runs, readable
    from pat_nb.settings import load_settings

    options = dict(
        profile="smoke", datasets="synthetic_street", steps="2", eval_every="2", size="32x64", batch_size="2"
    )
    losses = "ce,segmentation_models_pytorch.losses:DiceLoss"
    settings = load_settings(**options, width="4", depth="2", jobs="1", seeds="0", models="unet", losses=losses)
    specs = paper_grid("table3", settings)
    assert not any(run_grid(specs, settings, progress=False).values())
    assert list(readable(compare_runs(specs, settings), ("dataset", "loss")).iloc[:, 1]) == ["CE", "DiceLoss"]
