"""The trained networks in data/weights load, and reach the scores that their README states."""

import re

import pytest
import torch
from notebooks import ROOT
from torch.utils.data import DataLoader

from pat_nb.data import make_dataset
from pat_nb.experiments import load_run
from pat_nb.metrics import ConfusionMatrix
from pat_nb.training import evaluate

WEIGHTS = ROOT / "data" / "weights"
ROWS = re.findall(
    r"^\| `(\w+\.safetensors)` \| .* \| ([\d.]+) \| [\d.]+ \| ([\d.]+) \|$", (WEIGHTS / "README.md").read_text(), re.M
)


def test_every_file_is_described():
    assert sorted(name for name, *_ in ROWS) == sorted(file.name for file in WEIGHTS.glob("*.safetensors"))
    assert sum(file.stat().st_size for file in WEIGHTS.iterdir()) < 2e6


@pytest.fixture(scope="module")
def street_batches():
    "The test images, drawn once."
    return list(DataLoader(make_dataset("synthetic_street", "test", size=(48, 96)), 32))


@pytest.mark.parametrize(("name", "miou", "accuracy"), ROWS)
def test_stated_scores(name, miou, accuracy, street_batches):
    torch.set_num_threads(1)
    model = load_run(WEIGHTS / name, device="cpu")
    test = make_dataset("synthetic_street", "test", size=(48, 96))
    assert model.info.class_names == tuple(test.class_names)
    assert model.info.palette == tuple(map(tuple, test.palette))
    scores = evaluate(model, street_batches, [ConfusionMatrix(test.num_classes)], device="cpu")
    assert 100 * scores["miou"] == pytest.approx(float(miou), abs=0.1)
    assert 100 * scores["pixel_acc"] == pytest.approx(float(accuracy), abs=0.1)
