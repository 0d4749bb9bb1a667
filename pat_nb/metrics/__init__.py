"""Metrics of semantic segmentation from one confusion matrix, and the metrics of the released code."""

from typing import TYPE_CHECKING

from pat_nb.utils import lazy_exports

if TYPE_CHECKING:
    from pat_nb.metrics.confusion import (
        ABSENT as ABSENT,
        Batch as Batch,
        ConfusionMatrix as ConfusionMatrix,
        Metric as Metric,
        confusion_scores as confusion_scores,
        count_pairs as count_pairs,
        frequency_groups as frequency_groups,
    )
    from pat_nb.metrics.cross_entropy import CrossEntropy as CrossEntropy
    from pat_nb.metrics.released import (
        RELEASED_RULES as RELEASED_RULES,
        ReleasedScores as ReleasedScores,
        VOID_FIRST as VOID_FIRST,
        released_scores as released_scores,
    )
    from pat_nb.metrics.upsampled import (
        UpsampledBatch as UpsampledBatch,
        upsampled_classes as upsampled_classes,
        upsampled_pairs as upsampled_pairs,
    )

__getattr__, __dir__, __all__ = lazy_exports(
    __name__,
    {
        "confusion": (
            "ABSENT",
            "Batch",
            "ConfusionMatrix",
            "Metric",
            "confusion_scores",
            "count_pairs",
            "frequency_groups",
        ),
        "cross_entropy": ("CrossEntropy",),
        "released": ("RELEASED_RULES", "ReleasedScores", "VOID_FIRST", "released_scores"),
        "upsampled": ("UpsampledBatch", "upsampled_classes", "upsampled_pairs"),
    },
)
