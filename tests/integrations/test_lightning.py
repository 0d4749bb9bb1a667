"""Lightning: a U-Net of segmentation-models-pytorch."""

import pytest

pytest.importorskip("lightning")
pytest.importorskip("segmentation_models_pytorch")

import segmentation_models_pytorch as smp
from lightning import Trainer
from torch.utils.data import DataLoader, TensorDataset

from pat_nb.integrations.lightning import SegmentationModule
from pat_nb.losses.functional import all_reduce_mean
from pat_nb.losses.pat import PATLoss

pytestmark = pytest.mark.integrations


def test_unet(street, tmp_path, assert_falls):
    images, labels = street
    model = smp.Unet("resnet18", encoder_weights=None, encoder_depth=3, decoder_channels=(32, 16, 16), classes=19)
    loss = PATLoss(average_classes=True, reduce_normalizer=all_reduce_mean)
    module = SegmentationModule(model, loss, num_classes=19, lr=3e-3)
    data = TensorDataset(images, labels)
    before = loss(model(images), labels).item()
    options = dict(logger=False, enable_checkpointing=False, enable_progress_bar=False, enable_model_summary=False)
    trainer = Trainer(max_epochs=18, accelerator="cpu", default_root_dir=tmp_path, log_every_n_steps=1, **options)
    trainer.fit(module, DataLoader(data, 8, shuffle=True), DataLoader(data, 8))
    assert trainer.global_step == 36
    assert 0 < trainer.callback_metrics["val_miou"] < 1
    assert_falls("lightning, U-Net of smp: PAT", before, loss(model.train()(images), labels).item())
