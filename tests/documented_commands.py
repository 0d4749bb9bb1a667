"""Commands of README, the documentation and the tutorials, and a check that they can be typed as they stand."""

import json
import re
import shlex
import tomllib
from collections.abc import Callable, Iterator
from contextlib import redirect_stderr, redirect_stdout
from io import StringIO
from pathlib import Path

from notebooks import ROOT, Notebook, is_parameters, notebooks, source_of

from pat_nb.cli import preflight

PAGES = (
    *(ROOT / name for name in ("README.md", "CONTRIBUTING.md", "data/README.md", "workflow/README.md")),
    *(ROOT / "data/weights/README.md", *sorted((ROOT / "docs").glob("*.md"))),
)
PLACEHOLDERS = {"COMMAND": "train", "NAME": "table3", "PROFILE": "compact"}
TARGETS = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(encoding="utf-8"), flags=re.M))
EXTRAS = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]["optional-dependencies"]


def documented() -> list[tuple[str, str]]:
    "(file, command) of every page and tutorial, without duplicates."
    texts = {page: page.read_text(encoding="utf-8") for page in PAGES}
    texts |= {notebook.path: "\n\n".join(_shell_text(notebook)) for notebook in notebooks("tutorials")}
    found = ((str(file.relative_to(ROOT)), command) for file, text in texts.items() for command in commands(text))
    return list(dict.fromkeys(found))


def _shell_text(notebook: Notebook) -> Iterator[str]:
    "The text of a notebook, with its shell commands as blocks."
    for cell in notebook.cells:
        source = source_of(cell)
        shell = "\n".join(re.findall(r"^ *!(.*)", source, flags=re.M))
        yield source if cell["cell_type"] == "markdown" else f"```sh\n{shell}\n```"


def commands(text: str) -> Iterator[str]:
    "The commands of a Markdown text: lines of blocks of shell code, and code in lines that begins with a program."
    blocks = re.findall(r"^```(?:sh|bash|console)\n(.*?)^```", text, flags=re.M | re.S)
    lines = [line for block in blocks for line in block.replace("\\\n", " ").splitlines()]
    text = re.sub(r"^```.*?^```", "", text, flags=re.M | re.S)
    programs = "|".join(name for name in CHECKS if name.isidentifier() or "-" in name)
    inline = re.findall(rf"`((?:{programs}) [^`]+)`", text)
    lines += [re.sub(r"^pat-nb [\w-]+$", r"\g<0> --help", code) for code in inline]  # the mere name of a command
    lines += re.findall(rf"^    ((?:{programs}) .+)$", text, flags=re.M)
    yield from (command for line in lines if (command := re.sub(r"(^|\s)#.*", "", line).strip()))


def check(command: str) -> None:
    "Raise an `AssertionError` if a command names an option, target, extra, file or parameter that does not exist."
    words = [PLACEHOLDERS.get(word, word) for word in shlex.split(command) if word != "..."]
    program = Path(words[0]).name
    assert program in CHECKS, f"{program}: tests/documented_commands.py has no check of this program"
    CHECKS[program](words)


def check_pat_nb(words: list[str]) -> None:
    "Parse the options with the real parser, and resolve the settings."
    with redirect_stdout(StringIO()), redirect_stderr(StringIO()) as messages:
        try:
            status = preflight(words[1:])
        except SystemExit as e:  # of --help, and of a mistake
            status = e.code
    assert status == 0, messages.getvalue()


def check_torchrun(words: list[str]) -> None:
    "As check_pat_nb, for `python -m pat_nb.cli`."
    assert "pat_nb.cli" in words
    check_pat_nb(words[words.index("pat_nb.cli") :])


def check_make(words: list[str]) -> None:
    "The targets exist, `make paper` passes valid options, and `make render` notebooks that exist."
    given = [word.partition("=") for word in words[1:] if "=" in word]
    targets = [word for word in words[1:] if "=" not in word]
    assert targets, "no target"
    assert TARGETS.issuperset(targets)
    if targets == ["render"]:
        return check_files(["render", *(word for _, _, value in given for word in shlex.split(value))])
    options = [shlex.split(value) if name == "ARGS" else [f"--{name.lower()}", value] for name, _, value in given]
    check_pat_nb(["pat-nb", "paper", *(word for option in options for word in option if word != "...")])


def check_pip(words: list[str]) -> None:
    "The extras and files exist."
    for word in words[2:]:
        assert EXTRAS.keys() >= set(re.findall(r"[\w-]+", (re.findall(r"\[(.*)\]", word) or [""])[0])), word
    check_files(words)


def check_papermill(words: list[str]) -> None:
    "The notebook exists and has the parameters."
    path = ROOT / next(word for word in words if word.endswith(".ipynb"))
    (cell,) = [cell for cell in json.loads(path.read_text(encoding="utf-8"))["cells"] if is_parameters(cell)]
    names = set(re.findall(r"^(\w+) *=", source_of(cell), flags=re.M))
    assert names.issuperset(words[k + 1] for k, word in enumerate(words) if word == "-p")


def check_files(words: list[str]) -> None:
    "The files of the repository that a command names exist."
    for word in words[1:]:
        if re.match(r"(nbs|tests|workflow|data|docs)/|.*\.(lock|txt)$", word):
            assert (ROOT / word).exists(), word


CHECKS: dict[str, Callable[[list[str]], None]] = {
    "pat-nb": check_pat_nb,
    "torchrun": check_torchrun,
    "{sys.executable}": check_torchrun,
    "make": check_make,
    "pip": check_pip,
    "papermill": check_papermill,
    "python": check_files,
    "snakemake": check_files,
    "git": check_files,
    "cd": check_files,
    "cp": check_files,
    "touch": check_files,
    "source": check_files,
    "export": check_files,
}
