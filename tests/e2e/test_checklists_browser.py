"""The checklists in a real browser."""

import pytest

from radpipe.prognosis.report.checklists import write_checklists
from radpipe.prognosis.report.checklists.items import CHECKLISTS
from tests.e2e.browser import Browser, needs_browser
from tests.e2e.evaluation_input import write_evaluation


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    home = tmp_path_factory.mktemp("checklists")
    write_evaluation(home / "evaluation")
    write_checklists(home / "evaluation", home / "checklists")
    return home / "checklists"


@needs_browser
@pytest.mark.parametrize("checklist", CHECKLISTS, ids=lambda each: each.name)
def test_page_is_quiet_and_shows_every_item(checklist, folder, tmp_path):
    page = folder / f"{checklist.name}.html"
    with Browser(tmp_path) as browser:
        browser.open(page)
        assert browser.complaints() == []
        assert browser.requests(page) == []
        numbers = browser.value(
            "Array.from(document.querySelectorAll('td.number'), cell => cell.innerText)"
        )
        assert numbers == [item.number for item in checklist.items()]
        assert browser.value("document.documentElement.scrollWidth <= window.innerWidth")
