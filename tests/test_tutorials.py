"""The tutorials run from the notebook alone, with fewer steps, in an empty folder."""

import os

import nbformat
import pytest
from colab import REPOSITORY, with_address
from nbclient import NotebookClient
from notebooks import NBS, notebooks

TUTORIALS = notebooks("tutorials")
SHORTER = [
    ("STEPS = 60", "STEPS = 3"),
    ("STEPS = 120", "STEPS = 4"),
    ("STEPS = 300", "STEPS = 4"),
    ("size=(48, 96), steps", "precision='fp32', size=(16, 32), steps"),
    ("size=(96, 128), steps", "precision='fp32', size=(32, 48), steps"),
    ("torch.set_num_threads(2)", "torch.set_num_threads(1)"),
]

every_tutorial = pytest.mark.parametrize("notebook", TUTORIALS, ids=lambda n: n.path.stem)


@every_tutorial
def test_has_outputs_for_readers(notebook):
    outputs = [output for cell in notebook.code_cells for output in cell["outputs"]]
    assert any("image/png" in output.get("data", {}) for output in outputs), "run `make render`"
    assert not [output for output in outputs if output["output_type"] == "error"]


@every_tutorial
def test_is_ready_for_colab(notebook):
    "The first code cell acts on Colab only, and does not touch PyTorch. The notebook asks for a GPU."
    assert notebook.code[0].startswith('import sys\n\nif "google.colab" in sys.modules:')
    assert "torch" not in notebook.code[0]
    metadata = nbformat.read(notebook.path, as_version=4).metadata
    assert metadata["accelerator"] == "GPU"
    assert metadata["colab"]["gpuType"] == "T4"


@every_tutorial
def test_has_the_address_of_the_repository(notebook):
    text = notebook.path.read_text(encoding="utf-8")
    assert with_address(text, notebook.path.name, REPOSITORY) == text, "run `python tests/colab.py --write`"
    assert "[![Open in Colab](https://colab.research.google.com/" in text
    with_badge = with_address(text, notebook.path.name, "owner/name")
    assert f"/github/owner/name/blob/main/nbs/tutorials/{notebook.path.name})" in with_badge
    assert 'repository = \\"owner/name\\"' in with_badge
    assert with_address(with_badge, notebook.path.name, "owner/name") == with_badge
    assert with_address(with_badge, notebook.path.name, REPOSITORY) == text


def test_stored_outputs_are_small():
    assert sum(notebook.path.stat().st_size for notebook in TUTORIALS) < 1.5e6


@pytest.mark.slow
@every_tutorial
def test_runs(notebook, tmp_path, clean_environment, monkeypatch):
    text = nbformat.read(notebook.path, as_version=4)
    shortened = 0
    for cell in text.cells:
        for long, short in SHORTER:
            shortened += long in cell.source
            cell.source = cell.source.replace(long, short)
    assert shortened, f"no line to shorten in {notebook.path.relative_to(NBS)}"
    for name in [name for name in os.environ if name.startswith("PAT_NB_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("PYTHONPATH", clean_environment["PYTHONPATH"])
    client = NotebookClient(text, timeout=300, kernel_name="python3", resources={"metadata": {"path": str(tmp_path)}})
    client.execute()
    printed = [cell for cell in text.cells if cell.cell_type == "code" and cell.outputs]
    assert len(printed) >= 4
