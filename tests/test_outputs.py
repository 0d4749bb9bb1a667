"""Stored outputs of the notebooks: what they may hold, the comparison with executed ones, and the Git filter."""

import asyncio
import base64
import copy
import io
import json
import re
import shlex
import shutil
import subprocess
import sys

import pytest
import torch
from notebook_filter import clean
from notebooks import ROOT, notebooks, source_of
from outputs import NEVER_STORED, difference, differences, is_compared, look_same, normalized
from PIL import Image, ImageDraw
from render import EXECUTED, PROFILES, read, write

EVERY = notebooks(".", "paper", "experiments", "tutorials")
MAX_BYTES = 6_000_000  # of all outputs
# Paths of a machine, addresses, and traces of a run by hand. The paths that examples print are relative or in /tmp.
TRACES = re.compile(r"(?<![\w.~/])/(?:root|home/(?!user\b)\w+|work|mnt|Users/\w+)/|\b0x[0-9a-f]{8,}|\x1b\[|it/s\]")

every_notebook = pytest.mark.parametrize("notebook", EVERY, ids=lambda n: n.name)


def texts(cell: dict) -> str:
    return json.dumps([o.get("text") or {**o["data"], "image/png": ""} for o in cell["outputs"]], ensure_ascii=False)


@every_notebook
def test_stored_outputs(notebook):
    "Outputs are those of `make render`: normalized, without errors, data sets, or traces of a machine."
    for k, cell in enumerate(notebook.cells):
        if not cell.get("outputs"):
            continue
        where = f"cell {k} ({cell['id']}) of {notebook.name}: run `make render`"
        assert is_compared(cell), f"{where}. Cells flagged {NEVER_STORED} store no outputs"
        assert normalized(cell["outputs"]) == cell["outputs"], where
        assert not TRACES.findall(texts(cell)), where


def test_stored_outputs_are_small():
    size = sum(len(json.dumps(c["outputs"], ensure_ascii=False)) for n in EVERY for c in n.code_cells)
    assert size < MAX_BYTES


@every_notebook
def test_outputs_are_current(notebook):
    "Compare with the copy that `make test` has executed."
    executed = EXECUTED / notebook.name
    if not executed.is_file():
        pytest.skip("not executed: run `make test`")
    made = read(executed)
    if torch.cuda.is_available():
        pytest.skip("stored outputs are those of a CPU")
    if not made["metadata"]["executed"]["stored"]:
        pytest.skip("shows runs that are not here")
    if [source_of(c) for c in made["cells"]] != [source_of(c) for c in notebook.cells]:
        pytest.skip("edited since it was executed: run `make test`")
    found = differences(notebook.cells, made["cells"])
    assert not found, f"outputs of {notebook.name} differ. Run `make render` and commit.\n" + "\n".join(found)


def test_profiles_name_notebooks():
    assert set(PROFILES) <= {n.path.stem for n in notebooks("paper")}


# The comparison


def printed(text: str) -> list[dict]:
    return [{"output_type": "stream", "name": "stdout", "text": text.splitlines(keepends=True)}]


def shown(**data) -> list[dict]:
    data = {k.replace("_", "/"): v for k, v in data.items()}
    return [{"output_type": "display_data", "data": data, "metadata": {}}]


def picture(size=(60, 40), line=(5, 5, 50, 30)) -> str:
    image = Image.new("RGB", size, "white")
    if line:
        ImageDraw.Draw(image).line(line, fill="navy", width=3)
    buffer = io.BytesIO()
    image.save(buffer, "PNG")
    return base64.b64encode(buffer.getvalue()).decode()


