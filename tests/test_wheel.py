"""The wheel: it builds, holds every module, and works beside torch and numpy alone."""

import json
import re
import shutil
import subprocess
import sys
import venv
from importlib import metadata
from pathlib import Path

import pytest
from notebooks import ROOT

from pat_nb.names import LOSS_TABLE

pytestmark = pytest.mark.slow

MODULES = sorted(
    ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__")
    for path in (ROOT / "pat_nb").rglob("*.py")
    if path.name != "_modidx.py"
)
HEAVY = ["torchvision", "pandas", "matplotlib", "tqdm", "psutil", "papermill"]  # packages of the extras
NEEDS_TRAIN = ["import pat_nb.training", "from pat_nb.training import fit", "import pat_nb.experiments.run"]
IMPORT_ALL = """
import importlib, json, sys
found = {}
for name in sys.argv[2:]:
    try:
        found[name] = importlib.import_module(name).__file__
    except Exception as e:
        found[name] = f"{type(e).__name__}: {e}"
print(json.dumps(found))
"""
USE_LIGHT = """
import json, sys, torch
from importlib.util import find_spec
packages = [name for name in json.loads(sys.argv[1]) if find_spec(name)]
errors = {}
for statement in json.loads(sys.argv[2]):
    try:
        exec(statement)
        errors[statement] = "no error"
    except Exception as e:
        errors[statement] = f"{type(e).__name__}: {e}"

from pat_nb.losses import PATLoss
from pat_nb.losses.registry import LOSSES, make_loss
from pat_nb.names import LOSS_TABLE
assert LOSSES["pat"] is PATLoss
found = {}
for loss in LOSS_TABLE:
    logits, target = torch.randn(2, 5, 6, 7, requires_grad=True), torch.randint(0, 5, (2, 6, 7))
    target[0, 0, 0] = 255
    try:
        counts = torch.arange(5) * 100 + 1 if loss.needs_counts else None
        image_pixels = counts * 9 if loss.needs_image_pixels else None
        make_loss(loss.name, 5, counts=counts, image_pixels=image_pixels)(logits, target).backward()
        assert logits.grad.isfinite().all() and logits.grad.abs().sum() > 0
        found[loss.name] = ""
    except Exception as e:
        found[loss.name] = f"{type(e).__name__}: {e}"
from pat_nb.metrics import ConfusionMatrix
matrix, target = ConfusionMatrix(3), torch.tensor([[[0, 1], [2, 255]]])
matrix.update(torch.nn.functional.one_hot(target % 3, 3).permute(0, 3, 1, 2).float(), target)
miou = matrix.compute()["miou"]
print(json.dumps(dict(packages=packages, errors=errors, losses=found, miou=miou)))
"""


def make_environment(folder: Path, wheel: Path) -> Path:
    "A virtual environment without pip that holds the wheel; returns its site-packages."
    venv.create(folder, with_pip=False, symlinks=True)
    pip = [sys.executable, "-m", "pip", "--python", str(folder / "bin" / "python"), "install", "--quiet", "--no-deps"]
    subprocess.run([*pip, str(wheel)], check=True)
    return next((folder / "lib").glob("python*")) / "site-packages"


def requirements(*names: str) -> set[str]:
    "The installed distributions that some distributions need, themselves included, extras excepted."
    found: set[str] = set()
    waiting = list(names)
    while waiting:
        name = re.sub(r"[-_.]+", "-", waiting.pop()).lower()
        try:
            needs = metadata.requires(name) or []
        except metadata.PackageNotFoundError:
            continue  # for another platform
        if name not in found:
            found.add(name)
            waiting += [re.match(r"[\w.-]+", need)[0] for need in needs if "extra ==" not in need]
    return found


def link_distribution(name: str, site: Path) -> None:
    "Make an installed distribution visible in another site-packages."
    distribution = metadata.distribution(name)
    folder = Path(str(distribution.locate_file("")))
    for top in {file.parts[0] for file in distribution.files or ()}:
        if top not in ("..", "__pycache__") and not top.endswith(".pth") and not (site / top).exists():
            (site / top).symlink_to(folder / top)


