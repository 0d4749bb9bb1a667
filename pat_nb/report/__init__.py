"""Tables and figures from result files."""

from ..utils import lazy_exports

__getattr__, __dir__, __all__ = lazy_exports(
    __name__,
    {
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
        "figures": ("loss_color", "no_run", "save_figure", "save_table"),
    },
)
