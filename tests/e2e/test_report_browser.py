"""The report in a real browser."""

import pytest

from radpipe.prognosis.report import write_report
from tests.e2e.browser import Browser, needs_browser
from tests.e2e.report_input import HOSTILE_IDS, patient_ids, write_evaluation, write_run


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
