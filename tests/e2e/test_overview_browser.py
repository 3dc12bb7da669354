"""The page of a run's cases in a real browser, with 2,000 of them."""

import time

import numpy as np
import pytest

from radpipe.extraction.overview import write_overview
from tests.e2e.browser import Browser, needs_browser
from tests.e2e.report_input import HOSTILE_IDS, png, write_run

pytestmark = needs_browser

CASES = 2000
FAILED = ("<u>empty</u>", "</script><script>alert(2)</script>")
IDS = [*HOSTILE_IDS, *(f"P{number:04d}" for number in range(CASES - len(HOSTILE_IDS)))]
LEFT, RIGHT, DOWN, ESCAPE = ("ArrowLeft", 37), ("ArrowRight", 39), ("ArrowDown", 40), ("Escape", 27)
# Two frames later what a click changed has been laid out and painted.
TIMED = """new Promise(done => {
  const start = performance.now();
  %s;
  requestAnimationFrame(() => requestAnimationFrame(() => done(performance.now() - start)));
})"""


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    random = np.random.default_rng(3)
    told = {
        "roi_voxels": random.integers(2, 3000, CASES).tolist(),
        "roi_touches_edge": (random.random(CASES) < 0.1).tolist(),
        "flat_image_types": (random.random(CASES) < 0.05).astype(int).tolist(),
    }
    path = tmp_path_factory.mktemp("overview") / "run #1"
    seconds = random.random(CASES).tolist()
    run = write_run(path, IDS, FAILED, told=told, seconds=seconds)
    run.picture_path(f"{5:032x}").write_text("no picture")
    for place in range(5):
        run.picture_path(f"{place:032x}").write_bytes(png(side=240))
    return run


@pytest.fixture(scope="module")
def page(run):
    return write_overview(run.path)


@pytest.fixture(scope="module")
def _browser(tmp_path_factory):
    with Browser(tmp_path_factory.mktemp("profile")) as browser:
        yield browser


@pytest.fixture
def browser(_browser, page):
    _browser.call("Page.navigate", {"url": "about:blank"})
    _browser.events.clear()
    _browser.open(page)
    return _browser


def _texts(browser, selector):
    # The innerText of what is far out of sight is empty, and takes long.
    return browser.value(f"Array.from(document.querySelectorAll('{selector}'), e => e.textContent)")


def _click(browser, selector):
    browser.value(f"document.querySelector('{selector}').click()")


def _told(run):
    table = run.diagnostics()
    return table.assign(seconds=table["row_key"].map(run.seconds()))


def _sorted_ids(run, column):
    """The order that pandas gives, ties as in the cohort, cases without a value last."""
    table = _told(run)
    return table.sort_values(column, kind="stable")["case_id"].tolist()


def test_page_is_quiet_and_asks_for_nothing_but_its_pictures(browser, page, run):
    assert browser.complaints() == []
    folder = (run.path / "qc").as_uri()
    assert all(url.startswith(folder) for url in browser.requests(page))
    assert browser.value("document.images[0].naturalWidth") == 240
    assert browser.value("document.scripts.length") == 2
    assert browser.value("document.querySelectorAll('main u').length") == 0
    names = _texts(browser, ".card .name")
    assert names[: len(HOSTILE_IDS)] == list(HOSTILE_IDS)
    assert list(FAILED) == _texts(browser, "#failures tbody th")


def test_few_pictures_are_read_before_anyone_scrolls(browser, page):
    assert 0 < len(browser.requests(page)) < 300


def test_picture_that_is_none_is_told(browser):
    assert _texts(browser, ".card .none")[0] == "picture not found"


def test_scrolling_to_the_end_shows_every_case(browser):
    for _ in range(20):
        browser.value("window.scrollTo(0, document.body.scrollHeight)")
        browser.value("new Promise(done => setTimeout(done, 60))")
    assert len(_texts(browser, ".card")) == CASES + len(FAILED)


def test_printing_shows_every_case(browser):
    browser.value("window.dispatchEvent(new Event('beforeprint'))")
    assert len(_texts(browser, ".card")) == CASES + len(FAILED)


@pytest.mark.parametrize(("key", "column"), [("voxels", "roi_voxels"), ("seconds", "seconds")])
def test_sorted_by_a_number(browser, run, key, column):
    expected = _sorted_ids(run, column)
    _click(browser, f'th[data-key="{key}"] button')
    assert _texts(browser, ".card .name")[:200] == expected[:200]
    _click(browser, "#direction")
    largest = _told(run).nlargest(1, column)["case_id"].item()
    assert _texts(browser, ".card .name")[0] == largest


def test_sorted_by_text_and_failure(browser):
    _click(browser, "[name=view][value=table]")
    _click(browser, 'th[data-key="case_id"] button')
    _click(browser, 'th[data-key="case_id"] button')
    assert _texts(browser, "#rows th")[0] == IDS[-1]
    assert _texts(browser, "#rows th")[99] == IDS[-100]
    assert browser.value("document.querySelector('[aria-sort]').ariaSort") == "descending"
    _click(browser, 'th[data-key="error"] button')
    assert _texts(browser, "#rows th")[:2] == list(FAILED)


