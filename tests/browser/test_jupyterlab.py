"""Run notebooks in JupyterLab in a headless browser: `make test-browser`.

Needs Playwright (the extra `browser`) and Chromium, whose path is CHROMIUM or found on the PATH. Screenshots are
written to SCREENSHOTS if it is set.
"""

import os
import shutil
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest
from notebooks import ROOT

playwright = pytest.importorskip("playwright.sync_api", reason="needs the extra `browser`")
CHROMIUM = os.environ.get("CHROMIUM") or shutil.which("chromium") or shutil.which("chromium-browser")
NOTEBOOKS = (
    "nbs/11_loss_pat.ipynb",
    "nbs/paper/table3_losses.ipynb",
    "nbs/tutorials/use_a_loss.ipynb",
    "nbs/tutorials/your_dataset.ipynb",
    "nbs/tutorials/reproduce_the_paper.ipynb",
)
RUN_ALL = """async () => {
    const app = window.jupyterapp;
    const panel = app.shell.currentWidget;
    await panel.context.ready;
    await panel.sessionContext.ready;
    await app.commands.execute("notebook:run-all-cells");
    return panel.context.model.toJSON();
}"""

pytestmark = [
    pytest.mark.browser,
    pytest.mark.skipif(CHROMIUM is None, reason="no chromium on the PATH; set CHROMIUM"),
]


@pytest.fixture(scope="module")
def lab(tmp_path_factory) -> Iterator[str]:
    "The address of a JupyterLab on a copy of the notebooks."
    folder = tmp_path_factory.mktemp("lab")
    for name in ("nbs", "data", "figures"):
        shutil.copytree(ROOT / name, folder / name, ignore=shutil.ignore_patterns("smoke", ".ipynb_checkpoints"))
    shutil.copy(ROOT / "settings.ini", folder)
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    command = [sys.executable, "-m", "jupyterlab", "--no-browser", "--allow-root", "--expose-app-in-browser"]
    options = [f"--ServerApp.port={port}", "--IdentityProvider.token=test", f"--ServerApp.root_dir={folder}"]
    environment = os.environ | {"PYTHONPATH": str(ROOT), "PAT_NB_SETTINGS": str(folder / "settings.ini")}
    log = (folder / "server.log").open("w")
    with subprocess.Popen(command + options, cwd=folder, env=environment, stdout=log, stderr=log) as server:
        try:
            wait_for(f"http://127.0.0.1:{port}/api", server, folder / "server.log")
            yield f"http://127.0.0.1:{port}"
        finally:
            server.terminate()


def wait_for(address: str, server: subprocess.Popen, log: Path) -> None:
    "Return when the server answers."
    for _ in range(120):
        assert server.poll() is None, log.read_text()
        try:
            urllib.request.urlopen(address, timeout=2)
            return
        except OSError:
            time.sleep(0.5)
    raise AssertionError(log.read_text())


@pytest.fixture(scope="module")
def browser() -> Iterator:
    with playwright.sync_playwright() as p:
        chromium = p.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        yield chromium
        chromium.close()


@pytest.mark.parametrize("notebook", NOTEBOOKS)
def test_run_all(notebook, lab, browser, tmp_path):
    page = browser.new_page(viewport={"width": 1280, "height": 1600})
    page.goto(f"{lab}/lab/workspaces/{Path(notebook).stem}/tree/{notebook}?token=test&reset")
    page.wait_for_selector(".jp-Notebook .jp-Cell", timeout=60_000)
    page.set_default_timeout(600_000)
    content = page.evaluate(RUN_ALL)
    folder = Path(os.environ.get("SCREENSHOTS", tmp_path))
    folder.mkdir(parents=True, exist_ok=True)
    page.screenshot(path=folder / f"{Path(notebook).stem}.png")
    page.close()
    code = [c for c in content["cells"] if c["cell_type"] == "code" and "".join(c["source"]).strip()]
    outputs = [o for c in code for o in c["outputs"]]
    assert [o for o in outputs if o["output_type"] == "error"] == []
    assert all(c["execution_count"] for c in code)
    assert outputs
