"""Write the pages that are made from other files: notebooks, API, tables of results, data sets."""

import csv
import importlib
import json
import re
import shutil
from pathlib import Path

import explorer

from pat_nb.names import loss_table_markdown

NOTEBOOK_FOLDERS = ("", "paper", "experiments", "tutorials")
GROUPS = (  # first and last number, title
    (0, 9, "Settings and names"),
    (10, 19, "Losses"),
    (20, 29, "Metrics and reading"),
    (30, 39, "Data"),
    (40, 59, "Models and training"),
    (60, 69, "Experiments and benchmarks"),
    (70, 89, "Reports and commands"),
    (90, 99, "Integrations"),
)
API = {  # page -> (title, packages or modules)
    "losses": ("Losses", ["pat_nb.losses"]),
    "metrics": ("Metrics", ["pat_nb.metrics"]),
    "data": ("Data", ["pat_nb.data"]),
    "models": ("Models", ["pat_nb.models"]),
    "training": ("Training", ["pat_nb.training"]),
    "experiments": (
        "Experiments",
        ["pat_nb.experiments", *(f"pat_nb.experiments.{m}" for m in ("run", "results", "pool", "grids", "archive"))],
    ),
    "report": ("Reports", ["pat_nb.report"]),
    "settings": ("Settings, names and utilities", ["pat_nb.settings", "pat_nb.names", "pat_nb.utils"]),
}

FIGURES = (  # below figures/
    "compact/findings_differences.png",
    "compact/ablation_components_curves.png",
    "frozen/fig6_one_axis.png",
    "frozen/fig7_length.png",
    "finetuned/table10_validation.png",
)


def write_all(root: Path, out: Path) -> None:
    "Write every generated page below `out`."
    copy_notebooks(root / "nbs", out / "notebooks")
    write_api(out / "api")
    write(out / "losses_table.md", loss_table_markdown() + "\n")
    write(out / "losses_cost.md", cost_table(root / "data" / "results" / "compact" / "costs.csv"))
    findings = (root / "figures" / "compact" / "findings.md").read_text(encoding="utf-8").split("\n\n")[0]
    write(out / "findings.md", findings.replace(" ± ", "\N{NO-BREAK SPACE}±\N{NO-BREAK SPACE}") + "\n")
    write(out / "data_sets.md", data_page(root / "data" / "README.md"))
    for name in FIGURES:
        copy(root / "figures" / name, out / Path(name).name)
    explorer.write_page(root / "data" / "results", out / "extra" / "explorer.html")


def write(file: Path, text: str) -> None:
    "Write a file if its content changes, so that Sphinx reads only what is new."
    file.parent.mkdir(parents=True, exist_ok=True)
    if not file.is_file() or file.read_text(encoding="utf-8") != text:
        file.write_text(text, encoding="utf-8")


def copy(source: Path, target: Path) -> None:
    target.parent.mkdir(parents=True, exist_ok=True)
    if not target.is_file() or source.read_bytes() != target.read_bytes():
        shutil.copyfile(source, target)


def copy_notebooks(source: Path, target: Path) -> None:
    "Copy the notebooks without nbdev's directives, and list them by topic."
    names: dict[str, list[str]] = {}
    for folder in NOTEBOOK_FOLDERS:
        for file in sorted((source / folder).glob("*.ipynb")):
            notebook = json.loads(file.read_text(encoding="utf-8"))
            notebook["cells"] = [clean_cell(cell) for cell in notebook["cells"] if not is_hidden(cell)]
            write(target / folder / file.name, json.dumps(notebook, indent=1))
            names.setdefault(folder, []).append(file.stem)
    for old in target.rglob("*.ipynb"):
        if not (source / old.relative_to(target)).is_file():
            old.unlink()
    lines = ["# Notebooks", "", "Each numbered notebook explains, tests and exports one module of the package.", ""]
    for first, last, title in GROUPS:
        found = [n for n in names[""] if first <= int(n[:2]) <= last]
        lines += [f"## {title}", "", "```{toctree}", ":maxdepth: 1", "", *found, "```", ""]
    lines += ["## Tables and figures of the paper", "", "```{toctree}", ":maxdepth: 1", ""]
    lines += [*(f"paper/{n}" for n in names["paper"]), *(f"experiments/{n}" for n in names["experiments"]), "```", ""]
    write(target / "index.md", "\n".join(lines))


def is_hidden(cell: dict) -> bool:
    return bool(re.match(r"#\| *(default_exp|hide)", "".join(cell["source"])))


def clean_cell(cell: dict) -> dict:
    "Remove directives from code, and links that lead out of the site from text."
    text = "".join(cell["source"])
    if cell["cell_type"] == "code":
        text = re.sub(r"^#\|.*\n?", "", text, flags=re.M)
    else:
        text = re.sub(r"\[([^\]]*)\]\(((?:\.\./)+(?!\d)[^)]*)\)", r"`\1`", text)
    return cell | {"source": text}


def data_page(file: Path) -> str:
    "data/README.md with links that fit the site."
    text = file.read_text(encoding="utf-8").split("\n", 1)[1]
    text = re.sub(r"(?<![(<\"])(https?://[^\s,;)|]+[^\s,;)|.])", r"<\1>", text)
    text = text.replace("../nbs/", "_generated/notebooks/")
    return re.sub(r"\[([^\]]*)\]\((?!_generated/|#|https?:)[^)]*\)", r"`\1`", text)


def cost_table(file: Path) -> str:
    "Time and memory of the losses relative to F.cross_entropy."
    with open(file, encoding="utf-8", newline="") as stream:
        rows = [row for row in csv.DictReader(stream) if row["group"] in ("base", "ours")]
    shapes = list(dict.fromkeys(row["shape"] for row in rows))
    values = {(row["loss"], row["shape"]): (float(row["time"]), float(row["memory"])) for row in rows}
    title = {row["shape"]: f"{row['shape']} ({row['size']})" for row in rows}
    lines = [
        f"| loss | {' | '.join(f'{title[s]}: time | memory' for s in shapes)} |",
        "|---" * (1 + 2 * len(shapes)) + "|",
    ]
    for loss in dict.fromkeys(row["loss"] for row in rows):
        cells = [
            f"{values[loss, s][0]:.2f} | {values[loss, s][1]:.2f}" if (loss, s) in values else " | " for s in shapes
        ]
        lines.append(f"| {loss} | {' | '.join(cells)} |")
    return "\n".join(lines) + "\n"


def write_api(out: Path) -> None:
    "Write a page per package with every public name."
    for page, (title, modules) in API.items():
        lines = [title, "=" * len(title), ""]
        for name in modules:
            lines += module_page(name, heading=len(modules) > 1)
        write(out / f"{page}.rst", "\n".join(lines) + "\n")


def module_page(name: str, heading: bool) -> list[str]:
    module = importlib.import_module(name)
    lines = [name, "-" * len(name), ""] if heading else [f"Package `{name}`.", ""]
    package = hasattr(module, "__path__")
    public = sorted(getattr(module, "__all__", ()), key=lambda n: (n.isupper(), n.islower(), n))
    for public_name in (n for n in public if not n.startswith("_")):
        obj = getattr(module, public_name)
        home = getattr(obj, "__module__", None) or name
        if not package and home != name and (isinstance(obj, type) or callable(obj)):
            continue
        kind = "class" if isinstance(obj, type) else "function" if callable(obj) else "data"
        lines += [f".. auto{kind}:: {name}.{public_name}"]
        lines += ["   :no-value:", "", f"   A constant of type `{type(obj).__name__}`."] if kind == "data" else []
        lines += [""]
    return lines