def test_sorted_by_flags_failed_first(browser):
    _click(browser, 'th[data-key="flags"] button')
    marks = browser.value(
        "Array.from(document.querySelectorAll('.card .marks'),"
        " marks => Array.from(marks.children, chip => chip.textContent))"
    )
    assert [mark[0] for mark in marks[:2]] == ["Failed", "Failed"]
    counts = [len(mark) for mark in marks[2:]]
    assert counts == sorted(counts, reverse=True)
    assert counts[0] > 1


def test_filtered_by_flag_and_text(browser, run):
    _click(browser, "[name=flag][value=clipped]")
    told = run.diagnostics()
    clipped = told.loc[told["roi_touches_edge"], "case_id"].tolist()
    assert _texts(browser, ".card .name") == clipped[:240]
    assert browser.value("document.querySelector('#told').innerText").startswith(str(len(clipped)))
    browser.value(
        "document.querySelector('#find').value = ' p000 ct';"
        "document.querySelector('#find').dispatchEvent(new Event('input'))"
    )
    assert _texts(browser, ".card .name") == [one for one in clipped if one.startswith("P000")]


def test_a_click_enlarges_and_keys_walk_on(browser):
    _click(browser, ".card")
    assert browser.value("document.querySelector('#viewer-name').innerText") == IDS[0]
    # At the first case there is none before.
    for key in (LEFT, RIGHT, RIGHT, LEFT):
        browser.press(*key)
    assert browser.value("document.querySelector('#viewer-name').innerText") == IDS[1]
    assert "/data/1_mask.nii.gz" in browser.value("document.querySelector('.told').innerText")
    browser.press(*ESCAPE)
    assert not browser.value("document.querySelector('#viewer').open")
    browser.value("new Promise(done => setTimeout(done, 100))")
    assert browser.value("document.activeElement.dataset.place") == "1"
    browser.press(*RIGHT)
    browser.press(*DOWN)
    across = browser.value(
        "getComputedStyle(document.querySelector('#grid')).gridTemplateColumns.split(' ').length"
    )
    assert browser.value("document.activeElement.dataset.place") == str(2 + across)


def test_failures_are_sortable(browser):
    _click(browser, "#failures thead th")
    _click(browser, "#failures thead th")
    assert _texts(browser, "#failures tbody th") == sorted(FAILED, reverse=True)


def test_open_and_sorted_in_time(browser):
    assert browser.value("performance.timing.loadEventEnd - performance.timing.fetchStart") < 3000
    for view in ("grid", "table"):
        _click(browser, f"[name=view][value={view}]")
        for key in ("voxels", "case_id", "flags"):
            times = [
                browser.value(
                    TIMED % f"document.querySelector('th[data-key={key}] button').click()"
                )
                for _ in range(5)
            ]
            assert min(times) < 300, (view, key, times)


def test_nothing_stands_beyond_a_narrow_window(browser):
    narrow = {"width": 400, "height": 800, "deviceScaleFactor": 1, "mobile": False}
    browser.call("Emulation.setDeviceMetricsOverride", narrow)
    assert browser.value("document.documentElement.scrollWidth <= window.innerWidth")
    browser.call("Emulation.clearDeviceMetricsOverride")


def test_failures_and_cases_can_be_read_without_scripts(_browser, page):
    _browser.call("Emulation.setScriptExecutionDisabled", {"value": True})
    _browser.call("Page.navigate", {"url": page.as_uri()})
    time.sleep(2)
    _browser.call("Emulation.setScriptExecutionDisabled", {"value": False})
    assert len(_texts(_browser, "noscript tbody tr")) == CASES + len(FAILED)
    assert _texts(_browser, "noscript tbody th")[:3] == list(HOSTILE_IDS)
    assert _texts(_browser, "#failures tbody th") == list(FAILED)
    assert _browser.value("document.querySelector('#controls').offsetHeight") == 0


@pytest.mark.parametrize(
    ("harm", "tells"),
    [
        ("<script>console.error('x')</script>", "complaints"),
        ("<img src='http://127.0.0.1:9/x.png' alt=''>", "complaints"),
    ],
)
def test_the_page_refuses_scripts_and_addresses_of_others(page, tmp_path, harm, tells):
    """The page's own policy blocks both, and says so: the first test above can fail."""
    broken = page.with_name("broken.html")
    broken.write_text(page.read_text("utf-8").replace("</main>", f"{harm}</main>"), "utf-8")
    with Browser(tmp_path / "profile") as browser:
        browser.open(broken)
        told = str(getattr(browser, tells)())
    assert "Content Security Policy" in told


@pytest.mark.parametrize("count", [0, 1])
def test_runs_of_no_rows(tmp_path, count):
    run = write_run(tmp_path / "run", [], failed=FAILED[:count])
    with Browser(tmp_path / "profile") as browser:
        browser.open(write_overview(run.path))
        assert browser.complaints() == []
        assert len(_texts(browser, ".card")) == count
