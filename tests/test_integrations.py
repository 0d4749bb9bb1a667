"""Integrations without their libraries: one line that names the extra, or no need for the library at all."""

import importlib
import sys

import pytest

from pat_nb.utils import MissingExtraError


def import_without(module: str, library: str, monkeypatch):
    "Import an integration where its library is not installed."
    monkeypatch.setitem(sys.modules, library, None)
    monkeypatch.delitem(sys.modules, f"pat_nb.integrations.{module}", raising=False)
    return importlib.import_module(f"pat_nb.integrations.{module}")


@pytest.mark.parametrize(
    ("module", "library"), [("mmseg", "mmseg"), ("nnunet", "nnunetv2"), ("lightning", "lightning")]
)
def test_missing_library(module, library, monkeypatch):
    with pytest.raises(MissingExtraError) as error:
        import_without(module, library, monkeypatch)
    assert "\n" not in str(error.value)
    assert library in str(error.value)
    assert "pip install 'pat_nb[integrations]'" in str(error.value)


@pytest.mark.parametrize(("module", "name"), [("monai", "MonaiLoss"), ("transformers", "TrainerLoss")])
def test_library_not_needed(module, name, monkeypatch):
    assert hasattr(import_without(module, module, monkeypatch), name)
