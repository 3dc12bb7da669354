"""The run directory of an extraction, and what embeddings of the same cases add to it.

::

    RUN/
      features.parquet      one row a case
      features.csv          the same as text, where asked for
      diagnostics.parquet   one row a case: its inputs, and what the engine says about it
      failures.parquet      one row a failed case
      run.json              settings, versions, counts, state
      run.log               what happened, one JSON object a line
      qc/                   one overlay picture a case
      rows/                 finished rows that are in no table yet
      files.json            hashes of the input files, so that unchanged ones are not read again
      earlier-N/            tables that a later command replaced
      embeddings.parquet    one row a case: the columns of an encoder
      patches/              the run that cut what the encoder was shown: as above, and
        patches/            one patch a case, named by the key of its row
      encoder/              the encoder, where it was trained on these cases
      vectors/              finished embeddings that are in no table yet
"""

from __future__ import annotations

import logging
from pathlib import Path
from typing import TYPE_CHECKING, Any

from radpipe.errors import RunError
from radpipe.store.files import read_json
from radpipe.store.inputs import InputFile
from radpipe.store.log import RunLog
from radpipe.store.patches import PATCHES, PatchFolder
from radpipe.store.rows import RowFolder
from radpipe.store.table import Provenance, read_table

if TYPE_CHECKING:
    import pandas as pd

log = logging.getLogger("radpipe")
FINISHED, RUNNING = "finished", "running"
EMBED = "radpipe embed"


