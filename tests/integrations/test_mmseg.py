"""mmsegmentation: configs, auxiliary heads, several losses, a pixel sampler, training by mmengine's Runner."""

import importlib.util
import sys
from types import ModuleType

import pytest
import torch

pytest.importorskip("mmseg")
if importlib.util.find_spec("mmcv._ext") is None:  # mmcv-lite: mmseg.models imports compiled operations that it lacks

    class _Operations(ModuleType):
        def __getattr__(self, name):
            if name.startswith("__"):
                raise AttributeError(name)
            return type(name, (), {})

    sys.modules["mmcv.ops"] = _Operations("mmcv.ops")

from mmengine.config import Config
from mmengine.runner import Runner
from mmengine.structures import PixelData
from mmseg.registry import MODELS
from mmseg.structures import SegDataSample
from mmseg.utils import register_all_modules

pytestmark = pytest.mark.integrations

CONFIG = """
custom_imports = dict(imports=["pat_nb.integrations.mmseg"])
norm = dict(type="BN")
model = dict(
    type="EncoderDecoder",
    data_preprocessor=dict(type="SegDataPreProcessor", size=(64, 64), mean=[127.5] * 3, std=[64.0] * 3),
    backbone=dict(
        type="MixVisionTransformer", embed_dims=8, num_stages=4, num_layers=[1] * 4, num_heads=[1, 2, 4, 8],
        patch_sizes=[7, 3, 3, 3], sr_ratios=[8, 4, 2, 1], out_indices=(0, 1, 2, 3), drop_path_rate=0.0,
    ),
    decode_head=dict(
        type="SegformerHead", in_channels=[8, 16, 32, 64], in_index=[0, 1, 2, 3], channels=32, num_classes=19,
        norm_cfg=norm, dropout_ratio=0, align_corners=False,
        loss_decode=[
            dict(type="PatNbLoss", loss="pat", average_classes=True),
            dict(type="PatNbLoss", loss="focal", loss_name="loss_focal", loss_weight=0.5),
        ],
    ),
    auxiliary_head=dict(
        type="FCNHead", in_channels=32, in_index=2, channels=16, num_convs=1, num_classes=19, norm_cfg=norm,
        concat_input=False, dropout_ratio=0, align_corners=False,
        sampler=dict(type="OHEMPixelSampler", thresh=0.7, min_kept=500),
        loss_decode=dict(type="PatNbLoss", loss="ce", loss_name="loss_ce", loss_weight=0.4),
    ),
    train_cfg=dict(), test_cfg=dict(mode="whole"),
)
optim_wrapper = dict(optimizer=dict(type="AdamW", lr=2e-3))
train_cfg = dict(by_epoch=False, max_iters=36)
"""


def samples(images, labels):
    for image, label in zip(images, labels, strict=True):
        sample = SegDataSample(gt_sem_seg=PixelData(data=label[None]), metainfo=dict(img_shape=label.shape))
        yield {"inputs": (image * 255).byte(), "data_samples": sample}


def loss_of(model, data) -> float:
    batch = {key: [item[key] for item in data] for key in data[0]}
    losses = model(**model.data_preprocessor(batch, True), mode="loss")
    assert {"decode.loss_pat", "decode.loss_focal", "aux.loss_ce"} <= set(losses)
    return float(model.parse_losses(losses)[0])


def test_segformer(street, tmp_path, assert_falls):
    register_all_modules(init_default_scope=True)
    (tmp_path / "pat.py").write_text(CONFIG)
    cfg = Config.fromfile(tmp_path / "pat.py")
    model, data = MODELS.build(cfg.model), list(samples(*street))
    before = loss_of(model, data)
    runner = Runner(
        model=model,
        work_dir=str(tmp_path),
        train_dataloader=dict(
            dataset=data, batch_size=8, sampler=dict(type="InfiniteSampler"), collate_fn=dict(type="pseudo_collate")
        ),
        train_cfg=cfg.train_cfg,
        optim_wrapper=cfg.optim_wrapper,
        default_scope="mmseg",
        log_level="ERROR",
    )
    runner.train()
    assert_falls("mmseg, SegFormer: PAT + focal, FCN: CE", before, loss_of(model, data))


def test_ignore_index_of_the_head():
    from pat_nb.integrations.mmseg import PatNbLoss

    z, y = torch.randn(2, 4, 8, 8), torch.randint(0, 4, (2, 8, 8))
    loss = MODELS.build(dict(type="PatNbLoss", loss="pat"))
    assert isinstance(loss, PatNbLoss)
    ignored = torch.rand(2, 8, 8) < 0.3
    torch.testing.assert_close(
        loss(z, y.masked_fill(ignored, 7), ignore_index=7), loss(z, y.masked_fill(ignored, 255), ignore_index=255)
    )
