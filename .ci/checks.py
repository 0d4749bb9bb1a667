"""What the notebooks promise, checked on their text: see CONTRIBUTING.md. Each check returns a list of complaints."""

import ast
import json
import re
import statistics
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
NBS = ROOT / "nbs"


def notebooks(*folders):
    return [(p, json.loads(p.read_text(encoding="utf-8"))) for f in folders for p in sorted((NBS / f).glob("*.ipynb"))]


def code_cells(nb):
    return ["".join(c["source"]) for c in nb["cells"] if c["cell_type"] == "code"]


def exported(nb):
    return [source for source in code_cells(nb) if source.startswith("#| export")]


def library():
    return notebooks(".")


def module_numbers():
    "pat_nb.x.y -> the number of its home notebook."
    numbers = {}
    for path, nb in library():
        for source in code_cells(nb):
            if source.startswith("#| default_exp"):
                numbers["pat_nb." + source.split()[2]] = int(path.name[:2])
    return numbers


def imports(source):
    "The modules that a cell imports."
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.ImportFrom) and node.level == 0:
            yield node.module
            yield from (f"{node.module}.{a.name}" for a in node.names)
        elif isinstance(node, ast.Import):
            yield from (a.name for a in node.names)


def plain(source):
    "A cell without IPython's magics."
    return "\n".join(line for line in source.splitlines() if not line.lstrip().startswith(("%", "!")))


def arrows():
    "Notebooks import only from lower numbers, and the package never from an experiment."
    numbers, out = module_numbers(), []
    for path, nb in library():
        for source in code_cells(nb):
            for module in imports(plain(source)):
                if module in numbers and (numbers[module], module) > (int(path.name[:2]), "~") or numbers.get(module, -1) > int(path.name[:2]):
                    out.append(f"{path.name} imports {module}, which is made in notebook {numbers[module]:02d}: arrows point to lower numbers")
    return out


def one_home():
    "Every library notebook exports to one module, and no two to the same."
    out, homes = [], {}
    for path, nb in library():
        found = [s.split()[2] for s in code_cells(nb) if s.startswith("#| default_exp")]
        if len(found) != 1:
            out.append(f"{path.name} has {len(found)} default_exp cells, expected 1")
        for module in found:
            if module in homes:
                out.append(f"{path.name} and {homes[module]} both export to {module}")
            homes[module] = path.name
    return out


def lines_of(source):
    "Lines of code in an exported cell: no directives, blank lines, comments, docstrings."
    tree = ast.parse(source)
    doc = set()
    for node in ast.walk(tree):
        if isinstance(node, (ast.Module, ast.ClassDef, ast.FunctionDef)) and node.body and isinstance(node.body[0], ast.Expr):
            if isinstance(node.body[0].value, ast.Constant) and isinstance(node.body[0].value.value, str):
                doc.update(range(node.body[0].lineno, node.body[0].end_lineno + 1))
    return sum(1 for n, line in enumerate(source.splitlines(), 1) if line.strip() and not line.strip().startswith("#") and n not in doc)


def cell_lengths():
    "Exported cells are short: median at most 12 lines, nine of ten at most 25, none above 60."
    lengths = [(lines_of(source), path.name, source.split("\n")[1]) for path, nb in library() for source in exported(nb)]
    sizes = sorted(n for n, _, _ in lengths)
    out = [f"{name}: an exported cell of {n} lines ({first}), at most 60" for n, name, first in lengths if n > 60]
    if statistics.median(sizes) > 12:
        out.append(f"exported cells have a median of {statistics.median(sizes)} lines, at most 12")
    if sum(n <= 25 for n in sizes) < 0.9 * len(sizes):
        out.append(f"{sum(n > 25 for n in sizes)} of {len(sizes)} exported cells have more than 25 lines, at most a tenth may")
    return out


def shown():
    "A notebook shows and checks what it exports: as many visible cells as exported ones, at least one with an assert, and plain imports."
    out = []
    for path, nb in library():
        cells = code_cells(nb)
        if not any("assert" in s and not s.startswith("#| export") for s in cells):
            out.append(f"{path.name} asserts nothing")
        if any("import *" in s for s in cells):
            out.append(f"{path.name} has a star import")
        out += [f"{path.name}: a comment above '#| export' drops the export" for s in cells if "\n#| export" in s]
        if nb["cells"][0]["cell_type"] != "markdown" or not "".join(nb["cells"][0]["source"]).startswith("# "):
            out.append(f"{path.name} does not begin with a heading")
    return out


def papermill():
    "Papermill notebooks: one cell tagged `parameters`, the first code cell, of commented literals; the next one checks; no outputs stored."
    out = []
    for path, nb in notebooks("paper", "experiments", "tutorials"):
        cells = [c for c in nb["cells"] if c["cell_type"] == "code"]
        tagged = [c for c in cells if "parameters" in c["metadata"].get("tags", [])]
        if path.parent.name == "tutorials" and not tagged:
            continue
        if len(tagged) != 1 or tagged[0] is not cells[0]:
            out.append(f"{path.name}: the first code cell, and no other, must be tagged 'parameters'")
            continue
        source = "".join(tagged[0]["source"])
        for node in ast.parse(source).body:
            try:
                ast.literal_eval(node.value)
                assert isinstance(node, ast.Assign) and re.search(r"  # type: (str|int|float|bool) \w", source.splitlines()[node.lineno - 1])
            except (AttributeError, ValueError, AssertionError):
                out.append(f"{path.name}: line {node.lineno} of the parameters is not NAME = LITERAL  # type: TYPE MEANING, which `papermill --help-notebook` shows")
        names = [n.targets[0].id for n in ast.parse(source).body if isinstance(n, ast.Assign)]
        check = "".join(cells[1]["source"])
        if f'"{" ".join(names)}"' not in check or not ("check_parameters" in check or "notebook_settings" in check):
            out.append(f"{path.name}: the second code cell must check exactly the parameters {' '.join(names)}")
        if any(c["outputs"] or c["execution_count"] for c in cells):
            out.append(f"{path.name}: outputs are stored; run nbdev-clean --clear_all on it")
    return out


def documented():
    "Public functions and classes have a docstring."
    out = []
    for path, nb in library():
        for source in exported(nb):
            for node in ast.parse(source).body:
                if isinstance(node, (ast.FunctionDef, ast.ClassDef)) and not node.name.startswith("_") and not ast.get_docstring(node):
                    out.append(f"{path.name}: {node.name} has no docstring")
    return out


def quoted():
    "README's tables of results, between `<!-- figures/... -->` and `<!-- end -->`, are those of the files."
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    blocks = re.findall(r"<!-- (figures/\S+) -->\n(.*?)\n<!-- end -->", text, flags=re.S)
    first = {name: (ROOT / name).read_text(encoding="utf-8").split("\n\n")[0] for name, _ in blocks if (ROOT / name).is_file()}
    out = [f"README.md quotes a table that is not the first of {name}: copy it anew" for name, table in blocks if table != first.get(name)]
    return out if blocks and text.count("<!--") == 2 * len(blocks) else [*out, "README.md must quote tables between '<!-- figures/... -->' and '<!-- end -->', and hold no other comments"]


CHECKS = [arrows, one_home, cell_lengths, shown, papermill, documented, quoted]

if __name__ == "__main__":
    complaints = [c for check in CHECKS for c in check()]
    print("\n".join(complaints) or f"{len(CHECKS)} checks passed")
    sys.exit(bool(complaints))
