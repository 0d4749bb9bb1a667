"""The loss over 20 steps of gradient descent, for every loss in float64 on the CPU.

`python tests/golden_losses.py --write` stores the curves in tests/golden_losses.json. Do that only if a loss
is meant to change.
"""

import json
import sys

import torch
from notebooks import ROOT
from torch import Tensor

sys.path.insert(0, str(ROOT))
from pat_nb.losses.registry import make_loss  # noqa: E402  # of this checkout
from pat_nb.names import LOSS_TABLE  # noqa: E402

FILE = ROOT / "tests" / "golden_losses.json"
STEPS, CLASSES = 20, 5


def batch() -> tuple[Tensor, Tensor]:
    "Features (2, 4, 6, 7) and long-tailed labels with an ignored row, without random numbers."
    n = torch.arange(2 * 4 * 6 * 7, dtype=torch.float64)
    features_BFHW = torch.sin(0.7 * n).add(torch.cos(0.013 * n * n)).view(2, 4, 6, 7)
    y_BHW = torch.tensor([0, 0, 0, 0, 0, 1, 0, 0, 2, 0, 1, 0, 3, 0, 0, 1, 4, 0, 2])[torch.arange(84) % 19].view(2, 6, 7)
    y_BHW[:, 0] = 255
    return features_BFHW, y_BHW


def curve(name: str) -> list[float]:
    "The loss before each step of a linear classifier per pixel, with seeded noise."
    features_BFHW, y_BHW = batch()
    counts = torch.bincount(y_BHW[y_BHW < 255], minlength=CLASSES)
    loss = make_loss(name, CLASSES, counts=counts, image_pixels=counts.sum().expand(CLASSES)).double()
    weight_CF = torch.cos(1.3 * torch.arange(CLASSES * 4, dtype=torch.float64)).view(CLASSES, 4).requires_grad_()
    torch.manual_seed(0)
    values = []
    for _ in range(STEPS):
        value = loss(torch.einsum("cf,bfhw->bchw", weight_CF, features_BFHW), y_BHW)
        values.append(value.item())
        (gradient_CF,) = torch.autograd.grad(value, weight_CF)
        weight_CF.data -= 0.2 * gradient_CF / gradient_CF.norm().clamp(min=1e-12)
    return values


if __name__ == "__main__":
    curves = {loss.name: curve(loss.name) for loss in LOSS_TABLE}
    if sys.argv[1:] == ["--write"]:
        FILE.write_text(json.dumps(curves, indent=1) + "\n", encoding="utf-8")
    else:
        print(json.dumps(curves, indent=1))
