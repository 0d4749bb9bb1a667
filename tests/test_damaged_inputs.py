"""Damaged and hostile inputs for every reader: a valid value, or one UserError that names the input.

An error has at most two lines. A case is drawn by Hypothesis: a valid file, and one damage to it. The cases are the
same on every machine.
"""

import io
import json
import os
import pickle
import shutil
import tarfile
import tempfile
import zipfile
from collections import Counter
from dataclasses import asdict
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from PIL import Image
from safetensors.torch import save_model

from pat_nb.cli import main
from pat_nb.commands.train import _show_result
from pat_nb.data.archives import unpack
from pat_nb.data.core import SquaresDataset, class_counts
from pat_nb.data.examples import NoiseFiles
from pat_nb.data.folder import Folder
from pat_nb.data.prepare import prepare, use_decoded_copy
from pat_nb.data.reading import load_array, open_image
from pat_nb.data.verify import read_bad_list
from pat_nb.experiments.examples import load_example
from pat_nb.experiments.grids import chosen_member
from pat_nb.experiments.results import read_history, read_result, results
from pat_nb.experiments.spec import RunSpec
from pat_nb.settings import load_settings
from pat_nb.training.callbacks import CallbackList
from pat_nb.training.checkpoint import load_checkpoint, load_weights, save_checkpoint
from pat_nb.training.state import make_recipe, make_state
from pat_nb.utils import UserError

EXAMPLES = 40  # per reader
COUNTS: Counter = Counter()
SPEC = RunSpec("synthetic_street", "unet", "pat")
JUNK = (
    b"",
    b"\0",
    b"\n",
    b"\xff\xfe[\0",
    b"\xef\xbb\xbf",
    b"[" * 20_000,
    b"{}",
    b"[]",
    b"null",
    b"PK\x03\x04",
    b"\x80\x04.",
)


ODD = (None, True, -1, 10**30, 0.5, float("nan"), "", "x", "inf", [], [[]], {}, {"a": None})


class Executed:
    "Pickled, it writes a file when it is loaded."

    def __init__(self, path):
        self.path = path

    def __reduce__(self):
        return os.mkdir, (str(self.path),)


@pytest.fixture(scope="module", autouse=True)
def _show_counts(counted):
    counted["damaged inputs"] = COUNTS


@pytest.fixture(scope="module")
def valid() -> dict[str, bytes]:
    "A valid file for every reader."
    with tempfile.TemporaryDirectory() as tmp:
        return _write_valid(Path(tmp))


def _bytes(write) -> bytes:
    buffer = io.BytesIO()
    write(buffer)
    return buffer.getvalue()


def new_state():
    return make_state(torch.nn.Linear(2, 1), make_recipe(ema=0.9), torch.device("cpu"), None, dict(steps=10))


def _write_valid(tmp: Path) -> dict[str, bytes]:
    state = new_state()
    state.step, state.history = 3, [dict(step=3, loss=0.5)]
    save_checkpoint(tmp, state, CallbackList([]))
    save_model(state.model, str(tmp / "w"))
    class_counts(SquaresDataset(3), tmp / "counts")
    scores = dict.fromkeys(("miou", "pixel_acc", "mean_acc", "dice", "head", "body", "tail", "cross_entropy"), 0.5)
    result = dict(schema=1, run_id=SPEC.run_id, spec=asdict(SPEC), metrics=dict(val=scores, test=scores))
    result |= dict(timings=dict(step_ms=5.0), finished="now", data="x", commit=None, classes=["a"], train_pixels=[1])
    arrays = dict(image=np.zeros((4, 6, 3), np.uint8), label=np.zeros((4, 6), np.uint8))
    arrays["probability"] = np.zeros((2, 4, 6), np.float16)
    image = Image.fromarray(np.arange(4 * 6 * 3, dtype=np.uint8).reshape(4, 6, 3))
    with zipfile.ZipFile(tmp / "zip", "w", zipfile.ZIP_DEFLATED) as file:
        file.writestr("a/b.txt", "text" * 20)
    (tmp / "b.txt").write_text("text" * 20)
    tars = {}
    for kind in ("", "gz", "bz2", "xz"):
        with tarfile.open(tmp / f"tar{kind}", f"w:{kind}") as file:
            file.add(tmp / "b.txt", "a/b.txt")
        tars[f"tar{kind}"] = (tmp / f"tar{kind}").read_bytes()
    return tars | {
        "settings.ini": b"[run]\njobs = 2\n[profile.smoke]\nlr = 0.1\nsize = 32x64\nsize.camvid = 32x32\nseeds = 0,1\n",
        "result.json": json.dumps(result, indent=1).encode(),
        "history.jsonl": b'{"step": 4, "loss": 0.5}\n{"step": 8, "loss": 0.25}\n',
        "last.pt": (tmp / "last.pt").read_bytes(),
        "best.safetensors": (tmp / "w").read_bytes(),
        "counts cache": next((tmp / "counts").iterdir()).read_bytes(),
        "member": json.dumps(dict(loss_params=dict(T=5.0, mask_power=0.5))).encode(),
        "examples.npz": _bytes(lambda f: np.savez_compressed(f, **arrays)),
        "classes.txt": b"0 road 1 2 3\n1 car 4 5 6 # a comment\n255 void\n",
        "train.txt": b"0.png\n1\n2.jpg\n",
        "bad.tsv": b"/a.png\t10:20\tsample\tis bad\n/b.png\tmissing\tunpaired\talone\n",
        "image.png": _bytes(lambda f: image.save(f, "png")),
        "image.jpg": _bytes(lambda f: image.save(f, "jpeg")),
        "labels.npy": _bytes(lambda f: np.save(f, np.arange(12.0).reshape(3, 4))),
        "zip": (tmp / "zip").read_bytes(),
    }


