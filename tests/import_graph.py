"""The import graph of pat_nb from its syntax trees, imports by `importlib` included.

`python tests/import_graph.py --write` draws it in CONTRIBUTING.md, between `<!-- import graph -->` and `<!-- end -->`.
"""

import ast
import re
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from notebooks import ROOT, definitions, home_numbers

BLOCK = re.compile(r"(<!-- import graph -->\n)(.*?)(<!-- end -->)", flags=re.S)


@dataclass(frozen=True)
class Package:
    "The modules of a package, by their dotted names."

    root: Path  # the folder that holds the package's folder
    name: str = "pat_nb"

    @cached_property
    def files(self) -> dict[str, Path]:
        paths = [p for p in sorted((self.root / self.name).rglob("*.py")) if p.name != "_modidx.py"]
        return {".".join(p.relative_to(self.root).with_suffix("").parts).removesuffix(".__init__"): p for p in paths}

    @cached_property
    def trees(self) -> dict[str, ast.Module]:
        return {name: ast.parse(path.read_text(encoding="utf-8")) for name, path in self.files.items()}

    def is_package(self, module: str) -> bool:
        return self.files[module].name == "__init__.py"

    def lazy_table(self, module: str) -> dict[str, tuple[str, ...]]:
        "The table that an `__init__` hands to `lazy_exports`: submodule -> names. Empty without one."
        body = self.trees[module].body
        constants = {
            name: node.value for name, node in definitions(body) if isinstance(node, ast.Assign | ast.AnnAssign)
        }
        for call in (n for statement in body for n in ast.walk(statement) if isinstance(n, ast.Call)):
            if _name(call.func) == "lazy_exports":
                table = (
                    call.args[1] if len(call.args) > 1 else next(k.value for k in call.keywords if k.arg == "modules")
                )
                table = constants[table.id] if isinstance(table, ast.Name) else table
                return {key: tuple(names) for key, names in ast.literal_eval(table).items()}
        return {}

    def typed_exports(self, module: str) -> dict[str, tuple[str, ...]]:
        "What an `__init__` imports for type checkers: submodule -> names."
        found: dict[str, tuple[str, ...]] = {}
        for block in (n for n in self.trees[module].body if _is_type_checking(n)):
            for node in block.body:
                assert isinstance(node, ast.ImportFrom), f"{module}: expected `from .submodule import name`"
                submodule = _absolute(node, module).removeprefix(f"{module}.")
                found[submodule] = (*found.get(submodule, ()), *(a.name for a in node.names))
        return found

    def defines(self, module: str) -> set[str]:
        return {name for name, _ in definitions(self.trees[module].body)}

    def resolve(self, dotted: str) -> str | None:
        "The module that a dotted name is in, through the lazy exports of packages; None outside of the package."
        parts = dotted.split(".")
        if parts[0] != self.name:
            return None
        module = next(m for k in range(len(parts), 0, -1) if (m := ".".join(parts[:k])) in self.files)
        rest = parts[module.count(".") + 1 :]
        if rest and self.is_package(module):
            homes = {name: sub for sub, names in self.lazy_table(module).items() for name in names}
            module = f"{module}.{homes[rest[0]]}" if rest[0] in homes else module
        return module

    def imports(self, tree: ast.AST, module: str = "", is_package: bool = False) -> Iterator[str]:
        "The modules that code imports."
        inside = module if is_package else module.rpartition(".")[0]
        for node in _walk(tree, skip_type_checking=is_package):
            match node:
                case ast.Import():
                    names = [alias.name for alias in node.names]
                case ast.ImportFrom():
                    names = [f"{_absolute(node, inside)}.{alias.name}" for alias in node.names]
                case ast.Call() if _name(node.func) in ("import_module", "__import__") and node.args:
                    names = self._dynamic(node.args[0], tree, inside)
                case _:
                    continue
            yield from (found for name in names if (found := self.resolve(name)))

    def _dynamic(self, argument: ast.expr, tree: ast.AST, inside: str) -> list[str]:
        "What `import_module(argument)` may import; if that cannot be read: every module that strings of `tree` name."
        strings = [_literal_prefix(argument)]
        if not strings[0][0]:
            nodes = [node for node in ast.walk(tree) if isinstance(node, ast.Constant | ast.JoinedStr)]
            strings = [
                (text, whole) for text, whole in map(_literal_prefix, nodes) if whole or text.startswith(self.name)
            ]
        return [module for text, whole in strings for module in self._matches(text, whole, inside)]

    def _matches(self, text: str, whole: bool, inside: str) -> list[str]:
        "The module of that name, or the modules that begin so."
        text = inside + text if text.startswith(".") else text
        return [m for m in self.files if m == text or (not whole and text and m.startswith(text))]

    @cached_property
    def edges(self) -> dict[str, set[str]]:
        "module -> the modules that it imports, and the `__init__` of other packages that run then."
        graph: dict[str, set[str]] = {}
        for module, tree in self.trees.items():
            found = set(self.imports(tree, module, self.is_package(module)))
            parents = {p for m in found for p in _parents(m) if not f"{module}.".startswith(f"{p}.")}
            graph[module] = (found | parents) - {module}
        return graph

    def groups(self) -> dict[str, set[str]]:
        "The graph of subpackages and modules directly below the package."
        graph: dict[str, set[str]] = {_group(m): set() for m in self.files if m != self.name}
        for module, targets in self.edges.items():
            if module != self.name:
                graph[_group(module)] |= {_group(t) for t in targets if t != self.name} - {_group(module)}
        return graph


