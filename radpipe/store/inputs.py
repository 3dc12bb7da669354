"""What is known of an input file: which bytes it held, and how to tell that it still does."""

from __future__ import annotations

import time
from dataclasses import dataclass
from pathlib import Path

from radpipe.errors import FileChangedError
from radpipe.store.files import sha256_of

# File systems tell the time in ticks: of two changes within one, the second leaves no trace.
_TICK_NS = 20_000_000


@dataclass(frozen=True)
class InputFile:
    """One state of one file.

    Attributes
    ----------
    path : str
        Absolute.
    size : int
        Bytes.
    mtime_ns : int
        Time of the last change of its bytes, nanoseconds since 1970; tools that copy set it back.
    ctime_ns : int
        Time of the last change of any kind, which nothing sets back.
    inode : int
        Number of the file on its disk.
    sha256 : str
        Of its bytes.
    """

    path: str
    size: int
    mtime_ns: int
    ctime_ns: int
    inode: int
    sha256: str

    @classmethod
    def of(cls, path: Path) -> InputFile:
        """Read a file's bytes and hash them.

        Parameters
        ----------
        path : Path
            The file.

        Returns
        -------
        InputFile
            Its state.

        Raises
        ------
        OSError
            It cannot be read.
        FileChangedError
            It changed meanwhile.
        """
        _let_the_tick_end(path)
        found = cls(str(path.absolute()), *_stamp(path), sha256_of(path))
        found.require_unchanged()
        return found

    def unchanged(self) -> bool:
        """Tell whether the file is still there with the same size, times and number.

        Returns
        -------
        bool
            Its bytes are then taken to be the same.
        """
        try:
            return _stamp(Path(self.path)) == self._known()
        except OSError:
            return False

    def _is_only_touched(self) -> bool:
        """Tell whether rights or links changed, as a backup changes them, and no byte did."""
        path = Path(self.path)
        try:
            size, mtime_ns, _, inode = _stamp(path)
            known = (self.size, self.mtime_ns, self.inode)
            return (size, mtime_ns, inode) == known and sha256_of(path) == self.sha256
        except OSError:
            return False

    def _known(self) -> tuple[int, int, int, int]:
        return self.size, self.mtime_ns, self.ctime_ns, self.inode

    def require_unchanged(self) -> None:
        """Refuse a file that has changed since it was hashed.

        Raises
        ------
        FileChangedError
            It has, or is gone.
        """
        if not self.unchanged() and not self._is_only_touched():
            raise FileChangedError(
                "the file changed while it was read",
                where=self.path,
                found="another size or time than at the start of the case"
                if Path(self.path).exists()
                else "no such file any more",
                remedy="let whatever writes it end, then give the same command again",
            )


def _stamp(path: Path) -> tuple[int, int, int, int]:
    stat = path.stat()
    return stat.st_size, stat.st_mtime_ns, stat.st_ctime_ns, stat.st_ino


def _let_the_tick_end(path: Path) -> None:
    """Wait until a change to come shows in the file's times, if it was changed just now."""
    age = time.time_ns() - path.stat().st_ctime_ns
    if 0 <= age < _TICK_NS:
        time.sleep((_TICK_NS - age) / 1e9)
