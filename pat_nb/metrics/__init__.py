"""Metrics of semantic segmentation from one confusion matrix, and the metrics of the released code."""

from typing import TYPE_CHECKING

from pat_nb.utils import lazy_exports

if TYPE_CHECKING:
    from pat_nb.metrics.confusion import (
        ConfusionMatrix as ConfusionMatrix,
        count_pairs as count_pairs,
        frequency_groups as frequency_groups,
        scores as scores,
    )
    from pat_nb.metrics.released import (
        RULES as RULES,
        VOID_FIRST as VOID_FIRST,
        released_scores as released_scores,
        score_by as score_by,
        void_last as void_last,
    )

__getattr__, __dir__, __all__ = lazy_exports(
    __name__,
    {
        "confusion": ("ConfusionMatrix", "count_pairs", "frequency_groups", "scores"),
        "released": ("RULES", "VOID_FIRST", "released_scores", "score_by", "void_last"),
    },
)
