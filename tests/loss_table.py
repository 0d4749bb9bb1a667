"""README's table of losses, made from pat_nb.names.LOSS_TABLE.

`python tests/loss_table.py --write` writes it between `<!-- losses -->` and `<!-- end -->`.
"""

import re
import sys

from notebooks import ROOT

sys.path.insert(0, str(ROOT))
from pat_nb.names import LOSS_TABLE  # noqa: E402  # of this checkout

BLOCK = re.compile(r"(<!-- losses -->\n)(.*?)(<!-- end -->)", flags=re.S)


def loss_table() -> str:
    "A row per loss, and one for all released losses."
    own = [loss for loss in LOSS_TABLE if not loss.path.startswith("released:")]
    rows = [("name", "class", "source", "needs class counts"), ("---",) * 4]
    for loss in own:
        path = f"`pat_nb.losses.{loss.path.partition(':')[2]}`"
        rows.append((f"`{loss.name}`", path, loss.source, "yes" if loss.needs_counts else "no"))
    released = f"the paper's released code, {len(LOSS_TABLE) - len(own)} losses"
    rows.append(("`ibla_*`", "`pat_nb.losses.released`", released, "no"))
    lines = ["|" + "|".join(row) + "|" if row[0] == "---" else f"| {' | '.join(row)} |" for row in rows]
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    if sys.argv[1:] == ["--write"]:
        file = ROOT / "README.md"
        file.write_text(
            BLOCK.sub(lambda m: m[1] + loss_table() + m[3], file.read_text(encoding="utf-8")), encoding="utf-8"
        )
    else:
        print(loss_table(), end="")