def places(tree) -> list[tuple]:
    "(container, key) of every value in a tree of dictionaries and lists."
    items = tree.items() if isinstance(tree, dict) else enumerate(tree) if isinstance(tree, list) else ()
    return [place for key, value in list(items) for place in ((tree, key), *places(value))]


def replace_in_tree(content: bytes, where: float, odd) -> bytes | None:
    "Replace a value of a JSON file or a checkpoint by an odd one; None for other files."
    is_checkpoint = content.startswith(b"PK") and b"/data.pkl" in content[:200]
    try:
        tree = torch.load(io.BytesIO(content), weights_only=True) if is_checkpoint else json.loads(content)
    except ValueError:
        return None
    found = places(tree)
    holder, key = found[int(where * len(found))]
    holder[key] = odd
    return _bytes(lambda file: torch.save(tree, file)) if is_checkpoint else json.dumps(tree).encode()


@st.composite
def damages(draw):
    "A function (valid bytes) -> damaged bytes."
    kind = draw(st.sampled_from(("flip", "cut", "insert", "junk", "pickle", "value", "tree", "tree")))
    where, some = draw(st.floats(0, 1, exclude_max=True)), draw(st.binary(min_size=1, max_size=6))
    value = draw(
        st.sampled_from((b"nan", b"-1", b"1e999", b"null", b"[]", b'"x"', b"true", b"9" * 400, "²".encode(), b"\xe4"))
    )
    junk, odd = draw(st.sampled_from(JUNK)), draw(st.sampled_from(ODD))

    def damage(content: bytes, marker: Path) -> bytes:
        if kind == "tree" and (replaced := replace_in_tree(content, where, odd)):
            return replaced
        at = int(where * len(content))
        numbers = [i for i in range(len(content)) if content[i : i + 1].isdigit()]
        if kind == "value" and numbers:
            at = numbers[int(where * len(numbers))]
            return content[:at] + value + content[at + 1 :]
        return {
            "flip": content[:at] + some + content[at + len(some) :],
            "cut": content[:at],
            "tree": content[:at],
            "insert": content[:at] + some + content[at:],
            "junk": junk,
            "value": value,
            "pickle": pickle.dumps(Executed(marker)),
        }[kind]

    return damage


def in_folder(root: Path, classes: bytes, names: bytes) -> None:
    for kind, shape in (("images", (4, 6, 3)), ("masks", (4, 6))):
        (root / "folder" / kind).mkdir(parents=True)
        for k in range(4):
            Image.fromarray(np.zeros(shape, np.uint8)).save(root / "folder" / kind / f"{k}.png")
    (root / "folder" / "classes.txt").write_bytes(classes)
    (root / "folder" / "train.txt").write_bytes(names)
    (root / "folder" / "test.txt").write_text("3\n")


def write(path: Path, content: bytes) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)
    return path


def read_ini(tmp, content, valid):
    write(tmp / "settings.ini", content)
    return load_settings(tmp)


def read_stored_result(tmp, content, valid):
    write(tmp / "runs" / SPEC.run_id / "result.json", content)
    result = read_result(tmp / "runs" / SPEC.run_id)
    _show_result(result)
    assert len(results(load_settings(runs=tmp / "runs"))) == 1


def read_curve(tmp, content, valid):
    write(tmp / "history.jsonl", content)
    return read_history(tmp)


