"""What CONTRIBUTING.md asks of notebooks and modules, checked on their text."""

import ast
import re
import statistics

import pytest
from import_graph import BLOCK, Package, cycles, mermaid
from notebooks import (
    ROOT,
    batch,
    code_lines,
    definitions,
    home_numbers,
    is_parameters,
    library,
    notebooks,
    parse,
    public_names,
    source_of,
    used_names,
)

PACKAGE = Package(ROOT)
LIBRARY = library()
BATCH = batch()
EVERY = notebooks(".", "paper", "experiments", "tutorials")
SUBPACKAGES = [m for m in PACKAGE.files if PACKAGE.is_package(m) and m != "pat_nb"]
PUBLIC_PACKAGES = ("losses", "metrics", "data", "models", "training")
PARAMETER = re.compile(r"  # type: (str|int|float|bool) \w")

library_notebook = pytest.mark.parametrize("notebook", LIBRARY, ids=lambda n: n.name)
every_notebook = pytest.mark.parametrize("notebook", EVERY, ids=lambda n: n.name)
batch_notebook = pytest.mark.parametrize("notebook", BATCH, ids=lambda n: n.name)


@library_notebook
def test_imports_point_to_lower_numbers(notebook):
    numbers, own = home_numbers(), notebook.number
    imported = {module for source in notebook.code for module in PACKAGE.imports(parse(source))}
    wrong = {m: numbers[m] for m in imported if m in numbers and m not in notebook.modules and numbers[m] >= own}
    assert not wrong, f"{notebook.name} imports modules from higher notebooks: {wrong}"


@library_notebook
def test_one_module_per_notebook(notebook):
    assert len(notebook.modules) == 1, "expected one default_exp cell"
    others = [n.name for n in LIBRARY if n != notebook and set(n.modules) & set(notebook.modules)]
    assert not others, f"{others} export to the same module"
    assert notebook.number not in [n.number for n in LIBRARY if n != notebook], "another notebook has this number"
    assert notebook.modules[0] in PACKAGE.files, "the module is not exported: run `make export`"


@pytest.mark.parametrize("module", [m for m in PACKAGE.files if not PACKAGE.is_package(m)])
def test_one_notebook_per_module(module):
    assert module in home_numbers(), f"{module} has no notebook: remove it, or write one"


@library_notebook
def test_no_exported_cell_is_long(notebook):
    long = {source.splitlines()[1]: n for source in notebook.exported if (n := code_lines(source)) > 60}
    assert not long, "at most 60 lines in an exported cell"


def test_exported_cells_are_short():
    lengths = sorted(code_lines(source) for notebook in LIBRARY for source in notebook.exported)
    assert statistics.median(lengths) <= 12
    assert sum(n <= 25 for n in lengths) >= 0.9 * len(lengths), "nine of ten exported cells have at most 25 lines"


@library_notebook
def test_public_names_are_shown(notebook):
    hidden = sorted(public_names(notebook) - used_names(notebook.visible))
    assert not hidden, f"use these in a visible cell of {notebook.name}, or make them private: {', '.join(hidden)}"


@library_notebook
def test_asserts_something(notebook):
    nodes = [node for source in notebook.visible for node in ast.walk(parse(source))]
    assert any(isinstance(node, ast.Assert) for node in nodes)


@every_notebook
def test_begins_with_heading_and_summary(notebook):
    first = notebook.cells[0]
    assert first["cell_type"] == "markdown"
    assert re.match(r"# \S.*\n+> \S", source_of(first)), "expected '# Title' and a line '> summary'"


@every_notebook
def test_no_star_imports(notebook):
    nodes = [node for source in notebook.code for node in ast.walk(parse(source))]
    assert not any(alias.name == "*" for node in nodes if isinstance(node, ast.ImportFrom) for alias in node.names)


@library_notebook
def test_no_comment_above_export(notebook):
    above = [s.splitlines()[0] for s in notebook.code if re.search(r"\n\s*#\| *(export|default_exp)", s)]
    assert not above, "a line above '#| export' drops the export"


@library_notebook
def test_public_names_have_docstrings(notebook):
    kinds = ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef
    nodes = [node for s in notebook.exported for _, node in definitions(parse(s).body) if isinstance(node, kinds)]
    bare = [node.name for node in nodes if not node.name.startswith("_") and not ast.get_docstring(node)]
    assert not bare, "public functions and classes need a docstring"


