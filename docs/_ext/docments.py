"""Add the parameters of functions and classes, documented by comments in their source, to the API pages.

`name: type,  # meaning` becomes a line of the parameter list. fastcore reads the comments.
"""

import inspect
import re
from dataclasses import is_dataclass
from typing import Any

from fastcore.docments import docments


def parameters(obj: Any) -> dict[str, str]:
    "name -> comment of every parameter; `return` -> comment of the returned value."
    source = obj if is_dataclass(obj) or not inspect.isclass(obj) else obj.__init__
    try:
        found = docments(source, full=True)
        known = set(inspect.signature(source).parameters) | {"return"}
    except (TypeError, ValueError, OSError, SyntaxError, KeyError, AttributeError, IndexError):
        return {}
    out = {}
    for name, entry in found.items():
        if name in known and name not in ("self", "cls"):
            out[name] = (entry.get("docment") or "").replace("\n", " ")
    return out


def to_rst(text: str) -> str:
    "Escape what reStructuredText would interpret, except in `code`."
    parts = re.split(r"(`[^`]*`)", text)
    return "".join(p if k % 2 else _escape(p) for k, p in enumerate(parts))


def _escape(text: str) -> str:
    return re.sub(r"([A-Za-z0-9])_(?![A-Za-z0-9])", r"\1\\_", re.sub(r"([\\*|])", r"\\\1", text.replace("`", r"\`")))


def split_sections(lines: list[str]) -> tuple[list[str], dict[str, str]]:
    "Take lists of parameters (`Args:` and indented `name: meaning`) out of a docstring."
    rest: list[str] = []
    found: dict[str, str] = {}
    inside = False
    for line in lines:
        entry = re.match(r"    (\w+): (.*)", line)
        if re.fullmatch(r"(Args|Options .*):", line):
            inside = True
        elif inside and entry:
            found[entry[1]] = entry[2]
        elif inside and line.startswith("     "):
            found[list(found)[-1]] += " " + line.strip()
        else:
            inside = False
            rest.append(line)
    return rest, found


def add_parameters(app, what, name, obj, options, lines):
    "Append a field list of the parameters to a docstring."
    if what == "data":  # the docstring is that of the constant's type
        lines.clear()
    rest, described = split_sections(lines)
    lines[:] = [to_rst(line) for line in rest]
    if what not in ("function", "class", "method"):
        return
    found = parameters(obj)
    found = {k: v for k, v in found.items() if v or not described} | described
    fields = [f":param {k}: {to_rst(v)}".rstrip() for k, v in found.items() if k != "return"]
    if result := found.get("return"):
        fields.append(f":returns: {to_rst(result)}")
    if fields:
        lines += ["", *fields, ""]


def setup(app):
    app.connect("autodoc-process-docstring", add_parameters)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
