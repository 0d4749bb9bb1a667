"""README.md: its code runs, its tables are those of the files, and the links of all documents lead somewhere."""

import re
from pathlib import Path

import pytest
from import_graph import Package
from notebooks import ROOT

from pat_nb.names import LOSS_TABLE

README = (ROOT / "README.md").read_text(encoding="utf-8")
DOCUMENTS = (
    *("README.md", "CONTRIBUTING.md", "SECURITY.md", "data/README.md", "workflow/README.md"),
    *sorted(str(page.relative_to(ROOT)) for page in (ROOT / "docs").glob("*.md")),
)
SNIPPETS = re.findall(r"^```python\n(.*?)^```", README, flags=re.M | re.S)
USER_CODE = """import torch
model = torch.nn.Conv2d(3, 5, 1)
images, target = torch.rand(2, 3, 8, 8), torch.randint(0, 5, (2, 8, 8))
"""  # what the snippets expect
PACKAGE = Package(ROOT)


def test_readme_is_short_and_has_snippets():
    assert SNIPPETS
    assert len(README.split()) <= 700


@pytest.mark.parametrize("snippet", SNIPPETS)
def test_snippet_runs(snippet, tmp_path, monkeypatch):
    check = "assert model.weight.grad.abs().sum() > 0\n" if ".backward()" in snippet else ""
    monkeypatch.chdir(tmp_path)
    exec(compile(USER_CODE + snippet + check, "README.md", "exec"), {})


@pytest.mark.parametrize("loss", LOSS_TABLE, ids=lambda loss: loss.name)
def test_loss_can_be_imported_as_the_table_says(loss):
    module, _, name = loss.path.partition(":")
    assert name in PACKAGE.defines(f"pat_nb.losses.{module}")
    assert PACKAGE.resolve(f"pat_nb.losses.{name}") == f"pat_nb.losses.{module}"


def anchors(text: str) -> set[str]:
    "The anchors that GitHub gives to headings."
    headings = re.findall(r"^#+ (.*)$", re.sub(r"^```.*?^```", "", text, flags=re.M | re.S), flags=re.M)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).strip().replace(" ", "-") for heading in headings}


def relative_links(document: str) -> list[str]:
    text = (ROOT / document).read_text(encoding="utf-8")
    links = re.findall(r"\]\(([^)\s]+)\)", text)
    return sorted({link for link in links if not re.match(r"[a-z]+:|_generated/", link)})  # Sphinx checks its own


@pytest.mark.parametrize(("document", "link"), [(d, link) for d in DOCUMENTS for link in relative_links(d)])
def test_link(document, link):
    path, _, anchor = link.partition("#")
    target: Path = (ROOT / document).parent / path if path else ROOT / document
    assert target.exists()
    assert not anchor or anchor in anchors(target.read_text(encoding="utf-8"))