@batch_notebook
def test_parameters_cell(notebook):
    tagged = [k for k, cell in enumerate(notebook.code_cells) if is_parameters(cell)]
    assert tagged == [0], "the first code cell, and no other, is tagged 'parameters'"
    lines = notebook.code[0].splitlines()
    for node in parse(notebook.code[0]).body:
        line = lines[node.lineno - 1]
        assert isinstance(node, ast.Assign), line
        ast.literal_eval(node.value)
        assert PARAMETER.search(line), f"{line}\nexpected `name = literal  # type: str meaning`, as papermill shows it"


@batch_notebook
def test_parameters_are_checked(notebook):
    names = " ".join(name for name, _ in definitions(parse(notebook.code[0]).body))
    check = parse(notebook.code[1])
    texts = {node.value for node in ast.walk(check) if isinstance(node, ast.Constant)}
    assert names in texts, f"the second code cell checks the parameters {names!r} by name"
    assert used_names([notebook.code[1]]) & {"check_parameters", "notebook_settings"}


@pytest.mark.parametrize("module", PACKAGE.files)
def test_module_length(module):
    assert len(PACKAGE.files[module].read_text(encoding="utf-8").splitlines()) <= 300


def test_no_import_cycle():
    assert not cycles(PACKAGE.edges), "these modules import each other"


def test_no_cycle_between_subpackages():
    assert not cycles(PACKAGE.groups()), "these subpackages import each other"


def test_torchvision_is_imported_in_functions():
    "It imports TorchDynamo, which would take two seconds of every command and notebook."
    imports = ((m, node) for m, tree in PACKAGE.trees.items() for node in tree.body)
    assert not [m for m, node in imports if re.match(r"(from|import) torchvision\b", ast.unparse(node))]


def test_import_graph_sees_importlib(tmp_path):
    "The graph finds cycles through functions, importlib, f-strings and lazy exports."
    sources = {
        "__init__": "",
        "a": "def f():\n    from .sub import Thing",
        "sub/__init__": "from ..utils import lazy_exports\n"
        "from typing import TYPE_CHECKING\n"
        "if TYPE_CHECKING:\n    from .thing import Thing\n"
        "__getattr__, __dir__, __all__ = lazy_exports(__name__, {'thing': ('Thing',)})",
        "sub/thing": "import importlib\nclass Thing:\n    def g(self):\n        importlib.import_module('pat_nb.b')",
        "b": "from importlib import import_module\ndef h(n):\n    return import_module(f'pat_nb.{n}')",
        "c": "import pat_nb.utils\ndef f(name):\n    return __import__(name)\nf('pat_nb.d')",
        "d": "TABLE = {'x': '.c'}\nfrom importlib import import_module\nimport_module(TABLE['x'], __package__)",
        "utils": "def lazy_exports(package, modules): ...",
    }
    for name, source in sources.items():
        file = tmp_path / "pat_nb" / f"{name}.py"
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(source)
    package = Package(tmp_path)
    assert package.edges["pat_nb.a"] == {"pat_nb.sub", "pat_nb.sub.thing"}
    assert package.edges["pat_nb.sub"] == {"pat_nb.utils"}
    assert cycles(package.edges) == [["pat_nb.a", "pat_nb.b", "pat_nb.sub.thing"], ["pat_nb.c", "pat_nb.d"]]
    assert package.lazy_table("pat_nb.sub") == package.typed_exports("pat_nb.sub") == {"thing": ("Thing",)}


@pytest.mark.parametrize("name", PUBLIC_PACKAGES)
def test_subpackage_exports_public_names(name):
    module = f"pat_nb.{name}"
    if PACKAGE.is_package(module):
        eager = {m for m in PACKAGE.imports(PACKAGE.trees[module], module, True) if m.startswith(f"{module}.")}
        assert PACKAGE.lazy_table(module) or eager, f"{module} exports no names"
    else:
        assert {n for n in PACKAGE.defines(module) if not n.startswith("_")}


@pytest.mark.parametrize("package", SUBPACKAGES)
def test_lazy_exports(package):
    "The table of lazy exports, the imports for type checkers and the modules agree."
    table = PACKAGE.lazy_table(package)
    typed = PACKAGE.typed_exports(package)
    assert {sub: sorted(names) for sub, names in table.items()} == {sub: sorted(names) for sub, names in typed.items()}
    for submodule, names in table.items():
        lacking = set(names) - PACKAGE.defines(f"{package}.{submodule}")
        assert not lacking, f"{package}.{submodule} does not define {lacking}"
    every = [name for names in table.values() for name in names]
    assert len(every) == len(set(every)), "two submodules export the same name"
    assert not [name for name in every if name.startswith("_")]


def test_import_graph_is_current():
    found = BLOCK.search((ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8"))
    assert found, "CONTRIBUTING.md has no <!-- import graph --> ... <!-- end -->"
    assert found[2] == mermaid(PACKAGE) + "\n", "run `python tests/import_graph.py --write`"
