"""An encoder fitted to the stored patches of the cohort that it will embed."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import asdict, replace
from pathlib import Path

import numpy as np
import numpy.typing as npt

from radpipe.errors import ModelError
from radpipe.extraction.embedding.encoder import Encoder
from radpipe.networks.spec import EncoderSpec
from radpipe.store import Run, row_key
from radpipe.store.patches import PatchFolder
from radpipe.store.rows import writing_to

TRAINING = "training"


def fitted(encoder: Encoder, run: Run, keys: Sequence[str], progress: bool) -> Encoder:
    """Fit an encoder to patches, and save it; one that was fitted to the same is taken up.

    Parameters
    ----------
    encoder : Encoder
        What is to be fitted, and how.
    run : Run
        Where it is saved.
    keys : sequence of str
        Row keys of the patches.
    progress : bool
        Show how far it is on stderr.

    Returns
    -------
    Encoder
        With its network.

    Raises
    ------
    ModelError
        There are too few patches, or the fit came to nothing.
    """
    from radpipe.networks.saved import save_encoder
    from radpipe.networks.training import Training, train_encoder

    found = _taken_up(encoder, run.encoder_path, keys)
    if found is None:
        training = Training(**(encoder.training or {}))
        inputs = _inputs(encoder.spec, run.patch_run.patches, keys)
        made_for = {"spec": asdict(encoder.spec), "training": encoder.training, "rows": list(keys)}
        checkpoint = run.vectors_path / f"{TRAINING}-{row_key(made_for)}.pt"
        # `radpipe status` tells how many epochs there will be, which no checkpoint does.
        run.patch_run.log.add(TRAINING, **(encoder.training or {}))
        trained = train_encoder(
            encoder.spec, training, inputs, checkpoint=checkpoint, shown=progress
        )
        facts = {
            "rows": list(keys),
            "images": images_of(run),
            "patches": sorted(patch_hashes(run, keys)),
            "history": trained.history,
            "epoch": trained.epoch,
        }
        with writing_to(run.path):
            save_encoder(
                run.encoder_path,
                encoder.spec,
                trained.network,
                training=encoder.training,
                facts=facts,
            )
        found = _taken_up(encoder, run.encoder_path, keys)
    if found is None:
        raise ModelError(
            "the encoder that was just saved is another one",
            where=str(run.encoder_path),
            found="other settings or patches",
            expected="those of this command",
            remedy="let no other command write there, and give this one again",
        )
    return found


def images_of(run: Run) -> list[str]:
    """Tell by what an image is known again, whatever its mask.

    Parameters
    ----------
    run : Run
        Of embeddings.

    Returns
    -------
    list of str
        SHA-256 of the images that patches were cut of, sorted.
    """
    told = run.patch_run.diagnostics()
    return sorted({*told["image_sha256"]} - {""}) if "image_sha256" in told else []


def patch_hashes(run: Run, keys: Sequence[str]) -> Iterator[str]:
    """Hash what patches show.

    Parameters
    ----------
    run : Run
        Of embeddings.
    keys : sequence of str
        Row keys of the patches.

    Yields
    ------
    str
        SHA-256 of a patch's intensities.
    """
    patches = run.patch_run.patches
    return (patches.get(key).sha256 for key in keys)


def _taken_up(encoder: Encoder, folder: Path, keys: Sequence[str]) -> Encoder | None:
    """Load what was fitted to the same patches in the same way, if that is there."""
    from radpipe.networks.saved import load_encoder

    with suppress(ModelError):
        spec, network, facts = load_encoder(folder)
        # As it was read from the file: tuples as lists.
        wanted = json.loads(json.dumps({"training": encoder.training, "rows": list(keys)}))
        known = {"training": facts["training"], "rows": (facts["facts"] or {}).get("rows")}
        if spec == encoder.spec and known == wanted:
            sha256 = facts["sha256"]["model.safetensors"]
            return replace(encoder, network=network, sha256=sha256, fitted_on=frozenset(keys))
    return None


def _inputs(
    spec: EncoderSpec, patches: PatchFolder, keys: Sequence[str]
) -> npt.NDArray[np.float32]:
    from radpipe.networks.embedding import inputs_of

    shape = (len(keys), len(spec.channels), *spec.patch.size)
    inputs = np.empty(shape, dtype=np.float32)
    for place, key in enumerate(keys):
        patch = patches.get(key)
        inputs[place] = inputs_of(patch.intensities, patch.roi, spec)
    return inputs
