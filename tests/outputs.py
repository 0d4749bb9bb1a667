"""Outputs of notebooks: the form in which Git stores them, and a comparison that ignores what varies between runs."""

import base64
import io
import re
import sys
from collections.abc import Iterator
from itertools import groupby
from pathlib import Path

from notebooks import ROOT, source_of

NEVER_STORED = {"data", "cuda", "integrations"}  # directives of cells whose outputs need what a reader may not have
VARIES = "varies"  # tag of a cell whose numbers differ in every run, such as times
KEPT = ("text/plain", "text/html", "text/markdown", "text/latex", "image/png", "image/svg+xml")
COLORS = 256  # of a stored picture
MAX_DIFFERENCE = 2.0  # mean absolute difference of two pictures that look the same, of 255
NUMBER = re.compile(r"(?<![\w.])[-−+]?(?:\d{1,3}(?:,\d{3})+|\d+)(?:\.\d*)?(?:[eE][-+]?\d+)?(?![\w])|\bnan\b|\binf\b")
UNIT = r"(?:[munµ]s|s|sec|seconds?|min|minutes?|h|hours?|[kKMGT]i?B|bytes|[\w]+/s|per second|×|x|times)"
KEY = r"\b(?:\w*(?:seconds|time|memory|rss)\w*|\w+_(?:[munµ]s|s|[kmg]i?b))\b['\"]?\s*[:=]\s*"
VALUE = r"[-−+]?\d[\d.,]*(?:e[-+]?\d+)?"
DATE = r"\b\d{4}-\d\d-\d\d(?:[T ]\d\d:\d\d(?::\d\d)?)?\b"
MEASURED = re.compile(rf"{KEY}{VALUE}|{DATE}|(?<![\w.]){VALUE}\s?{UNIT}(?![\w])", re.IGNORECASE)


# Form


def normalized(outputs: list[dict], folders: dict[str, str] | None = None) -> list[dict]:
    "Outputs as Git stores them: no stderr, counts, metadata, colors, addresses or paths of this machine."
    clean = [_clean(output, folders or {}) for output in outputs if output.get("name") != "stderr"]
    return list(_merged(output for output in clean if output))


def _clean(output: dict, folders: dict[str, str]) -> dict | None:
    kind = output["output_type"]
    if kind == "stream":
        text = _plain(_joined(output["text"]), folders)
        return {"name": output["name"], "output_type": kind, "text": _lines(text)} if text.strip() else None
    if kind == "error":
        return None
    data = {k: _clean_data(k, v, folders) for k, v in output["data"].items() if k in KEPT}
    if not data:
        return None
    counted = {"execution_count": None} if kind == "execute_result" else {}
    return {"data": data, **counted, "metadata": {}, "output_type": kind}


def _clean_data(mime: str, value: str | list[str], folders: dict[str, str]) -> str | list[str]:
    if mime == "image/png":
        return small_picture(_joined(value))
    text = _joined(value)
    if mime == "text/html":  # pandas: a style that GitHub removes, and random names of styles
        text = re.sub(r"<style scoped>.*?</style>\n?", "", text, flags=re.S)
        for k, name in enumerate(dict.fromkeys(re.findall(r"\bT_[0-9a-f]{5}", text))):
            text = text.replace(name, f"T_{k:05d}")
    return _lines(_plain(text, folders))


def _plain(text: str, folders: dict[str, str]) -> str:
    text = re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", text)  # colors of a terminal
    text = "\n".join(line.rstrip("\r").rpartition("\r")[2] for line in text.split("\n"))  # progress: the last state
    text = re.sub(r"( at)? 0x[0-9a-fA-F]{6,}", "", text)
    for folder in sorted(folders, key=len, reverse=True):
        text = text.replace(folder + "/", folders[folder] + "/" if folders[folder] else "")
        text = text.replace(folder, folders[folder] or ".")
    return re.sub(r"(/(?:private/)?(?:var/)?tmp|/dev/shm)/[\w.-]*", "/tmp/tmp", text)


def paths_of_this_machine(**more: str) -> dict[str, str]:
    "Folders -> the text that replaces them. `more` are names of folders and their paths."
    named = {path: name for name, path in more.items()}
    venv = {sys.prefix: ".venv"} if sys.prefix != sys.base_prefix else {}
    return {str(ROOT): "", str(Path.home()): "~"} | venv | named


def _merged(outputs: Iterator[dict]) -> Iterator[dict]:
    "Join the parts of a stream."
    for is_stream, group in groupby(outputs, lambda o: o["output_type"] == "stream"):
        if is_stream:
            first, *others = group
            text = "".join(_joined(o["text"]) for o in (first, *others))
            yield first | {"text": _lines(text)}
        else:
            yield from group


def _joined(text: str | list[str]) -> str:
    return text if isinstance(text, str) else "".join(text)


def _lines(text: str) -> list[str]:
    return text.splitlines(keepends=True)


def small_picture(png: str) -> str:
    "A PNG with at most 256 colors and without metadata, in base64."
    from PIL import Image

    picture = Image.open(io.BytesIO(base64.b64decode(png)))
    if picture.mode == "P":  # it is one
        return "".join(png.split())
    picture = picture.convert("RGBA")
    picture = Image.alpha_composite(Image.new("RGBA", picture.size, "white"), picture).convert("RGB")
    colors = len(picture.getcolors(COLORS) or range(COLORS))
    picture = picture.quantize(colors, method=Image.Quantize.MEDIANCUT, dither=Image.Dither.NONE)
    buffer = io.BytesIO()
    picture.save(buffer, "PNG", optimize=True)
    return base64.b64encode(buffer.getvalue()).decode()