class Run:
    """A run directory, to be read.

    Parameters
    ----------
    path : Path
        The directory. Nothing is read until a method asks for it.
    """

    def __init__(self, path: Path) -> None:
        self.path = Path(path)

    @property
    def features_path(self) -> Path:
        """The feature table."""
        return self.path / "features.parquet"

    @property
    def embeddings_path(self) -> Path:
        """The table of an encoder's columns, where `radpipe embed` made one."""
        return self.path / "embeddings.parquet"

    @property
    def patch_run(self) -> Run:
        """The run of patches that the embeddings were made from."""
        return Run(self.path / "patches")

    @property
    def patches(self) -> PatchFolder:
        """The patches, where this is a run of them."""
        return PatchFolder(self.path / "patches")

    @property
    def encoder_path(self) -> Path:
        """The folder of the encoder that was trained on these cases."""
        return self.path / "encoder"

    @property
    def vectors_path(self) -> Path:
        """The folder of embeddings that are in no table yet."""
        return self.path / "vectors"

    @property
    def embedded_paths(self) -> tuple[Path, ...]:
        """What embeddings add to a run, beside the run of patches."""
        return self.embeddings_path, self.encoder_path, self.vectors_path

    @property
    def csv_path(self) -> Path:
        """The feature table as text."""
        return self.path / "features.csv"

    @property
    def diagnostics_path(self) -> Path:
        """The table of inputs and diagnostics."""
        return self.path / "diagnostics.parquet"

    @property
    def failures_path(self) -> Path:
        """The table of failed cases."""
        return self.path / "failures.parquet"

    @property
    def facts_path(self) -> Path:
        """Settings, versions, counts, state."""
        return self.path / "run.json"

    @property
    def files_path(self) -> Path:
        """What is known of the input files."""
        return self.path / "files.json"

    @property
    def qc_path(self) -> Path:
        """The folder of overlay pictures."""
        return self.path / "qc"

    @property
    def attempts_path(self) -> Path:
        """The folder of marks that workers leave while they work."""
        return self.path / "attempts"

    @property
    def rows(self) -> RowFolder:
        """Rows that are in no table yet."""
        return RowFolder(self.path / "rows")

    @property
    def log(self) -> RunLog:
        """What happened."""
        return RunLog(self.path / "run.log")

    def picture_path(self, row_key: str) -> Path:
        """Return where the overlay of a row lies.

        Parameters
        ----------
        row_key : str
            The row; a case_id may hold characters that a file name may not.

        Returns
        -------
        Path
            A PNG file.
        """
        return self.qc_path / f"{row_key}.png"

    def exists(self) -> bool:
        """Tell whether the directory is a run, finished or not.

        Returns
        -------
        bool
            Whether it has a ``run.json``.
        """
        return self.facts_path.is_file()

    def state(self) -> str:
        """Tell whether the last command came to its end.

        Returns
        -------
        str
            ``finished`` or ``running``, as the last command left it.

        Raises
        ------
        RunError
            The directory is no run.
        """
        return str(self._facts().get("state", FINISHED))

    def features(self) -> tuple[pd.DataFrame, Provenance | None]:
        """Read the feature table.

        Returns
        -------
        tuple of (DataFrame, Provenance or None)
            One row a case, and what made it.

        Raises
        ------
        RunError
            The directory holds no finished run.
        """
        self.require_finished()
        return read_table(self.features_path)

    def failures(self) -> pd.DataFrame:
        """Read the failed cases.

        Returns
        -------
        DataFrame
            Keys, ``stage``, ``error``, ``message``, ``remedy``, ``row_key``, and the
            inputs' paths and hashes.

        Raises
        ------
        RunError
            The directory holds no finished run.
        """
        self.require_finished()
        return read_table(self.failures_path)[0]

    def diagnostics(self) -> pd.DataFrame:
        """Read what the cases were made from, and what the engine says about them.

        Returns
        -------
        DataFrame
            One row a case.

        Raises
        ------
        RunError
            The directory holds no finished run.
        """
        self.require_finished()
        return read_table(self.diagnostics_path)[0]

    def facts(self) -> dict[str, Any]:
        """Read ``run.json``.

        Returns
        -------
        dict
            Settings, versions, counts, times.

        Raises
        ------
        RunError
            The directory holds no finished run.
        """
        self.require_finished()
        return self._facts()

    def seconds(self) -> dict[str, float]:
        """Tell how long each row took; not in a table, whose bytes the values alone decide.

        Returns
        -------
        dict of str to float
            Wall time by row key, as the log has it.
        """
        return {
            event["row_key"]: float(event["seconds"])
            for event in self.log.events()
            if event["event"] == "done"
        }

    def known_files(self) -> tuple[dict[str, InputFile], dict[str, list[int]]]:
        """Read what is known of the input files.

        Returns
        -------
        tuple of (dict of str to InputFile, dict of str to list of int)
            Files by path, as they were last hashed; labels of masks by their hash and channel.
        """
        try:
            content = read_json(self.files_path)
            files = {path: InputFile(path, *state) for path, state in content["files"].items()}
            return files, content["labels"]
        except FileNotFoundError:
            return {}, {}
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            log.warning("%s cannot be read, all files are hashed again: %s", self.files_path, error)
            return {}, {}

    def is_merge_of(self, runs: list[str]) -> bool:
        """Tell whether the directory is a merge that did not come to its end.

        Parameters
        ----------
        runs : list of str
            What was to be merged.

        Returns
        -------
        bool
            Whether it was of these.
        """
        return self.state() == RUNNING and self._facts().get("merged") == runs

    def is_embedded(self) -> bool:
        """Tell whether `radpipe embed` made it, or added to it.

        Returns
        -------
        bool
            Whether it has a run of patches.
        """
        patches = self.patch_run
        return patches.exists() and patches.command() == EMBED

    def require_features(self, doing: str, instead: str) -> None:
        """Refuse what is no run of features, and warn of embeddings beside them.

        Parameters
        ----------
        doing : str
            What is done to features, and to nothing else.
        instead : str
            What there is to do about embeddings.

        Raises
        ------
        RunError
            It is a run of embeddings or patches alone.
        """
        alone = self.command() == EMBED if self.exists() else self.is_embedded()
        if alone:
            raise RunError(
                f"embeddings and patches are not {doing}",
                where=str(self.path),
                found="a run of `radpipe embed`",
                expected="features: a run of `radpipe extract`",
                remedy=instead,
            )
        if self.is_embedded():
            log.warning("%s: its embeddings are not %s; %s", self.path, doing, instead)

    def _facts(self) -> dict[str, Any]:
        if not self.exists():
            raise RunError(
                "no run in this directory",
                where=str(self.path),
                found="no run.json" if self.path.is_dir() else "no such directory",
                expected="a directory that `radpipe extract --out` made",
                remedy="mend the path, or extract the cohort first",
            )
        facts: dict[str, Any] = read_json(self.facts_path)
        return facts

    def require_finished(self) -> None:
        """Refuse a run that is not finished.

        Raises
        ------
        RunError
            It is not, or the directory is no run.
        """
        if self.state() != FINISHED:
            raise RunError(
                "the run is not finished",
                where=str(self.path),
                expected="a run that came to its end",
                remedy=f"give the same `{self.command()}` command again: it does what is missing",
            )

    def command(self) -> str:
        """Tell which command makes the run.

        Returns
        -------
        str
            ``radpipe extract``, ``radpipe merge`` or ``radpipe embed``.

        Raises
        ------
        RunError
            The directory is no run.
        """
        facts = self._facts()
        if self.state() == RUNNING and "merged" in facts:
            return "radpipe merge"
        return EMBED if facts.get("engine") == PATCHES else "radpipe extract"


def runs_in(path: str | Path) -> list[Path]:
    """Find the run in a directory, or those that several parameter files made beside each other.

    Parameters
    ----------
    path : str or Path
        A run directory, or one that holds some.

    Returns
    -------
    list of Path
        The directory itself, or the runs right below it, by name; empty if there are none.
    """
    folder = Path(path)
    if _is_run(folder):
        return [folder]
    return sorted(each for each in folder.iterdir() if _is_run(each)) if folder.is_dir() else []


def _is_run(path: Path) -> bool:
    return any((path / name).is_file() for name in ("run.json", "features.parquet"))