def resume(tmp, content, valid):
    write(tmp / "last.pt", content)
    state = new_state()
    load_checkpoint(tmp, state, CallbackList([]))
    assert 0 <= state.step <= state.steps


def read_weights(tmp, content, valid):
    return load_weights(torch.nn.Linear(2, 1), write(tmp / "best.safetensors", content))


def read_counts(tmp, content, valid):
    data = SquaresDataset(3)
    want = class_counts(data, tmp / "counts")
    write(next((tmp / "counts").iterdir()), content)
    got = class_counts(data, tmp / "counts")
    assert got.shape == want.shape


def read_member(tmp, content, valid):
    write(tmp / "figures" / "compact" / "findings_member.json", content)
    write(tmp / "settings.ini", b"[profile.smoke]\n")
    return chosen_member(load_settings(tmp))


def read_example(tmp, content, valid):
    write(tmp / "runs" / "a" / "examples.npz", content)
    example = load_example(dict(run_id="a"), load_settings(runs=tmp / "runs"))
    assert example is None or example["image"].shape == (*example["label"].shape, 3)


def read_classes(tmp, content, valid):
    in_folder(tmp, content, valid["train.txt"])
    return Folder("train", tmp)


def read_names(tmp, content, valid):
    in_folder(tmp, valid["classes.txt"], content)
    return Folder("train", tmp)


def read_bad(tmp, content, valid):
    return read_bad_list(write(tmp / "noise.bad.tsv", content))


def read_image(tmp, content, valid):
    return open_image(write(tmp / "image", content), "RGB"), open_image(tmp / "image")


def read_labels(tmp, content, valid):
    return load_array(write(tmp / "labels.npy", content), 2)


def read_archive(tmp, content, valid):
    (tmp / "out").mkdir()
    return unpack(write(tmp / "archive", content), tmp / "out", progress=False)


READERS = {  # kind of file -> function (folder, content, valid files)
    "settings.ini": read_ini,
    "result.json": read_stored_result,
    "history.jsonl": read_curve,
    "last.pt": resume,
    "best.safetensors": read_weights,
    "counts cache": read_counts,
    "member": read_member,
    "examples.npz": read_example,
    "classes.txt": read_classes,
    "train.txt": read_names,
    "bad.tsv": read_bad,
    "image.png": read_image,
    "image.jpg": read_image,
    "labels.npy": read_labels,
    "zip": read_archive,
    "tar": read_archive,
    "targz": read_archive,
    "tarbz2": read_archive,
    "tarxz": read_archive,
}


def contents(folder: Path) -> dict[str, bytes]:
    return {str(p.relative_to(folder)): p.read_bytes() for p in sorted(folder.rglob("*")) if p.is_file()}


def check_reading(kind: str, content: bytes, valid: dict[str, bytes]) -> bool:
    "Read a file; return whether it was valid. After an error, nothing new exists beside it."
    with tempfile.TemporaryDirectory() as name:
        tmp = Path(name).resolve()
        before = None
        try:
            READERS[kind](tmp, content, valid)
        except UserError as e:
            before = contents(tmp)
            text = str(e)
            assert len(text.splitlines()) <= 2, text
            assert str(tmp) in text or "settings.ini" in text or "=" in text, text
            assert len(text) < 600, text
        if kind in ("zip", "tar", "targz", "tarbz2", "tarxz") and before is not None:
            assert not list((tmp / "out").iterdir()), "an archive is unpacked completely or not at all"
        return before is None


common = settings(
    max_examples=EXAMPLES,
    derandomize=True,
    deadline=None,
    database=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)


@pytest.fixture(autouse=True)
def no_variables(monkeypatch):
    for name in [name for name in os.environ if name.startswith("PAT_NB_")]:
        monkeypatch.delenv(name)


@pytest.mark.parametrize("kind", READERS)
def test_valid_file(kind, valid):
    assert check_reading(kind, valid[kind], valid)


@pytest.mark.parametrize("kind", READERS)
def test_damaged_file(kind, valid, tmp_path):
    marker = tmp_path / "executed"

    @common
    @given(damages())
    def check(damage):
        content = damage(valid[kind], marker)
        COUNTS[f"{kind}, {'accepted' if check_reading(kind, content, valid) else 'refused'}"] += 1
        assert not marker.exists(), "a pickle was executed"

    check()