@pytest.mark.parametrize(
    ("stored", "made"),
    [
        ("64x64: 6.6 ms per scene\n", "64x64: 17 ms per scene\n"),
        ("took 1.2 s and 3.1 MiB, 2.50x, 31.5 images/s", "took 12 s and 310 MiB, 0.9x, 2,010.3 images/s"),
        ("{'step': 20, 'seconds': 1.2, 'rss_mb': 512.0}", "{'step': 20, 'seconds': 9.7, 'rss_mb': 640.5}"),
        ("loss 1.2345", "loss 1.2347"),
        ("| mIoU | 26.21 |\n|------|", "| mIoU | 26.2 |\n|-----|"),
        ("largest error 3.1e-08", "largest error 2.2e-16"),
        ("1,482,200 pixels", "1,482,203 pixels"),
        ("a  1.0\nb 10.0", "a   1.01\nb  10.00"),
    ],
)
def test_ignores_what_varies(stored, made):
    assert difference(printed(stored), printed(made)) == ""
    assert difference(shown(text_markdown=stored), shown(text_markdown=made)) == ""


@pytest.mark.parametrize(
    ("stored", "made"),
    [
        ("mIoU 26.21", "mIoU 31.21"),
        ("mIoU 26.21", "mIoU -26.21"),
        ("72 of 72 runs", "71 of 72 runs"),
        ("| PAT | 0.5 |", "| PAT | – |"),
        ("two lines\n1\n", "two lines\n1\n2\n"),
        ("loss 1.25", "loss nan"),
        ("PATLoss(T=5)", "PATLoss(T=20)"),
        ("camvid-unet-pat-s0-3b1bd29c34", "camvid-unet-pat-s0-4b1bd29c34"),
        ("6.6 ms per scene", "6.6 ms per image"),
    ],
)
def test_finds_changes(stored, made):
    assert difference(printed(stored), printed(made))
    assert not look_same(printed(stored), printed(made))
    assert difference(printed(stored), printed(made), varies=True) == ""


def test_compares_pictures():
    stored, moved = shown(image_png=picture()), shown(image_png=picture(line=(5, 30, 50, 5)))
    assert difference(stored, moved) == ""
    assert look_same(stored, stored)
    assert not look_same(stored, moved), "a new picture is stored"
    assert "60x40 pixels, made 60x80" in difference(stored, shown(image_png=picture((60, 80))))
    assert "blank" in difference(stored, shown(image_png=picture(line=None)))
    assert "stored image/png, made nothing" in difference(stored, [])
    assert difference(stored, stored + printed("more"))


def test_a_changed_output_is_named():
    "A changed output of a notebook fails, with its cell; a cell that was not executed does not."
    notebook = next(n for n in EVERY if n.path.stem == "11_loss_pat")
    made = copy.deepcopy(notebook.cells)
    for cell in made:
        if cell["cell_type"] == "code":
            cell |= {"outputs": printed("loss 1.25"), "execution_count": 1}
    stored = copy.deepcopy(made)
    assert differences(stored, made) == []
    k = next(k for k, cell in enumerate(stored) if cell["cell_type"] == "code")
    stored[k]["outputs"] = printed("loss 2.25")
    (line,) = differences(stored, made)
    assert line == f"cell {k} ({stored[k]['id']}): stdout: stored 'loss2.25', made 'loss1.25'"
    stored[k]["outputs"] = []
    assert differences(stored, made) == [f"cell {k} ({stored[k]['id']}): stored nothing, made stdout"]
    made[k] |= {"outputs": [], "execution_count": None}
    assert differences(stored, made) == []


def test_normalized():
    outputs = [
        *printed("  5%|   |\r100%|###|\x1b[31m red\x1b[0m\n"),
        {"output_type": "stream", "name": "stderr", "text": ["warning\n"]},
        *printed(f"<F at 0x7f0123456789> in {ROOT}/runs/a, /tmp/tmpx1_yz/b\n"),
        {"output_type": "execute_result", "data": {"text/plain": ["1"], "application/x": "y"}, "execution_count": 3}
        | {"metadata": {"a": 1}},
        *shown(image_png=picture()),
    ]
    first, result, drawn = made = normalized(outputs, {str(ROOT): ""})
    assert "".join(first["text"]) == "100%|###| red\n<F> in runs/a, /tmp/tmp/b\n"
    assert result == {
        "output_type": "execute_result",
        "data": {"text/plain": ["1"]},
        "execution_count": None,
        "metadata": {},
    }
    assert Image.open(io.BytesIO(base64.b64decode(drawn["data"]["image/png"]))).mode == "P"
    assert normalized(made) == made


