"""A self-contained page with a table and plots of all stored results: no server, no script from elsewhere."""

import json
from pathlib import Path

from pat_nb.experiments.results import StoredResults
from pat_nb.names import loss_label

METRICS = ("miou", "pixel_acc", "head", "body", "tail")


def load_runs(folder: Path) -> list[dict]:
    "What the page shows of each stored result."
    runs = []
    profiles = [StoredResults(profile) for profile in sorted(folder.iterdir()) if profile.is_dir()]
    for stored, run_id in ((p, i) for p in profiles for i in p.run_ids()):
        result = stored.read(run_id)
        spec, test = result["spec"], result["metrics"]["test"]
        runs.append(
            dict(
                profile=stored.folder.name,
                dataset=spec["dataset"],
                model=spec["model"],
                loss=loss_label(spec["loss"]),
                params=", ".join(f"{k}={number(v)}" for k, v in spec["loss_params"].items()),
                steps=spec["steps"],
                seed=spec["seed"],
                **{k: percent(test[k]) for k in METRICS},
                iou=[percent(v) for v in test["iou"]],
                classes="|".join(result["classes"]),
                pixels=result["train_pixels"],
                id=result["run_id"],
            )
        )
    return runs


def number(value) -> str:
    return f"{value:g}" if isinstance(value, float) else str(value)


def percent(value: float | None) -> float | None:
    return None if value is None else round(100 * value, 2)


def write_page(results: Path, file: Path) -> None:
    "Write the page with the results inside it."
    runs = load_runs(results)
    datasets = {run["dataset"]: dict(classes=run["classes"].split("|"), pixels=run["pixels"]) for run in runs}
    for run in runs:
        del run["classes"], run["pixels"]
    data = json.dumps(dict(runs=runs, datasets=datasets), separators=(",", ":")).replace("</", "<\\/")
    template = Path(__file__).with_name("explorer.html").read_text(encoding="utf-8")
    text = template.replace("/*DATA*/null", data)
    file.parent.mkdir(parents=True, exist_ok=True)
    if not file.is_file() or file.read_text(encoding="utf-8") != text:
        file.write_text(text, encoding="utf-8")