@pytest.fixture(scope="module")
def wheel(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("wheel")
    source = folder / "source"
    shutil.copytree(ROOT / "pat_nb", source / "pat_nb", ignore=shutil.ignore_patterns("__pycache__"))
    for file in ("pyproject.toml", "README.md", "LICENSE", "settings.ini", "setup.py", "MANIFEST.in"):
        if (ROOT / file).is_file():
            shutil.copy(ROOT / file, source)
    options = ["--quiet", "--no-deps", "--no-build-isolation", "-w", str(folder / "dist")]
    subprocess.run([sys.executable, "-m", "pip", "wheel", *options, str(source)], check=True)
    (built,) = (folder / "dist").glob("*.whl")
    return built


@pytest.fixture(scope="module")
def full(wheel, tmp_path_factory) -> Path:
    "An environment with the wheel and all dependencies, without the checkout."
    folder = tmp_path_factory.mktemp("full").resolve() / "env"
    site = make_environment(folder, wheel)
    (site / "rest.pth").write_text("\n".join(p for p in sys.path if p.endswith("site-packages")) + "\n")
    return folder


@pytest.fixture(scope="module")
def light(wheel, tmp_path_factory) -> Path:
    "An environment with the wheel, torch, numpy, and what these two need."
    folder = tmp_path_factory.mktemp("light").resolve() / "env"
    site = make_environment(folder, wheel)
    for name in requirements("torch", "numpy"):
        link_distribution(name, site)
    return folder


@pytest.fixture
def outside(clean_environment) -> dict[str, str]:
    "The environment of a user without a checkout."
    return {k: v for k, v in clean_environment.items() if k not in ("PYTHONPATH", "PAT_NB_DATA")}


@pytest.fixture(scope="module")
def imported(full, tmp_path_factory, clean_environment, run_command) -> dict[str, str]:
    "module -> the file it was imported from, or the error."
    env = {k: v for k, v in clean_environment.items() if k != "PYTHONPATH"}
    folder = tmp_path_factory.mktemp("elsewhere")
    finished = run_command(full / "bin" / "python", "-c", IMPORT_ALL, "-", *MODULES, cwd=folder, env=env)
    return json.loads(finished.out.splitlines()[-1])


@pytest.mark.parametrize("module", MODULES)
def test_module_is_in_the_wheel(module, imported, full):
    needs_library = module in (
        "pat_nb.integrations.lightning",
        "pat_nb.integrations.mmseg",
        "pat_nb.integrations.nnunet",
    )
    expected = (str(full), "MissingExtraError: this needs the extra 'integrations'") if needs_library else str(full)
    assert imported[module].startswith(expected)


def test_settings_without_a_checkout(full, tmp_path, outside, run_command):
    out = run_command(full / "bin" / "pat-nb", "settings", cwd=tmp_path, env=outside).out
    assert "built-in" in out
    assert str(tmp_path / "runs") in out


@pytest.fixture(scope="module")
def light_use(light, tmp_path_factory, clean_environment, run_command) -> dict:
    "What a program finds in the light environment: packages, errors of imports, errors of losses, a metric."
    env = {k: v for k, v in clean_environment.items() if k != "PYTHONPATH"}
    words = [light / "bin" / "python", "-W", "ignore", "-c", USE_LIGHT, json.dumps(HEAVY), json.dumps(NEEDS_TRAIN)]
    finished = run_command(*words, cwd=tmp_path_factory.mktemp("elsewhere"), env=env)
    return json.loads(finished.out.splitlines()[-1])


def test_light_environment_is_light(light_use):
    assert light_use["packages"] == []


@pytest.mark.parametrize("name", [loss.name for loss in LOSS_TABLE])
def test_loss_beside_torch_and_numpy(name, light_use):
    assert light_use["losses"][name] == ""


def test_metrics_beside_torch_and_numpy(light_use):
    assert light_use["miou"] == 1


@pytest.mark.parametrize("statement", NEEDS_TRAIN)
def test_missing_extra_is_named(statement, light_use):
    assert light_use["errors"][statement].startswith("MissingExtraError: ")
    assert "pat_nb[train]" in light_use["errors"][statement]


@pytest.mark.parametrize("words", ["train --loss ce --steps 2", "paper"])
def test_command_names_missing_extra(words, light, tmp_path, outside, run_command):
    finished = run_command(light / "bin" / "pat-nb", *words.split(), cwd=tmp_path, env=outside, status=2)
    assert len(finished.err.strip().splitlines()) == 1
    assert "pat_nb[" in finished.err or "checkout" in finished.err
