"""MONAI: a U-Net trained by SupervisedTrainer on MetaTensors."""

import pytest
import torch
import torch.nn.functional as F

pytest.importorskip("monai")
pytest.importorskip("ignite")

from monai.data import DataLoader, Dataset, MetaTensor
from monai.engines import SupervisedTrainer
from monai.inferers import SimpleInferer
from monai.losses import DeepSupervisionLoss, MaskedLoss
from monai.networks.nets import UNet
from monai.utils import LossReduction

from pat_nb.integrations.monai import MonaiLoss

pytestmark = pytest.mark.integrations


@pytest.mark.parametrize("name", ["pat", "focal"])
def test_supervised_trainer(street, assert_falls, name):
    images, labels = street
    items = [
        {"image": MetaTensor(i), "label": MetaTensor(y[None].float())} for i, y in zip(images, labels, strict=True)
    ]
    net = UNet(spatial_dims=2, in_channels=3, out_channels=19, channels=(16, 32, 64), strides=(2, 2))
    options = dict(average_classes=True) if name == "pat" else {}
    loss = MonaiLoss(name, ignore_index=255, reduction=LossReduction.MEAN, **options)
    before = loss(net(images), labels[:, None]).item()
    SupervisedTrainer(
        device=torch.device("cpu"),
        max_epochs=18,
        train_data_loader=DataLoader(Dataset(items), batch_size=8, shuffle=True),
        network=net,
        optimizer=torch.optim.Adam(net.parameters(), 1e-2),
        loss_function=loss,
        inferer=SimpleInferer(),
    ).run()
    assert_falls(f"MONAI, U-Net: {name}", before, loss(net(images), labels[:, None]).item())


def test_wrappers_of_monai():
    z, y = torch.randn(2, 3, 16, 16), torch.randint(0, 3, (2, 1, 16, 16)).float()
    loss = MonaiLoss("pat")
    value = DeepSupervisionLoss(loss)([z, z[..., ::2, ::2]], y)
    half = F.interpolate(y, size=(8, 8), mode="nearest-exact")
    torch.testing.assert_close(value, loss(z, y) + 0.5 * loss(z[..., ::2, ::2], half))
    assert MaskedLoss(MonaiLoss, "ce")(z, y, torch.ones_like(y)) > 0
