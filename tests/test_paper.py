"""`pat-nb paper` and papermill at the smallest scale: dry run, training, repetition, damage, stored results."""

import json
import re

import papermill
import pytest
from notebooks import ROOT, batch
from render import EXECUTED

TABLE = (".csv", ".md", ".tex", ".png")
OUTPUTS = {
    "table1_weighting": TABLE,
    "table2_complexity": TABLE,
    "table3_losses": TABLE,
    "table4_models": TABLE,
    "table5_temperature": TABLE,
    "table6_classwise": TABLE,
    "ablation_components": TABLE,
    "protocol": TABLE,
    "protocol_worth": (".png",),
    "fig1_class_frequency": (".png",),
    "fig2_method": (".png",),
    "fig3_analysis": (".png",),
    "fig4_qualitative_synthetic_street": (".png",),
    "fig5_utilization": TABLE,
    "findings": TABLE,
    "findings_in_words": (".md",),
    "findings_differences": (".png",),
    "findings_forest": (".png",),
}
PAPERMILL = ["papermill", ROOT / "nbs/paper/table3_losses.ipynb", "out.ipynb", "-k", "python3", "-p", "profile"]


def planned_runs(grid) -> list[str]:
    return sorted(re.findall(r"^to train .* (\S+)$", grid.dry_run.out, flags=re.M))


def times(grid) -> dict:
    return {path.parent.name: path.stat().st_mtime_ns for path in grid.runs.glob("*/result.json")}


def tables(folder) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.glob("*") if path.suffix in (".csv", ".md")}


@pytest.mark.slow
def test_dry_run_lists_what_is_trained(trained_grid):
    assert len(planned_runs(trained_grid)) == 3
    assert planned_runs(trained_grid) == sorted(times(trained_grid))


@pytest.mark.slow
@pytest.mark.parametrize("name", OUTPUTS)
def test_tables_and_figures(name, trained_grid):
    for ending in OUTPUTS[name]:
        file = trained_grid.tables / f"{name}{ending}"
        assert file.is_file()
        assert str(file) in trained_grid.paper.out


@pytest.mark.slow
def test_second_time_trains_nothing(grid_copy, run_command, small_grid):
    before = times(grid_copy), {k: v for k, v in tables(grid_copy.tables).items() if k.endswith(".csv")}
    only = ["--only", "table2,table3,protocol"]  # measured costs, which are stored; results; learning curves
    finished = run_command("pat-nb", "paper", *only, *small_grid, env=grid_copy.environment)
    assert "0 to train" in finished.out
    after = times(grid_copy), {k: v for k, v in tables(grid_copy.tables).items() if k.endswith(".csv")}
    assert after == before


@pytest.mark.slow
def test_damaged_results_are_named_and_made_again(grid_copy, run_command, small_grid):
    "Torn files, results of another run and of another schema never reach a table."
    torn, foreign, stale = (grid_copy.run_folder(loss) / "result.json" for loss in ("ce", "focal", "pat"))
    table = (grid_copy.tables / "table3_losses.csv").read_bytes()
    foreign.write_bytes(stale.read_bytes())
    torn.write_text(torn.read_text()[:300])
    stale.write_text(json.dumps(json.loads(stale.read_text()) | {"schema": 0}))
    finished = run_command("pat-nb", "paper", "--only", "table3", *small_grid, env=grid_copy.environment)
    for file, reason in ((torn, "not valid JSON"), (foreign, "another run"), (stale, "schema 1")):
        assert re.search(f"{re.escape(str(file))}.*{reason}.*The run is repeated", finished.text)
    assert "3 to train" in finished.out
    assert (grid_copy.tables / "table3_losses.csv").read_bytes() == table


@pytest.mark.slow
def test_failed_run_leaves_a_blank(grid_copy, run_command, small_grid):
    "The error is shown, the remaining runs and the table are made, and the exit status is 1."
    run = grid_copy.run_folder("focal")
    (run / "result.json").unlink()
    (run / "last.pt").unlink()
    (run / "history.jsonl").unlink()
    (run / "history.jsonl").mkdir()  # the run cannot write it
    finished = run_command("pat-nb", "paper", "--only", "table3", *small_grid, env=grid_copy.environment, status=1)
    assert re.search(f"FAILED {run.name}: .*history.jsonl.*is a directory", finished.text, flags=re.I)
    assert f"the full error: {run / 'error.txt'}" in finished.text
    assert "Traceback" in (run / "error.txt").read_text()
    table = (grid_copy.tables / "table3_losses.csv").read_text()
    assert re.search(r"^synthetic_street,focal,0,,", table, flags=re.M)
    assert re.search(r"^synthetic_street,pat,1,\d", table, flags=re.M)


@pytest.mark.slow
def test_stored_results_give_the_stored_tables(environment, tmp_path, run_command):
    """figures/compact is made from data/results/compact, without data sets or training.

    `make test` has just executed the notebooks with these results, so that one table is left to the command.
    """
    env = {k: v for k, v in environment.items() if k != "PAT_NB_DATA"}
    stored, executed = tables(ROOT / "figures" / "compact"), tables(EXECUTED / "figures" / "compact")
    only = ("--only", "table3") if stored.keys() <= executed.keys() else ()
    run_command("pat-nb", "paper", "--profile", "compact", "--from-results", *only, env=env)
    made = executed | tables(tmp_path / "figures" / "compact") if only else tables(tmp_path / "figures" / "compact")
    changed = sorted(name for name in made | stored if made.get(name) != stored.get(name))
    assert not changed, "run `pat-nb paper --profile compact --from-results` and commit"


@pytest.mark.parametrize("notebook", batch(), ids=lambda n: n.name)
def test_papermill_help(notebook):
    "`papermill --help-notebook` shows type and meaning of every parameter."
    parameters = papermill.inspect_notebook(str(notebook.path))
    assert parameters
    for parameter in parameters.values():
        assert parameter["help"]
        assert parameter["inferred_type_name"] != "None"


@pytest.mark.slow
def test_papermill_from_any_folder(trained_grid, tmp_path, run_command):
    run_command(*PAPERMILL, "smoke", cwd=tmp_path, env=trained_grid.environment | {"PAT_NB_FIGURES": str(tmp_path)})
    assert (tmp_path / "out.ipynb").is_file()
    assert (tmp_path / "smoke" / "table3_losses.csv").is_file()


@pytest.mark.slow
def test_papermill_stops_at_a_wrong_value(environment, tmp_path, run_command):
    finished = run_command(*PAPERMILL, "smok", cwd=tmp_path, env=environment, status=1)
    assert finished.text.count("UserError") == 1
    assert "Did you mean 'smoke'?" in finished.text.strip().splitlines()[-1]
