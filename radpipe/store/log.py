"""What happened in a run: ``run.log``, one JSON object a line."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from radpipe.store.rows import writing_to


class RunLog:
    """The log of a run directory.

    Parameters
    ----------
    path : Path
        The file; lines are added to what stands there.
    """

    def __init__(self, path: Path) -> None:
        self.path = path

    def add(self, event: str, **facts: Any) -> None:
        """Add a line.

        Parameters
        ----------
        event : str
            What happened.
        **facts : object
            What more there is to say; anything that JSON can hold.

        Raises
        ------
        RunError
            The disk is full, or may not be written to.
        """
        line = {"time": datetime.now(UTC).isoformat(timespec="milliseconds"), "event": event}
        text = json.dumps({**line, **facts}, ensure_ascii=False).encode() + b"\n"
        with writing_to(self.path), self.path.open("a+b") as handle:
            if handle.seek(0, os.SEEK_END):
                handle.seek(-1, os.SEEK_END)
                # A killed process may have left half a line.
                text = text if handle.read(1) == b"\n" else b"\n" + text
            handle.write(text)

    def events(self) -> Iterator[dict[str, Any]]:
        """Read the lines.

        Yields
        ------
        dict
            ``time``, ``event`` and its facts. A line cut short by a killed process is left out.
        """
        if not self.path.is_file():
            return
        with self.path.open(encoding="utf-8", errors="replace") as handle:
            for line in handle:
                try:
                    yield json.loads(line)
                except ValueError:
                    continue
