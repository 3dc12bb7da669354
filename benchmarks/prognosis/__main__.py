"""Measure whether the prognosis wing keeps its promises, one at a time.

    python benchmarks/prognosis noise --workers 2
    python benchmarks/prognosis real --data ../shared/data/tables

`calibration`, `planted`, `noise` and `intervals` simulate cohorts whose truth is known; `real`,
`permutations` and `radmlbench` take published tables. Each prints its tables as Markdown, then
what was wanted, what was found, and pass or miss; it ends with 1 where one is missed.
"""

from __future__ import annotations

import argparse
import sys
import time
from importlib import import_module
from pathlib import Path

from shown import show_verdicts

from radpipe.parallel import default_workers

MEASURES = {
    "calibration": "calibration slopes of 20 cohorts of 1,000",
    "planted": "two strong features among 1,000: how much of them is found",
    "noise": "nothing to be found, and the leak that finds it all the same",
    "intervals": "how often intervals hold the truth, and how often noise beats volume",
    "radmlbench": "six published tables with a binary outcome, beside an L1-logistic model",
    "permutations": "three published tables with permuted outcomes",
    "real": "three published tables: every model, and the seconds it takes",
}
DATA = Path(__file__).resolve().parents[2].parent / "shared" / "data" / "tables"


def main() -> None:
    chosen = arguments()
    started = time.perf_counter()
    verdicts = import_module(chosen.measure).measure(chosen)
    show_verdicts(verdicts)
    print(f"\n{chosen.measure}: {time.perf_counter() - started:.0f} s")
    sys.exit(0 if all(each.passed for each in verdicts) else 1)


def arguments() -> argparse.Namespace:
    told = argparse.RawDescriptionHelpFormatter
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=told)
    commands = parser.add_subparsers(dest="measure", required=True, metavar="MEASURE")
    for name, what in MEASURES.items():
        command = commands.add_parser(name, help=what, description=what)
        command.add_argument("--seeds", type=int, help="cohorts or permutations, for a shorter run")
        command.add_argument("--first", type=int, default=0, help="the first of them: other draws")
        command.add_argument(
            "--models", type=lambda told: told.split(","), help="for a shorter run"
        )
        command.add_argument("--tables", type=lambda told: told.split(","), help="published tables")
        command.add_argument("--repeats", type=int, help="of the outer folds")
        command.add_argument("--trials", type=int, default=0, help="settings tried in inner folds")
        command.add_argument("--workers", type=int, default=default_workers())
        command.add_argument("--data", type=Path, default=DATA, help="folder of published tables")
    return parser.parse_args()


if __name__ == "__main__":
    main()
