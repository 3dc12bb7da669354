"""Embeddings one by one, kept as they come, and the table that is made of them."""

from __future__ import annotations

import shutil
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from importlib.metadata import version
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pandas as pd
import pyarrow as pa

from radpipe.extraction.embedding.encoder import Encoder
from radpipe.progress import progress_bar
from radpipe.store import Provenance, Run, read_table, row_key, write_table
from radpipe.store.files import whole_file
from radpipe.store.frames import feature_table
from radpipe.store.rows import writing_to
from radpipe.store.table import read_provenance, read_row_keys

Floats = npt.NDArray[np.float32]


class VectorFolder:
    """Finished embeddings that stand in no table yet, a file each.

    Parameters
    ----------
    path : Path
        The folder, named by all that decides them but the patches.
    """

    def __init__(self, path: Path) -> None:
        self.path = path

    def put(self, key: str, vector: Floats) -> None:
        """Keep an embedding, whole or not at all.

        Parameters
        ----------
        key : str
            Of the patch's row.
        vector : ndarray of float32, shape (dimension,)
            The embedding.

        Raises
        ------
        RunError
            The disk is full, or may not be written to.
        """
        with writing_to(self.path):
            self.path.mkdir(parents=True, exist_ok=True)
            # An embedding is not worth waiting for the disk: a loss of power costs its seconds.
            with whole_file(self._file(key), durable=False) as part, part.open("wb") as file:
                np.save(file, vector)

    def get(self, key: str, dimension: int) -> Floats | None:
        """Read an embedding.

        Parameters
        ----------
        key : str
            Of the patch's row.
        dimension : int
            How many numbers it has.

        Returns
        -------
        ndarray of float32, shape (dimension,), or None
            None where there is none that can be read.
        """
        try:
            found = np.load(self._file(key), allow_pickle=False)
        except (OSError, ValueError, EOFError):
            return None
        return found if found.shape == (dimension,) and found.dtype == np.float32 else None

    def _file(self, key: str) -> Path:
        return self.path / f"{key}.npy"


def embedded(
    encoder: Encoder,
    provenance: Provenance,
    run: Run,
    keys: Sequence[str],
    *,
    device: str,
    threads: int,
    progress: bool,
) -> tuple[dict[str, Floats], int]:
    """Embed stored patches; what is known already is not computed again.

    Parameters
    ----------
    encoder : Encoder
        With its network.
    provenance : Provenance
        What decides the embeddings.
    run : Run
        Where patches, the table of before and finished embeddings are.
    keys : sequence of str
        Row keys of the patches.
    device : str
        ``auto``, ``cpu`` or ``cuda``; no value depends on it beyond 1e-4.
    threads : int
        How many of the CPU's; no value depends on them.
    progress : bool
        Show how far it is on stderr.

    Returns
    -------
    vectors : dict of str to ndarray of float32
        By row key; one that is not finite is left out.
    reused : int
        How many were known.

    Raises
    ------
    RunError
        A patch is gone, or the disk is full.
    """
    from radpipe.networks.embedding import device_named, embed, inputs_of

    folder = VectorFolder(run.vectors_path / row_key(asdict(provenance)))
    found = _in_table(run, provenance, encoder) | _in_folder(folder, keys, encoder.spec.dimension)
    found = {key: found[key] for key in keys if key in found}
    # Copies of one image share a key.
    todo = [key for key in dict.fromkeys(keys) if key not in found]
    reused = sum(key in found for key in keys)
    if not todo or encoder.network is None:
        return found, reused
    patches = (run.patch_run.patches.get(key) for key in todo)
    inputs = (inputs_of(patch.intensities, patch.roi, encoder.spec) for patch in patches)
    vectors = embed(encoder.network, inputs, device=device_named(device), threads=threads)
    with progress_bar("embedding", len(todo), progress) as step:
        for key, vector in zip(todo, vectors, strict=True):
            if np.isfinite(vector).all():
                folder.put(key, vector)
                found[key] = vector
            step()
    return found, reused


def _in_folder(folder: VectorFolder, keys: Sequence[str], dimension: int) -> dict[str, Floats]:
    read = ((key, folder.get(key, dimension)) for key in keys)
    return {key: vector for key, vector in read if vector is not None}


def _in_table(run: Run, provenance: Provenance, encoder: Encoder) -> dict[str, Floats]:
    path = run.embeddings_path
    if not path.is_file() or read_provenance(path) != provenance:
        return {}
    values = read_table(path, encoder.columns)[0].to_numpy(dtype=np.float32)
    return dict(zip(read_row_keys(path), values, strict=True))


def write_embeddings(
    run: Run,
    encoder: Encoder,
    provenance: Provenance,
    keys: Sequence[str],
    vectors: Mapping[str, Floats],
) -> None:
    """Write the table, whole or not at all, and remove what only served it.

    Parameters
    ----------
    run : Run
        Where.
    encoder : Encoder
        Names the columns.
    provenance : Provenance
        What made them.
    keys : sequence of str
        Row keys of the patches, in the order of the cases.
    vectors : mapping of str to ndarray of float32
        By row key; a case without one has no row.

    Raises
    ------
    RunError
        The disk is full, or may not be written to.
    """
    places = [place for place, key in enumerate(keys) if key in vectors]
    kept = [keys[place] for place in places]
    named: pd.DataFrame = run.patch_run.features()[0].iloc[places].reset_index(drop=True)
    values = np.array([vectors[key] for key in kept], dtype=np.float64)
    columns = (pa.array(each) for each in values.reshape(len(kept), encoder.spec.dimension).T)
    with writing_to(run.path):
        table = feature_table(named, encoder.columns, columns)
        write_table(run.embeddings_path, table, provenance, kept)
    shutil.rmtree(run.vectors_path, ignore_errors=True)


def versions() -> dict[str, str]:
    """Tell the versions that embeddings depend on, if only in their last bits.

    Returns
    -------
    dict of str to str
        Package to version.
    """
    return {name: version(name) for name in ("torch", "monai")}
