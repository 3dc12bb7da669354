"""A page as a reader sees it."""

from html.parser import HTMLParser
from pathlib import Path

from radpipe.prognosis.report import write_report
from radpipe.store.files import read_json, write_json
from tests.e2e.evaluation_input import write_evaluation


class Page(HTMLParser):
    """Text, tags and sources of a page; what is in its script or style is no text."""

    def __init__(self, html):
        super().__init__()
        self.html, self.tags, self.text, self.sources, self.alts = html, [], "", [], []
        self._hidden = False
        self.feed(html)

    def handle_starttag(self, tag, attrs):
        self.tags.append(tag)
        self.sources += [value for name, value in attrs if name in ("src", "href")]
        self.alts += [value for name, value in attrs if name == "alt"]
        self._hidden = tag in ("script", "style")

    def handle_endtag(self, tag):
        self._hidden = self._hidden and tag not in ("script", "style")

    def handle_data(self, data):
        if not self._hidden:
            self.text += data.replace("\N{NO-BREAK SPACE}", " ").replace("\N{MINUS SIGN}", "-")


def page_of(folder: Path, change=None, **evaluation) -> Page:
    """Write an evaluation, change its metrics, and read its report."""
    path = write_evaluation(folder / "evaluation", **evaluation)
    if change is not None:
        facts = read_json(path / "metrics.json")
        change(facts)
        write_json(path / "metrics.json", facts)
    return Page(write_report(path, folder / "r.html").read_text("utf-8"))
