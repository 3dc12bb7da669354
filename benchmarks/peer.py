"""What the timed programs share: for each line on standard input one run, and one line of JSON out.

Standard library and numpy alone, so that it runs under any interpreter. The images are read anew
before each run, outside of its time, so that no program lives on what it remembers of them.
"""

from __future__ import annotations

import json
import platform
import resource
import sys
import time
from collections.abc import Callable
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np

# From macOS come bytes, from Linux KiB.
PEAK_UNIT = 1 if sys.platform == "darwin" else 1024


def serve(package: str, prepare: Callable[[dict[str, Any]], Callable[[], dict[str, Any]]]) -> None:
    """Run the job named on the command line as often as the parent asks for it."""
    job = json.loads(Path(sys.argv[1]).read_text(encoding="utf-8"))
    # What a program prints must not reach the parent as an answer.
    answers, sys.stdout = sys.stdout, sys.stderr
    for line in sys.stdin:
        run = prepare(job)
        start = time.perf_counter()
        values = run()
        seconds = time.perf_counter() - start
        np.savez(line.strip(), **{name: np.asarray(value) for name, value in values.items()})
        answer = {
            "seconds": seconds,
            "peak_bytes": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * PEAK_UNIT,
            "version": f"{package} {version(package)} (Python {platform.python_version()})",
        }
        answers.write(json.dumps(answer) + "\n")
        answers.flush()
