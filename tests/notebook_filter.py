"""Running and saving a notebook leaves Git clean.

JupyterLab from `make lab` calls `pre_save`. With `make hooks`, Git calls `python tests/notebook_filter.py PATH` before
it compares or stores a notebook from another editor. Cells that were run by hand have an execution count. They get
their outputs in the index, or none if their source has changed. Outputs of `make render` have no count and pass.
"""

import json
import shutil
import subprocess
import sys
from pathlib import Path

KEPT_CELL = {"tags", "hide_input", "nbdev"}
KEPT_NOTEBOOK = {"kernelspec", "accelerator", "colab", "nbdev"}


def stored_cells(path: Path) -> dict[str, dict] | None:
    "The cells of a notebook in the index, by id. None if it is not there."
    command = ["git", "-C", str(path.parent), "cat-file", "blob", f":./{path.name}"]
    found = subprocess.run(command, capture_output=True, check=False) if shutil.which("git") else None
    if found is None or found.returncode:
        return None
    return {cell.get("id"): cell for cell in json.loads(found.stdout)["cells"]}


def text_of(cell: dict | None) -> str | None:
    return None if cell is None else "".join(cell["source"])


def clean(notebook: dict, stored: dict[str, dict] | None) -> dict:
    "Remove the traces of a run by hand from a notebook. Outputs of one that Git does not know stay."
    for cell in notebook["cells"]:
        cell["metadata"] = {k: v for k, v in cell["metadata"].items() if k in KEPT_CELL}
        cell["source"] = text_of(cell).splitlines(keepends=True)
        if cell.get("execution_count"):
            cell["execution_count"] = None
            if stored is not None:
                old = stored.get(cell.get("id"))
                cell["outputs"] = old["outputs"] if old and text_of(old) == text_of(cell) else []
    metadata = notebook["metadata"]
    if name := metadata.get("kernelspec", {}).get("name"):
        metadata["kernelspec"]["display_name"] = name
    notebook["metadata"] = {k: v for k, v in metadata.items() if k in KEPT_NOTEBOOK}
    return notebook


def pre_save(model: dict, path: str, contents_manager, **_) -> None:
    "Hook of Jupyter: clean a notebook that is saved. What the browser shows stays."
    if model["type"] != "notebook" or model["content"]["nbformat"] != 4:
        return
    stored = stored_cells(Path(contents_manager._get_os_path(path)))
    if stored is not None:
        clean(model["content"], stored)


def main(path: Path) -> int:
    text = sys.stdin.buffer.read()
    try:
        notebook = clean(json.loads(text), stored_cells(path))
    except (ValueError, KeyError, TypeError, AttributeError):  # not a notebook, or one with conflict markers
        sys.stdout.buffer.write(text)
        return 0
    sys.stdout.buffer.write(json.dumps(notebook, indent=1, ensure_ascii=False, sort_keys=True).encode() + b"\n")
    return 0


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1])))