def test_damaged_decoded_copy(valid, tmp_path):
    "A copy that does not fit is not used; one that fits gives the right shapes."
    NoiseFiles.write(tmp_path, (8, 12))
    folder, _ = prepare(NoiseFiles, tmp_path, (16, 16), tmp_path / "cache", progress=False)
    whole, marker = contents(folder), tmp_path / "executed"

    @common
    @given(st.sampled_from(sorted(whole)), damages())
    def check(name, damage):
        (folder / name).write_bytes(damage(whole[name], marker))
        data = NoiseFiles("train", tmp_path, (16, 16))
        use = use_decoded_copy(data, tmp_path / "cache")
        COUNTS[f"decoded copy, {use}"] += 1
        assert use in ("used", "stale")
        assert data.load(0)[0].shape == (16, 16, 3)
        assert not marker.exists()
        (folder / name).write_bytes(whole[name])

    check()


NUMBERS = (
    "nan",
    "inf",
    "-inf",
    "-1",
    "0",
    "1e999",
    "1e300",
    "99999999999999999999",
    "²",
    "",
    " ",
    "1_0",
    "0x10",
    "x",
    "\n",
    "1e-400",
)
OPTIONS = {
    "settings": [
        "steps",
        "lr",
        "width",
        "depth",
        "batch-size",
        "workers",
        "jobs",
        "threads",
        "devices",
        "seeds",
        "size",
        "eval-every",
        "device",
        "encoder",
    ],
    "train": [
        "seed",
        "profile-steps",
        "loss-param",
        "fit-param",
        "eval-param",
        "model-param",
        "loss",
        "model",
        "dataset",
        "lr",
        "size",
    ],
    "bench losses": ["shapes", "repeats", "threads", "device"],
    "bench step": ["classes", "repeats", "model", "size"],
    "bench training": ["seconds", "repeats", "loss", "size"],
    "paper --list-json": ["only", "steps", "losses", "datasets"],
    "train-run": ["steps", "profile"],
    "results": ["lr", "seeds"],
}
PAIRS = (
    "T=nan",
    "lr=1",
    "beta=x",
    "sigma=nan",
    "window=inf",
    "accumulate=2.5",
    "average_classes=x",
    "width=1000000",
    "=",
    "x",
)
REFUSED = {  # command, option -> values that no command may accept
    "pairs": [f"{key}={value}" for key in ("sigma", "T", "clip", "overlap", "depth") for value in ("nan", "-1e9", "x")]
}


@st.composite
def command_lines(draw):
    "A command with one option that is wrong."
    command = draw(st.sampled_from(sorted(OPTIONS)))
    option = draw(st.sampled_from(OPTIONS[command]))
    if option.endswith("-param"):
        value = draw(st.sampled_from([*PAIRS, *REFUSED["pairs"]]))
    else:
        value = draw(
            st.one_of(
                st.sampled_from(NUMBERS), st.text(st.characters(codec="utf-8", exclude_characters="\0"), max_size=8)
            )
        )
    return [*command.split(), *(["a-b"] if command == "train-run" else []), f"--{option}={value}"]


def test_command_line(capsys, tmp_path, monkeypatch):
    "One or two lines and a status that is not 0, and nothing is written; `settings` may accept the value."
    for name in ("runs", "figures", "data"):
        monkeypatch.setenv(f"PAT_NB_{name.upper()}", str(tmp_path / name))

    @settings(common, max_examples=3 * EXAMPLES)
    @given(command_lines())
    def check(words):
        if words[0] in ("train", "bench") and _is_harmless(words[-1]):
            return  # a valid command would train
        try:
            status = main(words)
        except SystemExit as e:
            status = e.code
        _, err = capsys.readouterr()
        COUNTS[f"command line, {'accepted' if status == 0 else 'refused'}"] += 1
        if status:
            assert status == 2, err
            assert err.startswith("pat-nb: "), err
            assert len(err.strip().splitlines()) <= 2, err
            assert not list(tmp_path.rglob("*.*")), words
        else:
            assert words[0] in ("settings", "paper") or words[-1].endswith("="), words
        shutil.rmtree(tmp_path / "runs", ignore_errors=True)

    check()


def _is_harmless(word: str) -> bool:
    "Whether a value could be valid, so that the command would compute."
    option, _, value = word.partition("=")
    name = option[2:]
    numbers = "lr", "seed", "threads", "repeats", "seconds", "classes", "profile-steps"
    if name in ("size", "loss", "model", "dataset", *numbers):
        return value.strip() in ("", "0", "1", "10") or (value.strip().isdigit() and len(value) < 9)
    return name == "device" and not value


def test_number_of_damaged_inputs():
    assert sum(COUNTS.values()) >= 300
