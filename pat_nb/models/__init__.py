"""Segmentation networks, by name. Needs the extra `train` for the networks of segmentation-models-pytorch."""

from typing import TYPE_CHECKING

from pat_nb.utils import lazy_exports

if TYPE_CHECKING:
    from pat_nb.models.networks import (
        AttentionGate as AttentionGate,
        AttUNet as AttUNet,
        CosineHead as CosineHead,
        SegNet as SegNet,
        Segmenter as Segmenter,
        UNet as UNet,
    )
    from pat_nb.models.registry import MODELS as MODELS, make_model as make_model, model_params as model_params
    from pat_nb.models.smp import smp_network as smp_network

__getattr__, __dir__, __all__ = lazy_exports(
    __name__,
    {
        "networks": ("AttUNet", "AttentionGate", "CosineHead", "SegNet", "Segmenter", "UNet"),
        "registry": ("MODELS", "make_model", "model_params"),
        "smp": ("smp_network",),
    },
)
