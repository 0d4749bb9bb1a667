"""Every loss on random inputs against the float64 reference, and the stored loss curves.

The inputs are drawn by Hypothesis and are the same on every machine.
"""

import json
from collections import Counter
from functools import partial

import pytest
import torch
from golden_losses import FILE, STEPS, curve
from hypothesis import given, settings
from hypothesis import strategies as st

from pat_nb.losses.backends.cpp_kernel import can_build
from pat_nb.losses.family import value_and_grad
from pat_nb.losses.registry import make_loss
from pat_nb.names import LOSS_TABLE

COUNTS: Counter = Counter()
OWN = [loss.name for loss in LOSS_TABLE if not loss.path.startswith("released:")]
RELEASED = [loss.name for loss in LOSS_TABLE if loss.name not in OWN]
DTYPES = (torch.float64, torch.float32, torch.bfloat16, torch.float16)


@pytest.fixture(scope="module", autouse=True)
def _show_counts(counted):
    counted["random inputs of losses"] = COUNTS


@st.composite
def batches(draw, nan: bool = True, scales: tuple[float, ...] = (0.0, 0.1, 3.0, 100.0, 1e4)):
    "Logits (B, C, *spatial), labels, and ignore_index."
    C = draw(st.one_of(st.integers(2, 20), st.integers(2, 300)))
    shape = [draw(st.integers(1, 3)), *draw(st.lists(st.integers(1, 9), min_size=1, max_size=3))]
    torch.manual_seed(draw(st.integers(0, 10**6)))
    scale, dtype = draw(st.sampled_from(scales)), draw(st.sampled_from(DTYPES))
    z = (torch.randn(shape[0], C, *shape[1:]).clamp(-1, 1) * scale).to(dtype)
    if draw(st.booleans()) and len(shape) == 3:
        z = z.to(memory_format=torch.channels_last)
    ignore_index = draw(st.sampled_from((255, 255, -100, 0, None) if C <= 255 else (-100, 0)))
    y = torch.randint(0, draw(st.integers(1, C)), shape)
    if ignore_index is not None:
        y[torch.rand(shape) < draw(st.sampled_from((0.0, 0.2, 1.0)))] = ignore_index
    if nan and draw(st.booleans()):
        bad = torch.rand(shape) < 0.2
        z.masked_fill_(bad.unsqueeze(1), float("nan"))
    return z, y, ignore_index


def distance(got: torch.Tensor, want: torch.Tensor, floor: float) -> float:
    "The largest difference relative to the largest value, or to `floor`; infinite if NaNs are elsewhere."
    got, want = got.double(), want.double()
    if not torch.equal(got.isnan(), want.isnan()):
        return float("inf")
    got, want = got.nan_to_num(0), want.nan_to_num(0)
    return ((got - want).abs().max() / want.abs().max().clamp(min=floor)).item()


@pytest.mark.parametrize("name", OWN)
def test_fused_loss_equals_reference(name):
    @settings(max_examples=40, derandomize=True, deadline=None, database=None)
    @given(batches(), st.sampled_from(("none", "none", "sum", "mean")))
    def check(batch, reduction):
        z, y, ignore_index = batch
        if z.isnan().any():
            reduction = "none"  # the NaN of a pixel must stay in that pixel
        C = z.shape[1]
        make = partial(
            make_loss,
            name,
            C,
            counts=torch.logspace(5, 2, C),
            image_pixels=torch.full((C,), 1e6),
            ignore_index=ignore_index,
            reduction=reduction,
        )
        got = value_and_grad(make().eval(), z, y)
        want = value_and_grad(make(backend="reference").double().eval(), z.double(), y)
        computed = torch.float64 if z.dtype == torch.float64 else torch.float32
        size = 1 + (30 if name == "ldam" else 1) * z.abs().nan_to_num(0).max().item()  # of the adjusted logits
        rounding = 4 * size * torch.finfo(computed).eps  # of adjusted logits, absolute
        assert (got[0].dtype, got[1].dtype) == (computed, z.dtype)
        COUNTS[name] += 1
        assert distance(got[0], want[0], 1.0) <= rounding
        assert distance(got[1], want[1], 1e-2) <= rounding + 4 * torch.finfo(z.dtype).eps

    check()


@pytest.mark.skipif(not can_build(), reason='backend="cpp" needs a C++ compiler and ninja')
@pytest.mark.parametrize("name", OWN)
def test_cpp_loss_equals_reference(name):
    @settings(max_examples=20, derandomize=True, deadline=None, database=None)
    @given(batches())
    def check(batch):
        z, y, ignore_index = batch
        z, C = z.float(), z.shape[1]
        known = dict(counts=torch.logspace(5, 2, C), image_pixels=torch.full((C,), 1e6))
        make = partial(make_loss, name, C, **known, ignore_index=ignore_index, reduction="none")
        got = value_and_grad(make(backend="cpp").eval(), z, y)
        want = value_and_grad(make(backend="reference").double().eval(), z.double(), y)
        size = 1 + (30 if name == "ldam" else 1) * z.abs().nan_to_num(0).max().item()
        rounding = 4 * size * torch.finfo(torch.float32).eps
        COUNTS[name] += 1
        assert distance(got[0], want[0], 1.0) <= rounding
        assert distance(got[1], want[1], 1e-2) <= rounding

    check()


@pytest.mark.parametrize("name", RELEASED)
def test_released_loss_in_float32_equals_float64(name):
    @settings(max_examples=15, derandomize=True, deadline=None, database=None)
    @given(batches(nan=False, scales=(0.0, 0.1, 3.0)))  # larger logits overflow the released formulas in float32
    def check(batch):
        z, y, ignore_index = batch
        params = dict(sigma=1e-30) if name == "ibla_blv" else {}  # its noise differs between the types
        loss = make_loss(name, z.shape[1], ignore_index=-100 if ignore_index is None else ignore_index, **params)
        got, _ = value_and_grad(loss, z.float(), y)
        want, _ = value_and_grad(loss.double(), z.double(), y)
        COUNTS[name] += 1
        if want.abs() < 1e30:  # exponents of ina.py overflow in float32
            assert distance(got, want, 1e-2) <= 1e-4

    check()


@pytest.mark.parametrize("name", [loss.name for loss in LOSS_TABLE])
def test_golden_curve(name):
    want = json.loads(FILE.read_text(encoding="utf-8"))[name]
    assert len(want) == STEPS
    assert len(set(want)) > STEPS // 2
    assert curve(name) == pytest.approx(want, rel=1e-8, abs=1e-12)
