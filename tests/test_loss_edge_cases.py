"""Losses where arithmetic or autograd goes wrong easily: infinite logits, float16 gradients, changed defaults."""

import math

import pytest
import torch
import torch.nn.functional as F

from pat_nb.losses import CELoss, PATLoss, RecallLoss, modulated_nll, upsampled_nll
from pat_nb.losses.backends.cpp_kernel import can_build
from pat_nb.losses.family import Modulator
from pat_nb.losses.focal import FocalModulator
from pat_nb.losses.pat import PATModulator
from pat_nb.losses.recall import recall_weights

needs_cpp = pytest.mark.skipif(not can_build(), reason='backend="cpp" needs a C++ compiler and ninja')
BACKENDS = ["eager", "reference", pytest.param("cpp", marks=needs_cpp)]
MODULATORS = [Modulator(), PATModulator(20.0), FocalModulator(2.0), FocalModulator(0.5)]


@pytest.mark.parametrize("backend", [*BACKENDS, pytest.param("compiled", marks=pytest.mark.slow)])
@pytest.mark.parametrize("modulator", MODULATORS, ids=lambda m: f"{type(m).__name__}{vars(m)}")
def test_an_ignored_pixel_may_have_infinite_logits(backend, modulator):
    z, y = torch.randn(1, 3, 4), torch.tensor([[1, 255, 2, 1]])
    z[0, 0, 1] = -math.inf  # ignored pixels are computed as class 0
    z.requires_grad_()
    loss = modulated_nll(z, y, modulator, backend=backend)
    loss.backward()
    want = modulated_nll(z.detach()[..., [0, 2, 3]], y[:, [0, 2, 3]], modulator, backend="reference")
    assert loss.item() == pytest.approx(want.item(), rel=1e-5)
    assert z.grad.isfinite().all()
    assert not z.grad[..., 1].any()


@pytest.mark.parametrize("backend", ["eager", "reference"])
def test_float16_gradients_survive_a_gradient_scaler(backend):
    z, y = torch.randn(1, 8, 512, 512).half().requires_grad_(), torch.randint(0, 8, (1, 512, 512))
    (1024 * modulated_nll(z, y, backend=backend)).backward()
    exact = z.detach().double().requires_grad_()
    (1024 * F.cross_entropy(exact, y)).backward()
    assert (z.grad.double() - exact.grad).norm() < 1e-3 * exact.grad.norm()


def test_inplace_is_noticed_by_autograd():
    "The backward pass of tanh needs its output, which the loss has overwritten."
    for backend in ["eager", *(["cpp"] if can_build() else [])]:
        hidden = torch.tanh(torch.randn(1, 4, 9, requires_grad=True))
        loss = modulated_nll(hidden, torch.randint(0, 4, (1, 9)), backend=backend, inplace=True)
        with pytest.raises(RuntimeError, match="modified by an inplace operation"):
            loss.backward()


@needs_cpp
@pytest.mark.parametrize("dtype", [torch.float64, torch.bfloat16])
def test_cpp_does_not_depend_on_the_default_dtype(dtype):
    z, y = torch.randn(1, 5, 3, 4), torch.randint(0, 5, (1, 3, 4))
    large = torch.randint(0, 5, (1, 12, 16))
    want = modulated_nll(z, y, reduction="none", backend="eager"), upsampled_nll(z, large, backend="eager")
    torch.set_default_dtype(dtype)
    try:
        got = modulated_nll(z, y, reduction="none", backend="cpp"), upsampled_nll(z, large, backend="cpp")
    finally:
        torch.set_default_dtype(torch.float32)
    for a, b in zip(got, want, strict=True):
        assert a.dtype == torch.float32
        assert torch.allclose(a, b, rtol=1e-5)


@pytest.mark.parametrize("smoothing", [0.0, 0.1])
def test_a_batch_of_weight_zero_has_gradient_zero(smoothing):
    z = torch.randn(1, 3, 4, requires_grad=True)
    loss = CELoss(weight=torch.tensor([1.0, 0.0, 1.0]), label_smoothing=smoothing)(z, torch.ones(1, 4).long())
    loss.backward()
    assert loss.item() == 0
    assert not z.grad.any()


@pytest.mark.parametrize("backend", BACKENDS)
def test_a_weight_that_requires_a_gradient_is_refused(backend):
    z, y, weight = torch.randn(1, 3, 4), torch.zeros(1, 4).long(), torch.ones(3, requires_grad=True)
    with pytest.raises(ValueError, match="weight requires a gradient"):
        modulated_nll(z, y, weight=weight, backend=backend)


def test_recall_of_several_processes_equals_that_of_one(monkeypatch):
    prediction = torch.tensor([[0] * 40 + [1] * 3 + [0]])
    target = torch.tensor([[0] * 40 + [1] * 4])
    want = recall_weights(prediction, target, 3)
    monkeypatch.setattr("torch.distributed.is_initialized", lambda: True)
    monkeypatch.setattr("torch.distributed.get_world_size", lambda: 4)
    assert torch.allclose(recall_weights(prediction, target, 3, reduce=lambda n: n / 4), want)
    assert want.tolist() == pytest.approx([1 / 40, 1 / 4, 1])


@pytest.mark.parametrize("options", [dict(weight=torch.ones(3)), dict(scope="dataset", counts=torch.ones(3))], ids=str)
def test_pat_refuses_vectors_of_another_number_of_classes(options):
    with pytest.raises(ValueError, match=r"of shape \(3,\): expected \(C,\) = \(4,\)"):
        PATLoss(**options)(torch.randn(1, 4, 5), torch.zeros(1, 5).long())


@pytest.mark.parametrize("loss", [CELoss(), CELoss(label_smoothing=0.1), PATLoss(), RecallLoss()], ids=repr)
def test_losses_accept_meta_tensors(loss):
    value = loss(torch.randn(2, 3, 4, device="meta"), torch.zeros(2, 4, dtype=torch.long, device="meta"))
    assert value.is_meta
    assert value.shape == ()
