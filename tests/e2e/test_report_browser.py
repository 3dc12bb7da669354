"""The report in a real browser, driven over Chromium's DevTools pipe with the standard library."""

import json
import os
import select
import shutil
import subprocess
import time
from pathlib import Path
from typing import Any

import pytest

from radpipe.prognosis.report import write_report
from tests.e2e.report_input import HOSTILE_IDS, patient_ids, write_evaluation, write_run

CHROMIUM = next(
    filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None
)
needs_browser = pytest.mark.skipif(CHROMIUM is None, reason="no Chromium on this machine")
FLAGS = [
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-dev-shm-usage",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--remote-debugging-pipe",
]


class Browser:
    """A headless Chromium that keeps every event it reports."""

    def __init__(self, profile: Path) -> None:
        hears, self._writes = os.pipe()
        self._reads, says = os.pipe()
        # The browser expects its pipe at the file descriptors 3 and 4.
        self._process = subprocess.Popen(
            [
                "bash",
                "-c",
                f'exec "$@" 3<&{hears} 4>&{says}',
                "browser",
                str(CHROMIUM),
                *FLAGS,
                f"--user-data-dir={profile}",
                "about:blank",
            ],
            pass_fds=(hears, says),
            stderr=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
        )
        os.close(hears)
        os.close(says)
        self._buffer = b""
        self._calls = 0
        self._session: str | None = None
        self.events: list[dict[str, Any]] = []

    def __enter__(self) -> "Browser":
        pages = [
            target
            for target in self.call("Target.getTargets")["targetInfos"]
            if target["type"] == "page"
        ]
        attached = {"targetId": pages[0]["targetId"], "flatten": True}
        self._session = self.call("Target.attachToTarget", attached)["sessionId"]
        for domain in ("Page", "Runtime", "Log", "Network"):
            self.call(f"{domain}.enable")
        return self

    def __exit__(self, *_: object) -> None:
        self._process.kill()
        self._process.wait()
        os.close(self._writes)
        os.close(self._reads)

    def call(self, method: str, params: dict[str, Any] | None = None) -> dict[str, Any]:
        self._calls += 1
        message = {"id": self._calls, "method": method, "params": params or {}}
        if self._session:
            message["sessionId"] = self._session
        os.write(self._writes, json.dumps(message).encode() + b"\0")
        while True:
            answer = self._next(deadline=time.monotonic() + 60)
            if answer.get("id") == self._calls:
                assert "error" not in answer, answer
                return answer["result"]
            self.events.append(answer)

    def open(self, page: Path) -> None:
        self.call("Page.navigate", {"url": page.as_uri()})
        deadline = time.monotonic() + 60
        while not self.seen("Page.loadEventFired"):
            self.events.append(self._next(deadline))
        # Whatever a page does late, it does within a moment of its load.
        self.value("new Promise(done => setTimeout(done, 500))")

    def value(self, expression: str) -> Any:
        asked = {"expression": expression, "returnByValue": True, "awaitPromise": True}
        return self.call("Runtime.evaluate", asked)["result"].get("value")

    def seen(self, *methods: str) -> list[dict[str, Any]]:
        return [event["params"] for event in self.events if event.get("method") in methods]

    def complaints(self) -> list[dict[str, Any]]:
        return self.seen(
            "Runtime.consoleAPICalled",
            "Runtime.exceptionThrown",
            "Log.entryAdded",
            "Page.javascriptDialogOpening",
        )

    def requests(self, page: Path) -> list[str]:
        asked = [event["request"]["url"] for event in self.seen("Network.requestWillBeSent")]
        return [url for url in asked if url != page.as_uri() and not url.startswith("data:")]

    def _next(self, deadline: float) -> dict[str, Any]:
        while b"\0" not in self._buffer:
            ready, _, _ = select.select([self._reads], [], [], deadline - time.monotonic())
            assert ready, "the browser does not answer"
            part = os.read(self._reads, 1 << 16)
            assert part, "the browser closed its pipe"
            self._buffer += part
        message, self._buffer = self._buffer.split(b"\0", 1)
        return json.loads(message)


@pytest.fixture(scope="module")
def page(tmp_path_factory):
    folder = tmp_path_factory.mktemp("report")
    write_run(folder / "run", patient_ids(6), failed=("<u>empty</u>",))
    write_evaluation(folder / "evaluation", run="run")
    return write_report(folder / "evaluation", folder / "report.html")


@needs_browser
def test_report_is_quiet_complete_and_asks_nothing(page, tmp_path):
    with Browser(tmp_path) as browser:
        browser.open(page)
        assert browser.complaints() == []
        assert browser.requests(page) == []
        pictures = browser.value(
            "Array.from(document.images, i => [i.complete, i.naturalWidth, i.alt])"
        )
        shown = browser.value(
            "Array.from(document.querySelectorAll('figcaption'), c => c.innerText)"
        )
        assert (
            browser.value("document.querySelectorAll('script, main b, main u, main i').length") == 0
        )
        assert browser.value("document.documentElement.scrollWidth <= window.innerWidth")
    # Two Kaplan-Meier figures, one forest plot, six overlays.
    assert len(pictures) == 9
    assert all(complete and width > 0 and alt for complete, width, alt in pictures)
    for case_id in HOSTILE_IDS:
        assert any(caption.startswith(case_id) for caption in shown)


@needs_browser
@pytest.mark.parametrize(
    ("harm", "tells"),
    [
        ("<script>console.error('x')</script>", "complaints"),
        ("<img src='http://127.0.0.1:9/x.png' alt=''>", "complaints"),
    ],
)
def test_the_browser_would_notice_harm(page, tmp_path, harm, tells):
    """The page's own policy blocks both, and says so: the test above can fail."""
    broken = tmp_path / "broken.html"
    broken.write_text(page.read_text(encoding="utf-8").replace("</main>", f"{harm}</main>"))
    with Browser(tmp_path / "profile") as browser:
        browser.open(broken)
        assert getattr(browser, tells)()


@needs_browser
def test_the_browser_would_notice_a_request(page, tmp_path):
    open_page = tmp_path / "open.html"
    text = page.read_text(encoding="utf-8").replace("Content-Security-Policy", "nothing")
    open_page.write_text(text.replace("</main>", "<img src='http://127.0.0.1:9/x.png'></main>"))
    with Browser(tmp_path / "profile") as browser:
        browser.open(open_page)
        assert browser.requests(open_page) == ["http://127.0.0.1:9/x.png"]
