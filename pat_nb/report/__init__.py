"""Tables and figures from result files. Needs the extra `paper`."""

from typing import TYPE_CHECKING

from pat_nb.utils import lazy_exports, require_extra

if TYPE_CHECKING:
    from pat_nb.report.figures import (
        add_note as add_note,
        equal_scale as equal_scale,
        figure_note as figure_note,
        forest as forest,
        loss_color as loss_color,
        no_run as no_run,
        save_figure as save_figure,
        save_table as save_table,
        spread as spread,
    )
    from pat_nb.report.tables import (
        bootstrap as bootstrap,
        cells as cells,
        compare_runs as compare_runs,
        mark_best as mark_best,
        over_seeds as over_seeds,
        paired_rows as paired_rows,
        provenance as provenance,
        read_paper as read_paper,
        readable as readable,
        wide as wide,
    )

require_extra("paper", "matplotlib", "pandas", "tabulate")

__getattr__, __dir__, __all__ = lazy_exports(
    __name__,
    {
        "figures": (
            "add_note",
            "equal_scale",
            "figure_note",
            "forest",
            "loss_color",
            "no_run",
            "save_figure",
            "save_table",
            "spread",
        ),
        "tables": (
            "bootstrap",
            "cells",
            "compare_runs",
            "mark_best",
            "over_seeds",
            "paired_rows",
            "provenance",
            "read_paper",
            "readable",
            "wide",
        ),
    },
)
