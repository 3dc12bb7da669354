"""How far the embeddings of a run are."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from radpipe.errors import ModelError
from radpipe.extraction.batch.status import (
    MAYBE,
    PREPARING,
    STOPPED,
    Status,
    is_fresh,
    last_word,
    status_of,
)
from radpipe.extraction.embedding.fitting import TRAINING
from radpipe.store import Run
from radpipe.store.files import read_json
from radpipe.store.lock import holder_of, host_elsewhere, is_held
from radpipe.store.run import EMBED, FINISHED, RUNNING
from radpipe.store.table import read_row_keys


@dataclass(frozen=True)
class EmbeddingStatus:
    """How far the embeddings of a run are.

    Attributes
    ----------
    run : str
        The directory.
    state : str
        As of :class:`~radpipe.extraction.batch.status.Status`.
    holder : str
        Who writes to it; empty if nobody.
    patches : Status
        Of the run of patches.
    encoder : str
        Where it comes from, or how far its training is.
    embedded : int
        Patches that have their embedding.
    """

    run: str
    state: str
    holder: str
    patches: Status
    encoder: str
    embedded: int

    def in_words(self) -> list[str]:
        """Tell a person.

        Returns
        -------
        list of str
            Lines.
        """
        who = f" by {self.holder}" if self.holder else ""
        cut, left = self.patches, f"; {self.patches.pace}" if self.patches.pace else ""
        patches = f"{cut.done} of {cut.cases}, {cut.failed} failed{left}"
        lines = [
            f"{self.run}, embeddings: {self.state}{who}",
            f"patches: {'none yet' if cut.state == PREPARING else patches}",
            f"encoder: {self.encoder}",
            f"embeddings: {self._counted()}",
        ]
        if self.state == STOPPED:
            lines.append(f"give the same `{EMBED}` command again: it does what is missing")
        return lines + [f"failed: {message}" for message in self.patches.last_failures]

    def _counted(self) -> str:
        if not self.embedded and self.state != FINISHED:
            return "none yet"
        missing = self.patches.done - self.embedded if self.state == FINISHED else 0
        left_out = f", {missing} left out for NaN or infinity" if missing else ""
        return f"{self.embedded} of {self.patches.done}{left_out}"


def embedding_status_of(path: str | Path) -> EmbeddingStatus | None:
    """Tell how far the embeddings of a run are, while they are made or afterwards.

    Parameters
    ----------
    path : str or Path
        A directory that `radpipe embed` made, or a run of features.

    Returns
    -------
    EmbeddingStatus or None
        None where nobody asked for any.
    """
    run = Run(Path(path))
    if not run.is_embedded():
        return None
    patches = status_of(run.patch_run.path)
    keys = read_row_keys(run.patch_run.features_path)
    # Of another encoder no row stays.
    stays = _fitted_on(run) in (None, keys)
    held = {*(read_row_keys(run.embeddings_path) if stays else ()), *_vectors(run)}
    state = _state(run, patches)
    return EmbeddingStatus(
        run=str(path),
        state=state,
        holder=holder_of(run.path) if state in (PREPARING, RUNNING, MAYBE) else "",
        patches=patches,
        encoder=_encoder(run, keys, state),
        embedded=sum(key in held for key in keys),
    )


def _state(run: Run, patches: Status) -> str:
    names = [event["event"] for event in run.patch_run.log.events()]
    whole = names[-1:] == ["embedded"] and run.embeddings_path.is_file()
    if whole or patches.state != FINISHED:
        return patches.state
    if is_held(run.path) and last_word(run.patch_run) > last_word(run):
        return RUNNING
    signs = (run.patch_run.log.path, *run.vectors_path.rglob("*"))
    return MAYBE if host_elsewhere(run.path) and any(map(is_fresh, signs)) else STOPPED


def _encoder(run: Run, keys: list[str], state: str) -> str:
    fitted_on = _fitted_on(run)
    if fitted_on == keys:
        return "fitted to these cases"
    checkpoints = sorted(run.vectors_path.glob(f"{TRAINING}-*.pt"), key=_moment)
    if checkpoints:
        doing = TRAINING if state == RUNNING else f"{TRAINING} stopped"
        return f"{doing}{_epoch(run, checkpoints[-1])}"
    if fitted_on:
        return "fitted to other cases than these"
    return "given" if run.embeddings_path.is_file() or _vectors(run) else "none yet"


def _fitted_on(run: Run) -> list[str] | None:
    with suppress(OSError, ValueError, LookupError, TypeError):
        rows: list[str] = read_json(run.encoder_path / "config.json")["facts"]["rows"]
        return rows
    return None


def _epoch(run: Run, checkpoint: Path) -> str:
    """Tell how far a training is, where torch is there to read it."""
    with suppress(ImportError, ModelError):
        from radpipe.networks.checkpoints import load_checkpoint

        settings = [each for each in run.patch_run.log.events() if each["event"] == TRAINING]
        epochs = settings[-1]["epochs"] if settings else "?"
        return f", epoch {len(load_checkpoint(checkpoint, {})['history'])} of {epochs}"
    return ""


def _vectors(run: Run) -> list[str]:
    """Name the patches whose embedding waits for the table, by the last encoder and settings."""
    folders = sorted((each for each in run.vectors_path.glob("*") if each.is_dir()), key=_moment)
    return [path.stem for path in folders[-1].glob("*.npy")] if folders else []


def _moment(path: Path) -> int:
    # It may be gone by now.
    with suppress(FileNotFoundError):
        return path.stat().st_mtime_ns
    return 0
