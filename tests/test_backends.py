"""Every loss on every backend against plain PyTorch operations in float64.

Without a GPU, the Triton kernels run in Triton's interpreter.
"""

import shutil
import zlib
from functools import partial

import pytest
import torch
import torch.nn.functional as F

from pat_nb.losses.backends.cpp_kernel import can_build
from pat_nb.losses.family import Adjust, Modulator, value_and_grad
from pat_nb.losses.functional import modulated_nll
from pat_nb.losses.registry import make_loss
from pat_nb.names import LOSS_TABLE

DEVICE = "cuda" if torch.cuda.is_available() else "cpu"
SHAPES = [(2, 3, 7, 9), (1, 20, 13, 5), (2, 2, 1, 1), (1, 300, 5, 7)]  # odd sizes; more classes than fit in registers
DTYPES = [torch.float32, torch.bfloat16, torch.float16]
LAYOUTS = [torch.contiguous_format, torch.channels_last]
LOSSES = {  # the released losses have a single form
    loss.name: (loss.name, {}) for loss in LOSS_TABLE if not loss.name.startswith("ibla_")
} | {
    "pat_half": ("pat", {"T": 0.5, "mask_power": 0.5}),
    "pat_inf": ("pat", {"T": float("inf"), "mask_power": 0.75}),
    "focal_half": ("focal", {"gamma": 0.5}),
    "ldam_scale_3": ("ldam", {"s": 3.0}),
    "noise": (None, {}),
}

losses = pytest.mark.parametrize("name", LOSSES)
dtypes = pytest.mark.parametrize("dtype", DTYPES, ids=lambda t: str(t).removeprefix("torch."))
layouts = pytest.mark.parametrize("layout", LAYOUTS, ids=["nchw", "nhwc"])
needs_compiler = pytest.mark.skipif(
    DEVICE == "cpu" and not any(map(shutil.which, ("c++", "g++", "clang++"))), reason="torch.compile needs a compiler"
)
needs_cpp = pytest.mark.skipif(not can_build(), reason='backend="cpp" needs a C++ compiler and ninja')


@pytest.fixture(autouse=True)
def seed(request):
    torch.manual_seed(zlib.crc32(request.node.name.encode()))


def make(name: str, num_classes: int, backend: str):
    "A loss, as function(logits, target); the noise of `noise` is constant, that of BLV off."
    kind, params = LOSSES[name]
    if kind is None:
        amplitude = torch.linspace(0, 1, num_classes, device=DEVICE)
        adjust = Adjust(amplitude_C=amplitude, draw=lambda out: out.fill_(0.5))
        return lambda z, y: modulated_nll(z, y, adjust=adjust, ignore_index=-100, backend=backend)
    counts = torch.logspace(5, 2, num_classes)
    known = dict(counts=counts, image_pixels=counts * 2 + 1e5, ignore_index=-100)
    return make_loss(kind, num_classes, **known, backend=backend, **params).to(DEVICE).eval()


def sample(shape, dtype, layout):
    "Logits, and labels of which a fifth is ignored in the larger shapes."
    B, C, H, W = shape
    z, y = (torch.randn(shape, device=DEVICE) * 3).to(dtype), torch.randint(0, C, (B, H, W), device=DEVICE)
    if H > 5:
        y[torch.rand(B, H, W, device=DEVICE) < 0.2] = -100
    return z.to(memory_format=layout), y


def check(name, backend, shape, dtype, layout):
    z, y = sample(shape, dtype, layout)
    value, g = value_and_grad(make(name, shape[1], backend), z, y)
    reference = make(name, shape[1], "reference")
    want, want_g = value_and_grad(
        reference.double() if isinstance(reference, torch.nn.Module) else reference, z.double(), y
    )
    assert g.dtype == dtype
    assert g.is_contiguous(memory_format=layout)
    assert value.dtype == torch.float32
    assert abs(value.double() - want) < 1e-6 * (1 + want)
    # A GPU rounds to half a unit of the last place; the interpreter truncates bfloat16. A single pixel's gradient may
    # vanish: the floor is the weight of a pixel in the mean.
    error = (g.double() - want_g).norm() / want_g.norm().clamp(min=1 / y.numel())
    assert error < (2e-6 if dtype == torch.float32 else torch.finfo(dtype).eps)


@losses
@dtypes
@layouts
@pytest.mark.parametrize("backend", ["eager", "triton"])
def test_loss(name, backend, dtype, layout):
    for shape in SHAPES:
        check(name, backend, shape, dtype, layout)


@needs_cpp
@losses
@layouts
def test_cpp_loss(name, layout):
    for shape in SHAPES:
        check(name, "cpp", shape, torch.float32, layout)


@needs_compiler
@pytest.mark.slow
@losses
def test_compiled_loss(name):
    check(name, "compiled", SHAPES[1], torch.float32, torch.contiguous_format)