# Comparison


def is_compared(cell: dict) -> bool:
    "Whether the outputs of a cell are stored and compared: not those that need data sets, a GPU or other libraries."
    found = re.match(r"(?:#\|.*\n)*", source_of(cell))
    words = {word.rstrip(":") for line in found[0].splitlines() for word in line[2:].split()[:1]}
    return cell["cell_type"] == "code" and not words & NEVER_STORED


def difference(stored: list[dict], made: list[dict], varies: bool = False) -> str:
    "The first difference of normalized outputs; empty if they differ only in what varies between runs and CPUs."
    kinds = [[_kind(output) for output in outputs] for outputs in (stored, made)]
    if kinds[0] != kinds[1]:
        return f"stored {_listed(kinds[0])}, made {_listed(kinds[1])}"
    for old, new in zip(stored, made, strict=True):
        for mime, a in _contents(old).items():
            compare = _picture_difference if mime == "image/png" else _text_difference
            if not varies or mime == "image/png":
                found = compare(a, _contents(new)[mime])
                if found:
                    return f"{mime}: {found}"
    return ""


def look_same(stored: list[dict], made: list[dict], varies: bool = False) -> bool:
    "Whether outputs need not be stored again: no difference, and the same pictures up to rounding."
    if difference(stored, made, varies):
        return False
    pairs = [(_contents(a), _contents(b)) for a, b in zip(stored, made, strict=True)]
    pictures = [(a["image/png"], b["image/png"]) for a, b in pairs if "image/png" in a]
    return varies or all(_pixel_difference(a, b) <= MAX_DIFFERENCE for a, b in pictures)


def _contents(output: dict) -> dict[str, str]:
    texts = {output["name"]: output["text"]} if output["output_type"] == "stream" else output["data"]
    return {mime: _joined(text) for mime, text in texts.items()}


def _kind(output: dict) -> str:
    return "+".join(sorted(_contents(output)))


def _listed(kinds: list[str]) -> str:
    return ", ".join(kinds) or "nothing"


def _text_difference(stored: str, made: str) -> str:
    a, b = _parts(stored), _parts(made)
    for k, (x, y) in enumerate(zip(a, b, strict=False)):
        if x != y and not (k % 2 and _near(x, y)):
            return f"stored {_context(a, k)!r}, made {_context(b, k)!r}"
    return "" if len(a) == len(b) else f"stored {stored[-60:]!r}, made {made[-60:]!r}"


def _context(parts: list[str], k: int) -> str:
    return "".join(parts[max(k - 3, 0) : k + 2])[-120:].strip()


def _parts(text: str) -> list[str]:
    "Text and numbers in turn, without measured values and without the spaces and lines that fit widths."
    text = MEASURED.sub("<measured>", text)
    text = re.sub(r"\s+", " ", re.sub(r"[-─=]{3,}", "---", text))
    parts, end = [], 0
    for found in NUMBER.finditer(text):
        parts += [text[end : found.start()].strip(), found[0]]
        end = found.end()
    return [*parts, text[end:].strip()]


def _near(a: str, b: str) -> bool:
    """Whether two numbers agree up to rounding: within 2 %, two units of the last digit, or both below 1e-4.

    Integers below 1000 are counts, which must be equal.
    """
    x, y = (float(text.replace(",", "").replace("−", "-")) for text in (a, b))
    if x != x or y != y or "inf" in f"{x}{y}":
        return str(x) == str(y)
    size, texts = max(abs(x), abs(y)), f"{a}{b}".lower()
    if size < 1000 and not re.search("[.e]", texts):
        return x == y
    decimals = min(len(text.partition(".")[2]) for text in (a, b)) if "e" not in texts else 12
    return abs(x - y) <= max(0.02 * size, 2.02 * 10.0**-decimals if decimals else 0) or size < 1e-4


def _open(png: str):
    from PIL import Image

    return Image.open(io.BytesIO(base64.b64decode(png))).convert("RGB")


def _picture_difference(stored: str, made: str) -> str:
    "Pictures are compared by size; a blank picture differs from one that is not."
    a, b = _open(stored), _open(made)
    if any(abs(m - n) > max(8, 0.1 * m) for m, n in zip(a.size, b.size, strict=True)):
        return f"stored {a.size[0]}x{a.size[1]} pixels, made {b.size[0]}x{b.size[1]}"
    blank = [len(picture.getcolors(2) or "more") == 1 for picture in (a, b)]
    return "" if blank[0] == blank[1] else "one of the pictures is blank"


def _pixel_difference(stored: str, made: str) -> float:
    import numpy as np

    a, b = _open(stored), _open(made)
    return float(np.abs(np.asarray(a, float) - np.asarray(b, float)).mean()) if a.size == b.size else 255.0


def differences(stored: list[dict], made: list[dict]) -> list[str]:
    "One line per executed cell whose stored outputs differ. Cells are those of two versions of a notebook."
    executed = {cell["id"]: cell for cell in made if cell["cell_type"] == "code" and cell["execution_count"]}
    found = []
    for k, cell in enumerate(stored):
        if cell["id"] in executed and is_compared(cell):
            varies = VARIES in cell["metadata"].get("tags", ())
            text = difference(normalized(cell["outputs"]), executed[cell["id"]]["outputs"], varies)
            if text:
                found.append(f"cell {k} ({cell['id']}): {text}")
    return found
