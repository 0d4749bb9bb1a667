"""The command line: exit statuses, and one line for every mistake."""

import re
import subprocess
import sys

import pytest
import torch

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
    ("train --loss subprocess:Popen --loss-param args=true", "torch.nn.Module"),
    ("train --loss-param T=nan", "T must be a number"),
    ("train --loss-param T=5 --loss-param T=6", "given twice"),
    ("train --loss-param average_classes=x", "True or False"),
    ("train --loss cb --loss-param beta=x", "beta must be a number"),
    ("train --loss blv --loss-param sigma=nan", "sigma must be a number"),
    ("train --fit-param lr=1", "--lr"),
    ("train --fit-param accumulate=2.5", "whole number"),
    ("train --fit-param weight_decay=inf", "weight_decay"),
    ("train --eval-param window=inf", "window"),
    ("train --eval-param scales=nan", "scales"),
    ("train --eval-param full=x", "full"),
    ("train --model-param width=1000000", "1 to 1024"),
    ("train --width 1024 --depth 7", "at most 16384"),
    ("train --seed -1", "0 to 2147483647"),
    ("train --profile-steps -5", "0 to 100000"),
    ("train --lr 1e300", "lr (given)"),
    ("train --steps 1e9", "whole number"),
    ("train --size 100000x100000", "16 to 8192"),
    ("train --size ²x²", "16 to 8192"),
    ("train --width 1000000", "1 to 1024"),
    ("train --depth 100", "1 to 7"),
    ("train --batch-size 0", "1 to 4096"),
    ("train --precision fp16 --device cpu", "needs a GPU"),
    ("settings --lr nan", "lr (given)"),
    ("settings --device cuda:x", "cuda:1"),
    ("settings --workers 9999", "0 to 256"),
    ("settings --threads 99999999", "1 to 1024"),
    ("settings --runs ~no_such_user/x", "runs (given)"),
    ("train-run camvid-unet-pat-s0-0", "--list-json"),
    ("results", "no result"),
    ("predict no-run README.md --out out --window 64", "--resolution image"),
    ("predict no-run no-image.png --out out", "no image"),
    ("predict no-run README.md --out out", "no run or file"),
    ("export no-run --out model.onnx", "no run or file"),
    ("export no-run --out model.onnx --image-size big", "HEIGHTxWIDTH"),
    ("bench loses", "'losses'"),
    ("bench losses --shapes petz", "'pets'"),
    ("bench losses --shapes ,", "at least one of pets"),
    ("bench training --loss patt", "'pat'"),
    ("bench training --loss os:getcwd", "torch.nn.Module"),
    ("bench training --seconds nan", "a number"),
    ("bench losses --repeats 0", "1 to 10000"),
    ("bench training --seconds 0", "0.01 to 86400"),
    ("data verify camvit", "'camvid'"),
    ("data verify", "no data set"),
    ("data verfy", "verify"),
]
COMMANDS = ("paper", "train", "train-run", "predict", "export", "bench", "data", "results", "settings")


@pytest.mark.parametrize(("line", "hint"), MISTAKES, ids=[line for line, _ in MISTAKES])
def test_mistake(line, hint, command, tmp_path):
    status, out, err = command(line)
    assert status == 2
    assert hint in err
    assert err.startswith("pat-nb: ")
    assert len(err.strip().splitlines()) == 1
    assert not out
    assert not list(tmp_path.glob("runs/*-*")), "a mistake is found before a run has a folder"


@pytest.mark.skipif(torch.cuda.is_available(), reason="there is a GPU")
@pytest.mark.parametrize("line", ["train", "bench losses", "bench training", "paper --dry-run"])
def test_missing_gpu(line, command, tmp_path):
    status, out, err = command(f"{line} --device cuda")
    assert status == 2
    assert "device=cpu or auto" in err
    assert len(err.strip().splitlines()) == 1
    assert not out
    assert not list(tmp_path.rglob("*.*"))


def test_closed_pipe(environment):
    "As `pat-nb settings | head -1`, with a reader that closes at once."
    command = f"{sys.executable} -c 'from pat_nb.cli import main; main([\"settings\"])' | true"
    done = subprocess.run(["bash", "-o", "pipefail", "-c", command], env=environment, capture_output=True, text=True)
    assert done.stderr == ""


def test_damaged_result_is_made_again(command, tmp_path):
    "A damaged result is named, and the run is trained again."
    small = "--steps 1 --size 16x16 --batch-size 2 --width 2 --depth 1 --eval-every 1 --threads 1"
    status, out, _ = command(f"train --loss ce {small}")
    assert status == 0
    (file,) = tmp_path.glob("runs/*/result.json")
    file.write_text('{"schema": 1, "metrics": ')
    status, again, err = command(f"train --loss ce {small}")
    assert status == 0
    assert f"{file}: this is not valid JSON" in err
    assert [line for line in again.splitlines() if "mIoU" in line] == [s for s in out.splitlines() if "mIoU" in s]
    file.unlink()
    (file.parent / "last.pt").write_bytes(b"")
    status, _, err = command(f"train --loss ce {small}")
    assert status == 2
    assert f"cannot resume from {file.parent / 'last.pt'}" in err.splitlines()[-1]


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
    small = "--steps 6 --size 32x64 --batch-size 2 --width 4 --depth 2 --eval-every 3 --threads 1"
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
    small = "--steps 2 --size 32x64 --batch-size 2 --width 4 --depth 2 --eval-every 2 --threads 1"
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
