"""Losses for long-tailed segmentation: PAT, its baselines, and the functions behind them. Needs torch only."""

from typing import TYPE_CHECKING

from pat_nb.utils import lazy_exports

if TYPE_CHECKING:
    from pat_nb.losses.balanced_softmax import (
        BMSLoss as BMSLoss,
        PosthocLogitAdjustment as PosthocLogitAdjustment,
        adjust_logits as adjust_logits,
        log_prior as log_prior,
    )
    from pat_nb.losses.blv import BLVLoss as BLVLoss, LogitNoise as LogitNoise, variation as variation
    from pat_nb.losses.class_balanced import (
        CBFocalLoss as CBFocalLoss,
        CBLoss as CBLoss,
        effective_weights as effective_weights,
    )
    from pat_nb.losses.counts import check_counts as check_counts
    from pat_nb.losses.cross_entropy import CELoss as CELoss, SoftmaxLoss as SoftmaxLoss, class_weights as class_weights
    from pat_nb.losses.family import (
        Adjust as Adjust,
        Modulator as Modulator,
        check_labels as check_labels,
        check_modulator as check_modulator,
        mask_sizes as mask_sizes,
        pixel_weights as pixel_weights,
        reference_nll as reference_nll,
        value_and_grad as value_and_grad,
    )
    from pat_nb.losses.focal import FocalLoss as FocalLoss, FocalModulator as FocalModulator, focal_loss as focal_loss
    from pat_nb.losses.functional import (
        BACKENDS as BACKENDS,
        all_reduce_mean as all_reduce_mean,
        as_labels as as_labels,
        check_arguments as check_arguments,
        choose_backend as choose_backend,
        is_symbolic as is_symbolic,
        modulated_nll as modulated_nll,
        normalize_weights as normalize_weights,
    )
    from pat_nb.losses.ldam import LDAMLoss as LDAMLoss, margins as margins
    from pat_nb.losses.pat import (
        PATLoss as PATLoss,
        PATModulator as PATModulator,
        mask_weights as mask_weights,
        pat_loss as pat_loss,
        pat_weight as pat_weight,
    )
    from pat_nb.losses.recall import RecallLoss as RecallLoss, recall_weights as recall_weights
    from pat_nb.losses.registry import (
        COMPUTE_OPTIONS as COMPUTE_OPTIONS,
        LOSSES as LOSSES,
        loss_params as loss_params,
        make_loss as make_loss,
    )
    from pat_nb.losses.released import (
        IblaBLV as IblaBLV,
        IblaBMS as IblaBMS,
        IblaCB as IblaCB,
        IblaCBFocal as IblaCBFocal,
        IblaFocal as IblaFocal,
        IblaLDAM as IblaLDAM,
        IblaPATINA as IblaPATINA,
        IblaPATINAP as IblaPATINAP,
        ReleasedLoss as ReleasedLoss,
    )
    from pat_nb.losses.scope import (
        SCOPES as SCOPES,
        component_sizes as component_sizes,
        component_weights as component_weights,
        scope_weights as scope_weights,
    )
    from pat_nb.losses.upsampled import (
        check_upsample as check_upsample,
        family_nll as family_nll,
        upsample_logits as upsample_logits,
        upsampled_nll as upsampled_nll,
    )
    from pat_nb.losses.weighted import (
        MedianFrequencyLoss as MedianFrequencyLoss,
        WCELoss as WCELoss,
        inverse_weights as inverse_weights,
        median_frequency_weights as median_frequency_weights,
    )

__getattr__, __dir__, __all__ = lazy_exports(
    __name__,
    {
        "balanced_softmax": ("BMSLoss", "PosthocLogitAdjustment", "adjust_logits", "log_prior"),
        "blv": ("BLVLoss", "LogitNoise", "variation"),
        "class_balanced": ("CBFocalLoss", "CBLoss", "effective_weights"),
        "counts": ("check_counts",),
        "cross_entropy": ("CELoss", "SoftmaxLoss", "class_weights"),
        "family": (
            "Adjust",
            "Modulator",
            "check_labels",
            "check_modulator",
            "mask_sizes",
            "pixel_weights",
            "reference_nll",
            "value_and_grad",
        ),
        "focal": ("FocalLoss", "FocalModulator", "focal_loss"),
        "functional": (
            "BACKENDS",
            "all_reduce_mean",
            "as_labels",
            "check_arguments",
            "choose_backend",
            "is_symbolic",
            "modulated_nll",
            "normalize_weights",
        ),
        "ldam": ("LDAMLoss", "margins"),
        "pat": ("PATLoss", "PATModulator", "mask_weights", "pat_loss", "pat_weight"),
        "recall": ("RecallLoss", "recall_weights"),
        "registry": ("COMPUTE_OPTIONS", "LOSSES", "loss_params", "make_loss"),
        "released": (
            "IblaBLV",
            "IblaBMS",
            "IblaCB",
            "IblaCBFocal",
            "IblaFocal",
            "IblaLDAM",
            "IblaPATINA",
            "IblaPATINAP",
            "ReleasedLoss",
        ),
        "scope": ("SCOPES", "component_sizes", "component_weights", "scope_weights"),
        "upsampled": ("check_upsample", "family_nll", "upsample_logits", "upsampled_nll"),
        "weighted": ("MedianFrequencyLoss", "WCELoss", "inverse_weights", "median_frequency_weights"),
    },
)
