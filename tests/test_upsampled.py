"""The loss from low-resolution logits against `F.interpolate` and the float64 reference, on random cases."""

import random
from functools import partial
from unittest import mock

import pytest
import torch
import torch.nn.functional as F

import pat_nb.losses.upsampled as upsampled
from pat_nb.losses.backends.bilinear import plan_strips
from pat_nb.losses.backends.cpp_kernel import can_build
from pat_nb.losses.family import Adjust, Modulator, value_and_grad
from pat_nb.losses.focal import FocalModulator
from pat_nb.losses.functional import modulated_nll
from pat_nb.losses.pat import PATModulator, mask_weights
from pat_nb.losses.registry import make_loss
from pat_nb.losses.upsampled import upsampled_nll
from pat_nb.names import LOSS_TABLE

CASES = 640
MODULATORS = (Modulator(), FocalModulator(2.0), FocalModulator(0.5), PATModulator(20.0), PATModulator(0.5))
FACTORS = (1, 2, 3, 4, 8)
TRIED = [(torch.float64, 1e-12, "auto"), (torch.float32, 2e-5, "auto")]  # dtype, largest error, backend
TRIED += [(torch.float32, 2e-5, "cpp")] if can_build() else []


def random_side(rng: random.Random) -> tuple[int, int, int]:
    "A side of the logits, of the upsampled logits, and of the target."
    low = rng.choice((1, 2, 3, 4, 5, 7, 9))
    full = rng.choice((low * rng.choice(FACTORS), (low - 1) * 4 + 1, low + rng.randrange(14), 64 + rng.choice((0, 64))))
    return low, max(low, full), max(1, max(low, full) - rng.choice((0, 0, 0, 1, 3)))


def random_adjust(rng: random.Random, C: int) -> Adjust | None:
    kind = rng.choice(("none", "none", "shift", "margin", "both", "noise"))
    if kind == "none":
        return None
    noise = dict(amplitude_C=torch.rand(C), draw=lambda out: out.fill_(0.5)) if kind == "noise" else {}
    shift, margin = torch.randn(C), torch.rand(C)
    scale = rng.choice((1.0, 0.5, 3.0))
    return Adjust(shift if kind in ("shift", "both") else None, margin if kind != "shift" else None, scale, **noise)


def random_case(seed: int) -> tuple[torch.Tensor, torch.Tensor, dict, tuple[int, int]]:
    "float64 logits, labels, arguments, and the size of the interpolation."
    rng = random.Random(seed)
    torch.manual_seed(seed)
    B, C = rng.choice((1, 2, 3)), rng.choice((2, 3, 5, 11, 20))
    (h, full_h, H), (w, full_w, W) = random_side(rng), random_side(rng)
    z = torch.randn(B, C, h, w, dtype=torch.float64) * rng.choice((0.1, 3.0, 20.0))
    if rng.random() < 0.3:
        z = z.to(memory_format=torch.channels_last)
    present = rng.randrange(1, C + 1)  # the other classes are absent
    ignore_index = rng.choice((255, 255, 255, 0, -100, None))
    y = torch.randint(0, present, (B, H, W))
    if ignore_index is not None:
        y[torch.rand(B, H, W) < rng.choice((0.0, 0.2, 1.0))] = ignore_index
    weights = (None, torch.rand(C) + 0.1, torch.rand(B, C), mask_weights, partial(mask_weights, power=0.75))
    arguments = dict(
        modulator=rng.choice(MODULATORS),
        weight=rng.choice(weights),
        ignore_index=ignore_index,
        reduction=rng.choice(("mean", "mean", "sum", "none")),
        normalizer=rng.choice((None, None, 7.0)),
        reduce_normalizer=rng.choice((None, None, lambda D: 2 * D)),
        adjust=random_adjust(rng, C),
        align_corners=rng.random() < 0.5,
    )
    return z, y, arguments, (full_h, full_w)


def reference(z, y, size, align_corners, **arguments):
    "The definition: interpolate, crop, and the reference backend."
    z = F.interpolate(z, size, mode="bilinear", align_corners=align_corners)[..., : y.shape[1], : y.shape[2]]
    return modulated_nll(z, y, backend="reference", **arguments)


def error(got: torch.Tensor, want: torch.Tensor, floor: float = 1e-30) -> float:
    "The largest error relative to the largest value, or to `floor`."
    return ((got.double() - want).abs().max() / want.abs().max().clamp(min=floor)).item()


def smaller_strips(seed: int, C: int, W: int):
    "Strips and chunks of few rows, so that a small image has several."
    rng = random.Random(-seed)
    sizes = dict(strip=rng.choice((1, 3 * C * W, 0)), chunk=rng.choice((1, 3 * C, 0)))
    return mock.patch.object(upsampled, "plan_strips", partial(plan_strips, **sizes))


