"""The notebooks as the checks of structure read them."""

import ast
import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
NBS = ROOT / "nbs"


@dataclass(frozen=True)
class Notebook:
    "A notebook on disk."

    path: Path

    @property
    def name(self) -> str:
        return str(self.path.relative_to(NBS))

    @cached_property
    def cells(self) -> list[dict]:
        return json.loads(self.path.read_text(encoding="utf-8"))["cells"]

    @cached_property
    def code_cells(self) -> list[dict]:
        return [c for c in self.cells if c["cell_type"] == "code"]

    @property
    def code(self) -> list[str]:
        return [source_of(c) for c in self.code_cells]

    @property
    def exported(self) -> list[str]:
        return [source for source in self.code if source.startswith("#| export")]

    @property
    def visible(self) -> list[str]:
        "Code that readers see and that is not exported."
        return [source for source in self.code if not re.match(r"#\| *(export|default_exp|hide)", source)]

    @property
    def modules(self) -> list[str]:
        "The modules that the notebook exports to: one."
        return [f"pat_nb.{s.split()[2]}" for s in self.code if s.startswith("#| default_exp")]

    @property
    def number(self) -> tuple[int, str]:
        "(10, 'a') for 10a_name.ipynb, which comes after 10 and before 10b and 11."
        found = re.match(r"(\d+)([a-z]*)_", self.path.name)
        assert found, f"{self.path.name} does not begin with a number and _"
        return int(found[1]), found[2]


def source_of(cell: dict) -> str:
    return "".join(cell["source"])


def notebooks(*folders: str) -> list[Notebook]:
    return [Notebook(path) for folder in folders for path in sorted((NBS / folder).glob("*.ipynb"))]


def library() -> list[Notebook]:
    "The numbered notebooks, which export the package."
    return notebooks(".")


def batch() -> list[Notebook]:
    "The notebooks that papermill executes."
    tutorials = [n for n in notebooks("tutorials") if any(is_parameters(c) for c in n.code_cells)]
    return [*notebooks("paper", "experiments"), *tutorials]


def is_parameters(cell: dict) -> bool:
    return "parameters" in cell["metadata"].get("tags", [])


def home_numbers() -> dict[str, tuple[int, str]]:
    "pat_nb.x.y -> the number of its home notebook."
    return {module: notebook.number for notebook in library() for module in notebook.modules}


def parse(source: str) -> ast.Module:
    "The syntax tree of a cell, without IPython's magics."
    return ast.parse(re.sub(r"^( *)[%!].*", r"\1pass", source, flags=re.M))


def definitions(body: list[ast.stmt]) -> Iterator[tuple[str, ast.stmt]]:
    "The names that statements define at the top level of a module, imports excepted."
    for node in body:
        match node:
            case ast.FunctionDef() | ast.AsyncFunctionDef() | ast.ClassDef():
                yield node.name, node
            case ast.Assign():
                for target in node.targets:
                    yield from ((n.id, node) for n in ast.walk(target) if _is_stored(n))
            case ast.AnnAssign() | ast.AugAssign() if isinstance(node.target, ast.Name):
                yield node.target.id, node
            case ast.If() | ast.Try() | ast.With() | ast.For() | ast.While():
                inner = [node.body, getattr(node, "orelse", []), getattr(node, "finalbody", [])]
                inner += [handler.body for handler in getattr(node, "handlers", [])]
                for statements in inner:
                    yield from definitions(statements)


def _is_stored(node: ast.AST) -> bool:
    return isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store)


def public_names(notebook: Notebook) -> set[str]:
    "The functions, classes and constants that a notebook exports under names without an underscore."
    names = {name for source in notebook.exported for name, _ in definitions(parse(source).body)}
    return {name for name in names if not name.startswith("_")}


def used_names(sources: list[str]) -> set[str]:
    "The names and attributes that occur in code."
    nodes = [node for source in sources for node in ast.walk(parse(source))]
    return {n.id for n in nodes if isinstance(n, ast.Name)} | {n.attr for n in nodes if isinstance(n, ast.Attribute)}


def code_lines(source: str) -> int:
    "Lines of code: no directives, blank lines, comments or docstrings."
    documented = (ast.Module, ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef)
    doc: set[int] = set()
    for node in ast.walk(parse(source)):
        if isinstance(node, documented) and ast.get_docstring(node, clean=False) is not None:
            doc.update(range(node.body[0].lineno, node.body[0].end_lineno + 1))
    lines = enumerate((line.strip() for line in source.splitlines()), 1)
    return sum(1 for n, line in lines if line and not line.startswith("#") and n not in doc)
