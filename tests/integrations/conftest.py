"""Tests with the real libraries: `pytest -m integrations`. Runs that do not name them leave them out."""

import pytest
import torch
from torch import Tensor

from pat_nb.data.synthetic_street import SyntheticStreet


def pytest_configure(config):
    config.addinivalue_line("markers", "integrations: trains with a library of the extra `integrations`")


def pytest_ignore_collect(collection_path, config):
    "Leave these tests out unless the command names them."
    named = "integrations" in config.option.markexpr or any("integrations" in str(arg) for arg in config.args)
    return None if named else True


@pytest.fixture(scope="session")
def street() -> tuple[Tensor, Tensor]:
    "Synthetic street scenes: images (16, 3, 64, 64) in 0..1, labels (16, 64, 64) in 0..18, void 255."
    scenes = SyntheticStreet("train", size=(64, 64), n=16, keep_void=False)
    images, labels = zip(*(scenes[i] for i in range(len(scenes))), strict=True)
    assert scenes.num_classes == 19
    return torch.stack(images), torch.stack(labels)


@pytest.fixture(autouse=True)
def seed():
    torch.manual_seed(0)


@pytest.fixture
def assert_falls(capsys):
    "`assert_falls(name, before, after)`: print both losses and require a decrease of a tenth."

    def check(name: str, before: float, after: float) -> None:
        with capsys.disabled():
            print(f"\n{name}: loss {before:.3f} before, {after:.3f} after")
        assert after < 0.9 * before

    return check