def _name(node: ast.expr) -> str:
    return node.id if isinstance(node, ast.Name) else node.attr if isinstance(node, ast.Attribute) else ""


def _is_type_checking(node: ast.AST) -> bool:
    return isinstance(node, ast.If) and _name(node.test) == "TYPE_CHECKING"


def _walk(tree: ast.AST, skip_type_checking: bool) -> Iterator[ast.AST]:
    "All nodes; without the bodies of `if TYPE_CHECKING`, by which an `__init__` declares its lazy exports."
    yield tree
    skipped = tree.body if skip_type_checking and _is_type_checking(tree) else ()
    for child in ast.iter_child_nodes(tree):
        if child not in skipped:
            yield from _walk(child, skip_type_checking)


def _absolute(node: ast.ImportFrom, inside: str) -> str:
    "The module that `from ... import` names, seen from a package."
    if not node.level:
        return node.module or ""
    parts = inside.split(".")
    return ".".join([*parts[: len(parts) - node.level + 1], *([node.module] if node.module else [])])


def _literal_prefix(node: ast.expr) -> tuple[str, bool]:
    "(text, True) for a string, (what it begins with, False) for an f-string or a sum, ('', False) for the rest."
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        return node.value, True
    first = node.values[0] if isinstance(node, ast.JoinedStr) else node.left if isinstance(node, ast.BinOp) else None
    return (_literal_prefix(first)[0], False) if first is not None else ("", False)


def _parents(module: str) -> list[str]:
    parts = module.split(".")
    return [".".join(parts[:k]) for k in range(1, len(parts))]


def _group(module: str) -> str:
    return module.split(".")[1]


def reachable(graph: dict[str, set[str]], start: str) -> set[str]:
    "The nodes at the end of a path that leaves `start`."
    found: set[str] = set()
    waiting = list(graph[start])
    while waiting:
        node = waiting.pop()
        if node not in found:
            found.add(node)
            waiting += graph[node]
    return found


def cycles(graph: dict[str, set[str]]) -> list[list[str]]:
    "The groups of nodes that import each other."
    reach = {node: reachable(graph, node) for node in graph}
    rings = {frozenset(m for m in graph if m in reach[n] and n in reach[m]) for n in graph}
    return sorted(sorted(ring) for ring in rings if ring)


def mermaid(package: Package) -> str:
    "The graph of groups, without the arrows that others imply."
    graph, numbers = package.groups(), home_numbers()
    lines = ["```mermaid", "flowchart LR"]
    for group in sorted(graph, key=lambda g: min(n for m, n in numbers.items() if _group(m) == g)):
        found = sorted(n for m, n in numbers.items() if _group(m) == group)
        first, last = ("".join((f"{n:02d}", letter)) for n, letter in (found[0], found[-1]))
        lines.append(f'    {group}["{group}<br>{first}{f" to {last}" if last != first else ""}"]')
    for group, targets in sorted(graph.items()):
        implied = {t for other in targets for t in reachable(graph, other)}
        lines += [f"    {group} --> {target}" for target in sorted(targets - implied)]
    return "\n".join([*lines, "```"])


if __name__ == "__main__":
    drawn = mermaid(Package(ROOT))
    if sys.argv[1:] == ["--write"]:
        file = ROOT / "CONTRIBUTING.md"
        file.write_text(
            BLOCK.sub(lambda m: m[1] + drawn + "\n" + m[3], file.read_text(encoding="utf-8")), encoding="utf-8"
        )
    else:
        print(drawn)
