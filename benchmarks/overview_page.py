"""Time the page of a run's cases in headless Chromium: to make, to open, to sort.

    PYTHONPATH=. python benchmarks/overview_page.py --cases 2000

Prints a table in Markdown. The run is made up: noisy pictures of the size that extraction draws,
1,300 features, a few failures. To open counts from the start of navigation to the load event, and
to the moment when the pictures in sight are decoded; to sort, from the click until the second
frame after it, when the new order is painted: the worst of all columns, each the median of five,
with every case drawn before, as after a walk to the page's end.
"""

from __future__ import annotations

import argparse
import statistics
import tempfile
import time
import zlib
from pathlib import Path

import numpy as np

from radpipe.extraction.overview import write_overview
from radpipe.store import Run
from tests.e2e.browser import Browser
from tests.e2e.report_input import png, write_run

FEATURES, SIDE, FAILED, TURNS = 1300, 240, 20, 5
WINDOW = {"width": 1440, "height": 900, "deviceScaleFactor": 1, "mobile": False}
OPENED = "performance.timing.loadEventEnd - performance.timing.navigationStart"
IN_SIGHT = """(async () => {
  document.getElementById("controls").scrollIntoView();
  const start = performance.now();
  const seen = [...document.images].filter(i => i.getBoundingClientRect().top < innerHeight);
  await Promise.all(seen.map(i => i.decode()));
  return [seen.length, performance.now() - start];
})()"""
CLICKED = """new Promise(done => {
  const start = performance.now();
  document.querySelector('%s').click();
  requestAnimationFrame(() => requestAnimationFrame(() => done(performance.now() - start)));
})"""
COLUMNS = "Array.from(document.querySelectorAll('th[data-key]'), head => head.dataset.key)"


def made_up_run(folder: Path, cases: int) -> Run:
    """Write a run as extraction leaves it."""
    random = np.random.default_rng(0)
    told = {
        "roi_voxels": random.integers(20, 50_000, cases).tolist(),
        "roi_touches_edge": (random.random(cases) < 0.05).tolist(),
        "flat_image_types": (random.random(cases) < 0.02).astype(int).tolist(),
    }
    seconds = random.lognormal(0, 1, cases).tolist()
    values = {f"original_glcm_F{number}": random.random(cases) for number in range(FEATURES)}
    ids = [f"P{number:05d}" for number in range(cases)]
    failed = tuple(f"F{number:05d}" for number in range(FAILED))
    run = write_run(folder, ids, failed, told=told, values=values, seconds=seconds)
    for picture in sorted(run.qc_path.iterdir()):
        picture.write_bytes(_noisy(random))
    return run


def _noisy(random: np.random.Generator) -> bytes:
    """Give a picture that packs no better than a real one: 4 bits of noise a pixel."""
    plain = png(side=SIDE)
    lines = random.integers(0, 16, (SIDE, SIDE + 1), dtype=np.uint8) * 16
    lines[:, 0] = 0
    packed = zlib.compress(lines.tobytes())
    start = plain.index(b"IDAT") - 4
    check = zlib.crc32(b"IDAT" + packed).to_bytes(4, "big")
    return plain[:start] + len(packed).to_bytes(4, "big") + b"IDAT" + packed + check + plain[-12:]


def sorting(browser: Browser, view: str) -> tuple[str, float]:
    """Return the slowest column and its median, in milliseconds."""
    browser.value(f"document.querySelector('[name=view][value={view}]').click()")
    medians = {
        key: statistics.median(_sorted(browser, key) for _ in range(TURNS))
        for key in browser.value(COLUMNS)
    }
    return max(medians.items(), key=lambda each: each[1])


def _sorted(browser: Browser, key: str) -> float:
    browser.value("drawMore(cases.length)")
    milliseconds: float = browser.value(CLICKED % f'th[data-key="{key}"] button')
    return milliseconds


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--cases", type=int, default=2000)
    cases = parser.parse_args().cases
    with tempfile.TemporaryDirectory() as folder:
        run = made_up_run(Path(folder) / "run", cases)
        started = time.perf_counter()
        page = write_overview(run.path)
        made = time.perf_counter() - started
        with Browser(Path(folder) / "profile") as browser:
            browser.call("Emulation.setDeviceMetricsOverride", WINDOW)
            browser.open(page)
            opened = browser.value(OPENED)
            pictures, decoded = browser.value(IN_SIGHT)
            slowest = {view: sorting(browser, view) for view in ("grid", "table")}
            version = browser.call("Browser.getVersion")["product"]
    print(f"{cases:,} cases, {FEATURES:,} features, {page.name}, {version}\n")
    print("| what | seconds |\n|---|---|")
    print(f"| to make the page | {made:.2f} |")
    print(f"| to open it | {opened / 1000:.2f} |")
    print(f"| the {pictures} pictures in sight, after that | {decoded / 1000:.2f} |")
    for view, (key, milliseconds) in slowest.items():
        print(f"| to sort, {view}, slowest column ({key}) | {milliseconds / 1000:.3f} |")


if __name__ == "__main__":
    main()
