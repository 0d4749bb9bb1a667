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
    from pat_nb.models.pretrained import (
        FrozenLite0UNet as FrozenLite0UNet,
        LITE0 as LITE0,
        Lite0UNet as Lite0UNet,
        frozen_encoder as frozen_encoder,
        load_encoder as load_encoder,
        pack_features as pack_features,
        pretrained_network as pretrained_network,
        unpack_features as unpack_features,
    )
    from pat_nb.models.registry import MODELS as MODELS, make_model as make_model, model_params as model_params
    from pat_nb.models.smp import smp_network as smp_network

__getattr__, __dir__, __all__ = lazy_exports(
    __name__,
    {
        "networks": ("AttUNet", "AttentionGate", "CosineHead", "SegNet", "Segmenter", "UNet"),
        "pretrained": (
            "FrozenLite0UNet",
            "LITE0",
            "Lite0UNet",
            "frozen_encoder",
            "load_encoder",
            "pack_features",
            "pretrained_network",
            "unpack_features",
        ),
        "registry": ("MODELS", "make_model", "model_params"),
        "smp": ("smp_network",),
    },
)
