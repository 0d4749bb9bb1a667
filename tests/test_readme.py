"""README.md: its code runs, its tables are those of the files, and the links of all documents lead somewhere."""

import re
from pathlib import Path

import pytest
from import_graph import Package
from notebooks import ROOT

from pat_nb.names import LOSS_TABLE

README = (ROOT / "README.md").read_text(encoding="utf-8")
QUOTES = re.findall(r"<!-- (figures/\S+) -->\n(.*?)\n<!-- end -->", README, flags=re.S)
DOCUMENTS = ("README.md", "CONTRIBUTING.md", "data/README.md", "workflow/README.md")
SNIPPETS = re.findall(r"^```python\n(.*?)^```", README, flags=re.M | re.S)
USER_CODE = """import torch
model = torch.nn.Conv2d(3, 5, 1)
images, target = torch.rand(2, 3, 8, 8), torch.randint(0, 5, (2, 8, 8))
"""  # what the snippets expect
PACKAGE = Package(ROOT)


def test_readme_has_snippets_and_quotes():
    assert SNIPPETS
    assert QUOTES
    markers = re.findall(r"<!-- (.*?) -->", README)
    assert markers[1::2] == ["end"] * (len(markers) // 2), "every `<!-- name -->` needs its `<!-- end -->`"


@pytest.mark.parametrize("snippet", SNIPPETS)
def test_snippet_runs(snippet, run_command):
    check = "assert model.weight.grad.abs().sum() > 0\n" if ".backward()" in snippet else ""
    run_command("python", "-c", USER_CODE + snippet + check)


@pytest.mark.parametrize(("file", "table"), QUOTES, ids=[file for file, _ in QUOTES])
def test_quoted_table(file, table):
    first = (ROOT / file).read_text(encoding="utf-8").split("\n\n")[0]
    assert table == first, f"README.md quotes an old table: copy the first of {file}"


def table_rows(header: tuple[str, ...]) -> list[list[str]]:
    "The rows of README's table with that header."
    lines = [[cell.strip() for cell in line.strip().strip("|").split("|")] for line in README.splitlines()]
    start = lines.index(list(header)) + 2
    end = next(k for k in range(start, len(lines)) if len(lines[k]) < len(header))
    return lines[start:end]


def test_table_of_losses():
    "A row per loss: its name, a class that can be imported under the given path, its source."
    rows = table_rows(("name", "class", "source"))  # a row: | `ce` | `pat_nb.losses.CELoss` | cross-entropy |
    assert [row[0].strip("`") for row in rows] == [loss.name for loss in LOSS_TABLE]
    for (_, path, source), loss in zip(rows, LOSS_TABLE, strict=True):
        module, _, name = loss.path.partition(":")
        homes = (f"pat_nb.losses.{module}.{name}", f"pat_nb.losses.{name}")
        assert path.strip("`") in homes
        assert PACKAGE.resolve(path.strip("`")) == f"pat_nb.losses.{module}"
        assert name in PACKAGE.defines(f"pat_nb.losses.{module}")
        assert source == loss.source


def anchors(text: str) -> set[str]:
    "The anchors that GitHub gives to headings."
    headings = re.findall(r"^#+ (.*)$", re.sub(r"^```.*?^```", "", text, flags=re.M | re.S), flags=re.M)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).strip().replace(" ", "-") for heading in headings}


def relative_links(document: str) -> list[str]:
    text = (ROOT / document).read_text(encoding="utf-8")
    return sorted({link for link in re.findall(r"\]\(([^)\s]+)\)", text) if not re.match(r"[a-z]+:", link)})


@pytest.mark.parametrize(("document", "link"), [(d, link) for d in DOCUMENTS for link in relative_links(d)])
def test_link(document, link):
    path, _, anchor = link.partition("#")
    target: Path = (ROOT / document).parent / path if path else ROOT / document
    assert target.exists()
    assert not anchor or anchor in anchors(target.read_text(encoding="utf-8"))