@pytest.mark.parametrize("seed", range(CASES))
def test_random_case(seed):
    z, y, arguments, size = random_case(seed)
    factors = torch.rand(y.shape, dtype=torch.float64) if arguments["reduction"] == "none" else torch.ones(())

    def weighted(f, dtype):
        return lambda z, *args, **options: f(z, *args, **options) * factors.to(dtype)

    exact = weighted(reference, torch.float64)
    # Where all confidences are nearly 1, the loss vanishes: the floor is 0.001 of what logits of 0 give.
    floors = [1e-3 * t.abs().max().item() + 1e-30 for t in value_and_grad(exact, 0 * z, y, size, **arguments)]
    with smaller_strips(seed, z.shape[1], y.shape[2]):
        for dtype, most, backend in TRIED:
            nll = partial(upsampled_nll, backend=backend)
            got = value_and_grad(weighted(nll, dtype), z.to(dtype), y, size=size, **arguments)
            want = value_and_grad(exact, z.to(dtype).double(), y, size, **arguments)
            assert got[0].dtype == got[1].dtype == dtype
            assert max(map(error, got, want, floors)) <= most


@pytest.mark.parametrize("align_corners", [False, True])
@pytest.mark.parametrize(
    ("low", "size"), [((65, 9), (257, 33)), ((45, 6), (360, 48)), ((9, 64), (9, 64)), ((7, 32), (28, 128))]
)
def test_named_sizes(low, size, align_corners):
    torch.manual_seed(0)
    z, y = torch.randn(2, 4, *low, dtype=torch.float64), torch.randint(0, 4, (2, *size))
    want = value_and_grad(reference, z, y, size, align_corners)
    got = value_and_grad(upsampled_nll, z, y, align_corners=align_corners)
    assert max(map(error, got, want)) <= 1e-12


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16, torch.float16])
@pytest.mark.parametrize("layout", [torch.contiguous_format, torch.channels_last])
@pytest.mark.parametrize("name", [loss.name for loss in LOSS_TABLE if not loss.name.startswith("ibla_")])
def test_every_loss(name, layout, dtype):
    torch.manual_seed(0)
    z = torch.randn(2, 5, 6, 7).to(dtype).to(memory_format=layout)
    y = torch.randint(0, 5, (2, 24, 28)).masked_fill(torch.rand(2, 24, 28) < 0.2, 255)
    known = dict(counts=torch.logspace(5, 2, 5), image_pixels=torch.full((5,), 2e5))
    make = partial(make_loss, name, 5, **known, upsample="bilinear")
    got = value_and_grad(make().eval(), z, y)
    want = value_and_grad(make(backend="reference").double().eval(), z.double(), y)
    assert got[0].dtype == torch.float32
    assert got[1].dtype == dtype
    assert got[1].is_contiguous(memory_format=layout)
    assert error(got[0], want[0]) <= 2e-5
    assert error(got[1], want[1]) <= max(2e-5, torch.finfo(dtype).eps)


@pytest.mark.parametrize("align_corners", [False, True])
@pytest.mark.parametrize("name", ["ce", "pat", "focal", "bms", "ldam"])
def test_triton_kernel(name, align_corners):
    "The kernel of CUDA tensors, without a GPU in Triton's interpreter, against the reference in float64."
    torch.manual_seed(0)
    device = "cuda" if torch.cuda.is_available() else "cpu"
    z, y = torch.randn(2, 3, 3, 4).to(device), torch.randint(0, 3, (2, 11, 12))
    y = y.masked_fill(torch.rand(2, 11, 12) < 0.2, 255).to(device)
    make = partial(make_loss, name, 3, counts=torch.logspace(5, 2, 3), upsample="bilinear", size=(12, 12))
    got = value_and_grad(make(backend="triton", align_corners=align_corners).to(device).eval(), z, y)
    reference = make(backend="reference", align_corners=align_corners).double().to(device).eval()
    want = value_and_grad(reference, z.double(), y)
    assert max(map(error, got, want)) <= 1e-5


@pytest.mark.skipif(not can_build(), reason='backend="cpp" needs a C++ compiler and ninja')
@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16, torch.float16])
@pytest.mark.parametrize("name", ["pat", "ldam"])
def test_cpp_kernel(name, dtype):
    "Half precision, channels last, and the same bits on any number of threads."
    z = torch.randn(2, 5, 40, 7).to(dtype).to(memory_format=torch.channels_last)
    y, threads = torch.randint(0, 5, (2, 160, 28)), torch.get_num_threads()
    make = partial(make_loss, name, 5, counts=torch.logspace(5, 2, 5), upsample="bilinear", reduction="none")
    want = value_and_grad(make(backend="reference").double().eval(), z.double(), y)
    try:
        runs = [torch.set_num_threads(n) or value_and_grad(make(backend="cpp").eval(), z, y) for n in (1, 3, 8)]
    finally:
        torch.set_num_threads(threads)
    assert all(torch.equal(a, b) for run in runs for a, b in zip(run, runs[0], strict=True))
    assert runs[0][1].dtype == dtype
    assert runs[0][1].is_contiguous(memory_format=torch.channels_last)
    assert error(runs[0][0], want[0]) <= 2e-5
    assert error(runs[0][1], want[1]) <= max(2e-5, torch.finfo(dtype).eps)


def test_no_full_size_tensor():
    "The largest allocation is below a tenth of the upsampled logits."
    z, y = torch.randn(4, 16, 64, 64, requires_grad=True), torch.randint(0, 16, (4, 256, 256))
    with torch.profiler.profile(activities=[torch.profiler.ProfilerActivity.CPU], profile_memory=True) as profile:
        upsampled_nll(z, y).backward()
    events = [e.nbytes() for e in profile.profiler.kineto_results.events() if e.name() == "[memory]"]
    assert events
    assert max(events) < 0.2 * 4 * 16 * 256 * 256 * 4