@needs_compiler
@pytest.mark.slow
@pytest.mark.parametrize("name", ["ce", "pat", "ldam", "noise"])
def test_compiled_loss_in_bfloat16(name):
    "The type changes the casts, not the formula: one loss of each kind."
    check(name, "compiled", SHAPES[1], torch.bfloat16, torch.contiguous_format)


@pytest.fixture(params=[pytest.param("cpp", marks=needs_cpp), "triton"])
def kernel_nll(request):
    return partial(modulated_nll, backend=request.param)


def triton_nll(z, y, **options):
    return modulated_nll(z, y, backend="triton", **options)


@pytest.fixture
def batch():
    return torch.randn(2, 5, 6, 7, device=DEVICE), torch.randint(0, 5, (2, 6, 7), device=DEVICE)


@pytest.mark.parametrize("scale", [1e-3, 30.0, 1e4])
def test_confidence_near_0_and_1(kernel_nll, batch, scale):
    z, y = batch
    value, g = value_and_grad(kernel_nll, z * scale, y)
    want = value_and_grad(F.cross_entropy, (z * scale).double(), y)
    torch.testing.assert_close((value.double(), g.double()), want, rtol=1e-5, atol=1e-8)


def test_slices_and_transposed_logits(kernel_nll, batch):
    z, y = batch
    wide = torch.zeros(2, 8, 6, 11, device=DEVICE)
    wide[:, 2:7, :, 3:10] = z
    want = value_and_grad(F.cross_entropy, z, y)
    for view in (wide[:, 2:7, :, 3:10], z.transpose(2, 3).contiguous().transpose(2, 3)):
        torch.testing.assert_close(value_and_grad(kernel_nll, view, y), want)


def test_everything_ignored(kernel_nll, batch):
    z, y = batch
    value, g = value_and_grad(kernel_nll, z, torch.full_like(y, 255))
    assert value == 0
    assert (g == 0).all()


def test_without_gradient(kernel_nll, batch):
    z, y = batch
    with torch.no_grad():
        torch.testing.assert_close(kernel_nll(z, y), F.cross_entropy(z, y))


def test_loss_per_pixel(kernel_nll, batch):
    want = value_and_grad(F.cross_entropy, *batch, reduction="none")
    torch.testing.assert_close(value_and_grad(kernel_nll, *batch, reduction="none"), want)


def test_gradient_over_the_logits(kernel_nll, batch):
    z, y = batch
    want = value_and_grad(F.cross_entropy, z, y)[1]
    leaf = z.clone().requires_grad_()
    hidden = leaf * 1.0
    kernel_nll(hidden, y, inplace=True).backward()
    torch.testing.assert_close((leaf.grad, hidden.detach()), (want, want))


def test_impossible_label(kernel_nll, batch):
    z, y = batch
    assert kernel_nll(z, y.where(y != 3, 7), validate=False).isnan()


@needs_cpp
def test_cpp_leaves_to_eager_what_it_cannot_compute(batch):
    z, y = batch
    for logits, modulator in ((z.double(), Modulator()), (z.bfloat16(), Modulator()), (z, Squared())):
        want = value_and_grad(modulated_nll, logits, y, modulator, backend="eager")
        torch.testing.assert_close(value_and_grad(modulated_nll, logits, y, modulator, backend="cpp"), want)


@needs_cpp
def test_cpp_is_deterministic_on_any_number_of_threads():
    z, y, threads = torch.randn(3, 21, 50, 33), torch.randint(0, 21, (3, 50, 33)), torch.get_num_threads()
    try:
        runs = [torch.set_num_threads(n) or value_and_grad(modulated_nll, z, y, backend="cpp") for n in (1, 2, 5, 1)]
    finally:
        torch.set_num_threads(threads)
    assert all(torch.equal(a, b) for run in runs for a, b in zip(run, runs[0], strict=True))


@needs_cpp
def test_cpp_keeps_nan_in_its_pixel():
    z, y = torch.randn(2, 7, 300), torch.randint(0, 7, (2, 300))
    want = value_and_grad(modulated_nll, z, y, reduction="none", backend="cpp")
    z[1, 3, 17], z[0, 0, 200], z[0, 1, 100] = float("nan"), float("inf"), float("-inf")
    got = value_and_grad(modulated_nll, z, y, reduction="none", backend="cpp")
    assert got[0].isnan().nonzero().tolist() == [[0, 200], [1, 17]]
    others = torch.ones(2, 300, dtype=torch.bool)
    others[1, 17] = others[0, 200] = others[0, 100] = False
    assert torch.equal(got[0][others], want[0][others])
    assert torch.equal(got[1].mT[others], want[1].mT[others])
    assert got[1][0, :, 100].isfinite().all()


class Squared(Modulator):
    def __call__(self, p, logp):
        return p**2, p**2 * (1 + 2 * logp)


def test_triton_refuses_what_it_cannot_compute(batch):
    z, y = batch
    with pytest.raises(ValueError, match="float64"):
        triton_nll(z.double(), y)

    with pytest.raises(ValueError, match="Squared"):
        triton_nll(z, y, modulator=Squared())
