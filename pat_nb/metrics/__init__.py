"""Metrics of semantic segmentation from one confusion matrix, per image, at boundaries and of calibration, and by the released code."""

from typing import TYPE_CHECKING

from pat_nb.utils import lazy_exports

if TYPE_CHECKING:
    from pat_nb.metrics.boundary import BoundaryIoU as BoundaryIoU, inner_boundary as inner_boundary
    from pat_nb.metrics.calibration import CalibrationError as CalibrationError
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
    from pat_nb.metrics.extended import EXTENDED as EXTENDED, ExtendedScores as ExtendedScores
    from pat_nb.metrics.images import (
        ImageCounts as ImageCounts,
        ImageScores as ImageScores,
        count_images as count_images,
        image_scores as image_scores,
    )
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
        "boundary": ("BoundaryIoU", "inner_boundary"),
        "calibration": ("CalibrationError",),
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
        "extended": ("EXTENDED", "ExtendedScores"),
        "images": ("ImageCounts", "ImageScores", "count_images", "image_scores"),
        "released": ("RELEASED_RULES", "ReleasedScores", "VOID_FIRST", "released_scores"),
        "upsampled": ("UpsampledBatch", "upsampled_classes", "upsampled_pairs"),
    },
)
