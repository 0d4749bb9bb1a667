"""Write the repository's address into the tutorials: `python tests/colab.py --write`.

The address is `repository` in `[tool.pat_nb]` of pyproject.toml, OWNER/NAME on GitHub. The badge of each tutorial opens
it in Colab, and its first cell installs the package from that address. While the address is empty, the badge opens
Colab's dialog for notebooks on GitHub, and the first cell needs a wheel.
"""

import json
import re
import sys
import tomllib

from notebooks import ROOT, notebooks, source_of

REPOSITORY = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["tool"]["pat_nb"]["repository"]
BADGE = "https://colab.research.google.com/assets/colab-badge.svg"
COLAB = "https://colab.research.google.com/github/"
HINT = " Colab asks for the address of a repository on GitHub: enter your copy of this one, and choose this notebook."


def with_address(text: str, name: str, repository: str) -> str:
    "Return the text of a tutorial with the address: a badge below the summary, and the source of the installation."
    notebook = json.loads(text)
    heading, install = notebook["cells"][:2]
    link = f"{COLAB}{repository}/blob/main/nbs/tutorials/{name}" if repository else COLAB
    badge = f"[![Open in Colab]({BADGE})]({link}){'' if repository else HINT}\n\n"
    paragraphs = re.sub(r"\[!\[Open in Colab\].*\n\n", "", source_of(heading)).split("\n\n", 2)
    heading["source"] = "\n\n".join([*paragraphs[:2], badge + paragraphs[2]]).splitlines(keepends=True)
    code = re.sub(r'(repository = )"[^"]*"', rf'\1"{repository}"', source_of(install))
    install["source"] = code.splitlines(keepends=True)
    return json.dumps(notebook, indent=1, ensure_ascii=False, sort_keys=True) + "\n"


if __name__ == "__main__" and "--write" in sys.argv:
    for path in (notebook.path for notebook in notebooks("tutorials")):
        path.write_text(with_address(path.read_text(encoding="utf-8"), path.name, REPOSITORY), encoding="utf-8")
