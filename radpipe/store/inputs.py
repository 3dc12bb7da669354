"""What is known of an input file: which bytes it held, and how to tell that it still does."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from radpipe.errors import FileChangedError
from radpipe.store.files import sha256_of


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
        Time of the last change, nanoseconds since 1970.
    inode : int
        Number of the file on its disk.
    sha256 : str
        Of its bytes.
    """

    path: str
    size: int
    mtime_ns: int
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
        found = cls(str(path.absolute()), *_stamp(path), sha256_of(path))
        found.require_unchanged()
        return found

    def unchanged(self) -> bool:
        """Tell whether the file is still there with the same size, time and number.

        Returns
        -------
        bool
            Its bytes are then taken to be the same.
        """
        try:
            return _stamp(Path(self.path)) == (self.size, self.mtime_ns, self.inode)
        except OSError:
            return False

    def require_unchanged(self) -> None:
        """Refuse a file that has changed since it was hashed.

        Raises
        ------
        FileChangedError
            It has, or is gone.
        """
        if not self.unchanged():
            raise FileChangedError(
                "the file changed while it was read",
                where=self.path,
                found="another size or time than at the start of the case"
                if Path(self.path).exists()
                else "no such file any more",
                remedy="let whatever writes it end, then give the same command again",
            )


def _stamp(path: Path) -> tuple[int, int, int]:
    stat = path.stat()
    return stat.st_size, stat.st_mtime_ns, stat.st_ino
