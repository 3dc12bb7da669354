"""The report in a real browser."""

import csv
import io
import json
import time

import pytest

from radpipe.prognosis.report import write_report
from tests.e2e.browser import Browser, needs_browser
from tests.e2e.evaluation_input import write_evaluation
from tests.e2e.report_input import HOSTILE_IDS, patient_ids, write_run

PHONE = {"width": 360, "height": 740, "deviceScaleFactor": 2, "mobile": True}
DESK = {"width": 1280, "height": 900, "deviceScaleFactor": 1, "mobile": False}
KINDS = {
    "cross-validation": {"run": "run"},
    "validation": {"kind": "validation"},
    "binary": {"binary": True},
    "few events": {"withheld": True, "patients": 24},
}
# Each row's cell of a column, in the order shown.
SHOWN = (
    """Array.from(document.querySelectorAll('[aria-label="%s"] tbody tr'), """
    "r => r.cells[%d].innerText)"
)
HEAD = """document.querySelectorAll('[aria-label="%s"] thead button')[%d]"""


@pytest.fixture(scope="module")
def pages(tmp_path_factory):
    folder = tmp_path_factory.mktemp("report")
    write_run(folder / "run", patient_ids(6), failed=("<u>empty</u>",))
    for name, evaluation in KINDS.items():
        write_evaluation(folder / name, **evaluation)
    return {name: write_report(folder / name, folder / f"{name}.html") for name in KINDS}


@pytest.fixture
def page(pages):
    return pages["cross-validation"]


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
        assert browser.value("document.querySelectorAll('main script, main b, main u').length") == 0
    # Follow-up, three forest plots, AUC over time, two calibration and two decision curves, three
    # Kaplan-Meier figures, two histograms, learning curve, subgroups, six overlays.
    assert len(pictures) == 22
    assert all(complete and width > 0 and alt for complete, width, alt in pictures)
    for case_id in HOSTILE_IDS:
        assert any(caption.startswith(case_id) for caption in shown)


@needs_browser
@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("phone", [True, False])
def test_nothing_is_wider_than_the_screen(pages, tmp_path, kind, phone):
    with Browser(tmp_path) as browser:
        if phone:
            browser.call("Emulation.setDeviceMetricsOverride", PHONE)
        browser.open(pages[kind])
        assert browser.complaints() == []
        assert browser.value("document.documentElement.scrollWidth <= window.innerWidth")
        # What is wider scrolls within its own region; a figure never is.
        widest = browser.value(
            "Math.max(...Array.from(document.images, i => i.getBoundingClientRect().right))"
        )
        assert widest <= browser.value("window.innerWidth")


@needs_browser
def test_a_table_that_goes_on_sideways_says_so(page, tmp_path):
    """On a phone the widest table does, on a desk none does."""
    wide = (
        "Array.from(document.querySelectorAll('.scroll'), "
        "s => [s.scrollWidth > s.clientWidth, getComputedStyle(s, '::before').content])"
    )
    with Browser(tmp_path) as browser:
        browser.call("Emulation.setDeviceMetricsOverride", DESK)
        browser.open(page)
        assert {said for _, said in browser.value(wide)} == {"none"}
        browser.call("Emulation.setDeviceMetricsOverride", PHONE)
        found = browser.value(f"new Promise(done => setTimeout(() => done({wide}), 300))")
    assert any(goes_on for goes_on, _ in found)
    assert all((said != "none") == goes_on for goes_on, said in found)


@needs_browser
def test_letters_of_figures_are_read_on_a_phone(page, tmp_path):
    """Nine points and a half are drawn; what is shown is never below eight pixels."""
    with Browser(tmp_path) as browser:
        browser.call("Emulation.setDeviceMetricsOverride", PHONE)
        browser.open(page)
        shares = browser.value(
            "Array.from(document.querySelectorAll('figure > img[src^=\"data:image/svg\"]'), "
            "i => i.getBoundingClientRect().width / i.naturalWidth)"
        )
    assert min(shares) * 9.5 / 72 * 96 > 8


@needs_browser
def test_tables_sort_by_what_their_numbers_are(page, tmp_path):
    with Browser(tmp_path) as browser:
        browser.open(page)
        name = "Subgroups"
        before = [int(text) for text in browser.value(SHOWN % (name, 1))]
        assert before != sorted(before)
        for wanted in (sorted(before), sorted(before, reverse=True)):
            browser.value(f"{HEAD % (name, 1)}.click()")
            assert [int(text) for text in browser.value(SHOWN % (name, 1))] == wanted
        # "too few" comes last, whichever way the others are turned.
        for _ in range(2):
            browser.value(f"{HEAD % (name, 3)}.click()")
            assert browser.value(SHOWN % (name, 3))[-1] == "too few"
        assert browser.value(f"{HEAD % (name, 3)}.parentNode.ariaSort") == "descending"
        assert browser.value(f"{HEAD % (name, 1)}.parentNode.ariaSort") is None
        assert browser.complaints() == []


@needs_browser
def test_names_sort_as_text(page, tmp_path):
    with Browser(tmp_path) as browser:
        browser.open(page)
        browser.value(f"{HEAD % ('Models compared', 0)}.click()")
        names = [text.split("\n")[0] for text in browser.value(SHOWN % ("Models compared", 0))]
    assert names == sorted(names)
    assert len(names) == 4


@needs_browser
def test_the_numbers_of_a_figure_are_saved(page, tmp_path):
    saved = tmp_path / "saved"
    saved.mkdir()
    with Browser(tmp_path / "profile") as browser:
        browser.call(
            "Browser.setDownloadBehavior", {"behavior": "allow", "downloadPath": str(saved)}
        )
        browser.open(page)
        browser.value("document.querySelector('a[download=\"comparison.csv\"]').click()")
        deadline = time.monotonic() + 30
        while not (saved / "comparison.csv").is_file():
            assert time.monotonic() < deadline, "nothing was saved"
            browser.value("new Promise(done => setTimeout(done, 100))")
        assert browser.complaints() == []
    rows = list(csv.DictReader(io.StringIO((saved / "comparison.csv").read_text("utf-8"))))
    models = json.loads((page.parent / page.stem / "metrics.json").read_text())["models"]
    told = {facts["title"]: facts["c_index"]["estimate"] for facts in models.values()}
    assert {row["what"]: float(row["estimate"]) for row in rows} == pytest.approx(told, abs=1e-5)


@needs_browser
def test_paper_shows_whole_tables_and_no_buttons(page, tmp_path):
    with Browser(tmp_path) as browser:
        browser.open(page)
        browser.call("Emulation.setEmulatedMedia", {"media": "print"})
        browser.call(
            "Emulation.setDeviceMetricsOverride",
            {"width": 720, "height": 1000, "deviceScaleFactor": 1, "mobile": False},
        )
        assert browser.value("getComputedStyle(document.querySelector('nav')).display") == "none"
        assert browser.value("getComputedStyle(document.querySelector('.save')).display") == "none"
        widths = browser.value(
            "Array.from(document.querySelectorAll('.scroll'), s => [s.scrollWidth, s.clientWidth])"
        )
        assert all(inner <= outer for inner, outer in widths)
        printed = browser.call("Page.printToPDF", {"paperWidth": 8.27, "paperHeight": 11.69})
    assert len(printed["data"]) > 10_000


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
