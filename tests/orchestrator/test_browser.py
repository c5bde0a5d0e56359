"""A browser on what a sweep leaves: MLflow's own pages, and the report, as a person sees them."""

import os
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from mlflow import MlflowClient
from playwright.sync_api import Browser, Page, sync_playwright

from tests.orchestrator.conftest import CHROMIUM, Swept
from tests.runs import environment

PATIENCE = 60_000  # milliseconds; pages are slow on a busy machine

pytestmark = pytest.mark.skipif(
    CHROMIUM is None, reason="no chromium here; `make browser` installs it (Debian, as root)"
)


@dataclass(frozen=True)
class Served:
    """A finished sweep, and an MLflow server on it as the README starts it."""

    store: Path
    url: str

    def run_id(self, name: str, parent: str | None = None) -> str:
        client = MlflowClient(f"sqlite:///{self.store}/mlflow.db")
        experiment = client.get_experiment_by_name("ouroboros")
        assert experiment is not None
        runs = client.search_runs([experiment.experiment_id], max_results=1000)
        return str(
            next(
                run.info.run_id
                for run in runs
                if run.info.run_name == name
                and parent in (None, run.data.tags.get("mlflow.parentRunId"))
            )
        )


@pytest.fixture(scope="module")
def served(swept: Swept) -> Iterator[Served]:
    store = swept.store
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    mlflow, uri = str(Path(sys.executable).parent / "mlflow"), f"sqlite:///{store}/mlflow.db"
    server = subprocess.Popen(
        [mlflow, "server", "--backend-store-uri", uri, "--port", str(port)],
        env=environment(),
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    url = f"http://127.0.0.1:{port}"
    try:
        deadline = time.monotonic() + 120
        while True:
            try:
                urllib.request.urlopen(f"{url}/health", timeout=5)
                break
            except OSError:
                assert time.monotonic() < deadline
                assert server.poll() is None
                time.sleep(0.5)
        yield Served(store, url)
    finally:
        os.killpg(server.pid, signal.SIGTERM)
        server.wait(30)


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with sync_playwright() as playwright:
        opened = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        yield opened
        opened.close()


@pytest.fixture
def page(browser: Browser) -> Iterator[Page]:
    opened = browser.new_page(viewport={"width": 1400, "height": 1000})
    opened.set_default_timeout(PATIENCE)
    yield opened
    opened.close()


def test_mlflow_shows_the_sweep_a_trial_with_its_chart_and_its_pictures(
    served: Served, page: Page
) -> None:
    page.goto(f"{served.url}/#/experiments/1/runs")
    sweep = served.run_id("tiny_sweep")
    page.locator(f'a[href*="/runs/{sweep}"]').first.wait_for()

    trial = served.run_id("ratio=0.25, kind=greedy, seed 1", sweep)
    page.goto(f"{served.url}/#/experiments/1/runs/{trial}/model-metrics")
    page.get_by_text("ratio=0.25, kind=greedy, seed 1").first.wait_for()
    page.locator('[data-testid="experiment-view-compare-runs-card"]').first.wait_for()
    page.get_by_text("frechet_distance").first.wait_for()

    generator = served.run_id("a", trial)
    page.goto(f"{served.url}/#/experiments/1/runs/{generator}/artifacts")
    page.get_by_text("images").first.click()
    page.get_by_text(".png").first.click()
    picture = page.locator(
        "img[src^='blob:'], img[src*='get-artifact'], .image-outer-container img"
    )
    picture.first.wait_for()
    assert picture.first.evaluate("image => image.naturalWidth") > 50


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_the_report_opens_without_an_error_or_a_request_in_either_theme(
    served: Served, browser: Browser, scheme: str
) -> None:
    (report,) = served.store.glob("sweeps/*/report.html")
    context = browser.new_context(color_scheme=scheme, viewport={"width": 1280, "height": 900})  # type: ignore[arg-type]
    page = context.new_page()
    messages: list[str] = []
    asked: list[str] = []
    page.on("console", lambda message: messages.append(message.text))
    page.on("pageerror", lambda error: messages.append(str(error)))
    page.on("request", lambda request: asked.append(request.url))
    page.goto(report.as_uri())
    assert page.title().startswith("tiny_sweep")
    assert "finished" in page.inner_text("body")
    ground = page.evaluate("getComputedStyle(document.body).backgroundColor")
    levels = [int(level) for level in ground.strip("rgb()").split(",")]
    assert (min(levels) > 200) if scheme == "light" else (max(levels) < 60)
    # nothing wider than the window but what scrolls by itself
    assert page.evaluate("document.documentElement.scrollWidth") <= 1280
    assert messages == []
    assert [url for url in asked if not url.startswith(("file:", "data:"))] == []
    context.close()