# The filter


def run_by_hand(notebook: dict, text: str) -> dict:
    "The notebook as Jupyter saves it after a run."
    notebook = copy.deepcopy(notebook)
    for k, cell in enumerate(notebook["cells"]):
        if cell["cell_type"] == "code":
            cell |= {"execution_count": k + 1, "outputs": printed(text), "metadata": {"execution": {}}}
    notebook["metadata"]["language_info"] = {"name": "python", "version": "3.12.1"}
    return notebook


@pytest.fixture
def repository(tmp_path):
    "A repository with one notebook with stored outputs, and a function that calls Git in it."
    if not shutil.which("git"):
        pytest.skip("needs git")

    def git(*words) -> str:
        command = ["git", "-c", "user.name=a", "-c", "user.email=a@b", *words]
        return subprocess.run(command, cwd=tmp_path, check=True, capture_output=True, text=True).stdout

    git("init", "--quiet")
    for name in (".gitattributes", ".gitignore"):
        shutil.copy(ROOT / name, tmp_path)
    cells = [{"cell_type": "code", "id": i, "metadata": {}, "source": ["1 + 1"]} for i in "ab"]
    cells = [cell | {"execution_count": None, "outputs": printed("stored\n")} for cell in cells]
    write(tmp_path / "nbs" / "a.ipynb", {"cells": cells, "metadata": {}, "nbformat": 4, "nbformat_minor": 5})
    git("add", ".")
    git("commit", "--quiet", "-m", "a")
    return tmp_path, git


def test_git_filter(repository):
    "A run by hand is no difference. A changed cell loses its outputs. Those of `make render` pass."
    folder, git = repository
    git("config", "filter.notebook.clean", shlex.join([sys.executable, str(ROOT / "tests/notebook_filter.py"), "%f"]))
    file = folder / "nbs" / "a.ipynb"
    notebook = read(file)
    write(file, run_by_hand(notebook, "by hand\n"))
    assert git("diff") == ""
    git("add", ".")
    assert git("status", "--porcelain") == ""
    changed = run_by_hand(notebook, "by hand\n")
    changed["cells"][0]["source"] = ["2 + 2"]
    write(file, changed)
    git("add", ".")
    assert [c["outputs"] for c in json.loads(git("show", ":nbs/a.ipynb"))["cells"]] == [[], printed("stored\n")]
    notebook["cells"][0]["outputs"] = printed("rendered\n")
    write(file, notebook)
    git("add", ".")
    assert "rendered" in git("show", ":nbs/a.ipynb")


def test_jupyter_hook(repository):
    "A run and a save in JupyterLab of `make lab` change no file."
    from jupyter_server.services.contents.largefilemanager import AsyncLargeFileManager

    folder, git = repository
    file = folder / "nbs" / "a.ipynb"
    manager = AsyncLargeFileManager(root_dir=str(folder), pre_save_hook="notebook_filter.pre_save")
    ran = run_by_hand(read(file), "by hand\n")

    def save(name):
        model = {"type": "notebook", "format": "json", "content": copy.deepcopy(ran)}
        asyncio.run(manager.save(model, f"nbs/{name}"))

    save("a.ipynb")
    assert git("status", "--porcelain") == ""
    save("new.ipynb")
    assert read(folder / "nbs" / "new.ipynb")["cells"][0]["outputs"] == printed("by hand\n"), "Git does not know it"


@every_notebook
def test_filter_keeps_notebooks(notebook):
    "The filter changes no notebook of Git."
    content = read(notebook.path)
    assert clean(copy.deepcopy(content), {}) == content
