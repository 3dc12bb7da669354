"""From a manifest to a table of embeddings."""

from __future__ import annotations

import logging
import shutil
import tempfile
import time
from collections.abc import Collection, Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from radpipe.cohort import Case, read_cohort
from radpipe.errors import CohortError, ModelError, RunError
from radpipe.extraction.batch import Options, cut_patches
from radpipe.extraction.batch.features import require_place, told_in_attrs
from radpipe.extraction.embedding.encoder import Encoder, chosen, named, require_modality
from radpipe.extraction.embedding.fitting import fitted, images_of, patch_hashes
from radpipe.extraction.embedding.order import Order
from radpipe.extraction.embedding.vectors import embedded, versions, write_embeddings
from radpipe.store import KEY_COLUMNS, Provenance, Run, read_table
from radpipe.store.files import remove_parts
from radpipe.store.patches import PATCH_FILE
from radpipe.store.rows import writing_to
from radpipe.store.table import differences, read_provenance, read_row_keys
from radpipe.store.writer import held_run

if TYPE_CHECKING:
    import pandas as pd

log = logging.getLogger("radpipe")
_SHOWN = 4
_FEW_PATIENTS = 20
_NOT_FINITE = "the embedding holds NaN or infinity"
_LOOK = "look at the intensities, or at the weights if many cases are left out"


@dataclass(frozen=True)
class Embedded:
    """What a command did.

    Attributes
    ----------
    run, embeddings : str
        The directory and its table of embeddings.
    cases, rows, failures : int
        Of the cohort, in the table, and not in it.
    reused, computed : int
        Rows that were there before, and that this command made.
    reused_patches : int
        Patches that were there before.
    larger_than_patch : list of str
        Cases whose ROI exceeds the patch.
    not_finite : list of str
        Cases that have a patch, but no embedding.
    seconds : float
        Wall time of the command.
    """

    run: str
    embeddings: str
    cases: int
    rows: int
    failures: int
    reused: int
    computed: int
    reused_patches: int
    larger_than_patch: list[str]
    not_finite: list[str]
    seconds: float


def embed_run(
    cohort: str | Path | pd.DataFrame,
    order: Order,
    out: str | Path,
    *,
    options: Options | None = None,
    progress: bool = False,
) -> Embedded:
    """Embed a cohort into a run directory; what it holds already is not computed again.

    Parameters
    ----------
    cohort : str, Path or DataFrame
        The manifest; see :func:`radpipe.cohort.read_cohort`.
    order : Order
        Which encoder, and how.
    out : str or Path
        New or empty directory, one that embeddings went to before, or a run of features.
    options : Options, optional
        How; values do not depend on it.
    progress : bool
        Show how far it is on stderr.

    Returns
    -------
    Embedded
        What was done.

    Raises
    ------
    SettingsError, CohortError, ModelError, RunError
        Before any image is read; the last two also where an encoder cannot be fitted, or the disk
        is full.
    """
    started = time.perf_counter()
    options = options or Options()
    options.check()
    encoder = chosen(order)
    cases = read_cohort(cohort)
    forced = require_modality(cases, encoder.spec, order.force)
    _refuse_our_columns(cases, encoder)
    if encoder.network is None:
        _require_enough(encoder, cases)
    crop = encoder.spec.name if order.compat else None
    with held_run(out) as run:
        if not options.fresh:
            _refuse_another(run, encoder, crop, forced)
        cut = cut_patches(
            cohort,
            encoder.spec.patch,
            run.patch_run.path,
            crop=crop,
            options=options,
            progress=progress,
        )
        if options.fresh:
            # Not before there are patches to replace it from.
            _forget(run)
        keys = read_row_keys(run.patch_run.features_path)
        larger_than_patch = _larger_than_patch(run.patch_run, encoder)
        remove_parts(run.path)
        if encoder.network is None:
            encoder = fitted(encoder, run, keys, progress)
        provenance = encoder.provenance(crop, forced, _knows(encoder, run, keys))
        vectors, reused = embedded(
            encoder,
            provenance,
            run,
            keys,
            device=order.device,
            threads=max(options.workers, 1),
            progress=progress,
        )
        # Copies of one image share a key.
        kept = [key for key in keys if key in vectors]
        not_finite = _not_finite(run.patch_run, {*keys} - {*kept})
        write_embeddings(run, encoder, provenance, keys, vectors)
        run.patch_run.log.add("embedded", encoder=encoder.spec.name, reused=reused, **versions())
    return Embedded(
        run=str(run.path),
        embeddings=str(run.embeddings_path),
        cases=cut.cases,
        rows=len(kept),
        failures=cut.failures + len(not_finite),
        reused=reused,
        computed=max(len(kept) - reused, 0),
        reused_patches=cut.reused,
        larger_than_patch=larger_than_patch,
        not_finite=not_finite,
        seconds=round(time.perf_counter() - started, 3),
    )


def embed(
    cohort: str | Path | pd.DataFrame,
    encoder: str,
    weights: str | Path | None = None,
    *,
    out: str | Path | None = None,
    workers: int = 0,
    scheduler: str | None = None,
    progress: bool = False,
    **asked: Any,
) -> pd.DataFrame:
    """Embed a cohort into a table.

    Parameters
    ----------
    cohort : str, Path or DataFrame
        The manifest: ``patient_id``, ``image``, ``mask`` and optional columns; the paths in a
        table are relative to the working directory, those in a file to the file.
    encoder : str
        ``fmcib``, ``ctfm``, ``medicalnet10`` … or ``radpipe-small``.
    weights : str or Path, optional
        A file of its publisher, a directory that radpipe saved, or ``hub``. Without them
        ``radpipe-small`` is fitted to the cohort.
    out : str or Path, optional
        Run directory to keep, or to go on with; without it only the table remains.
    workers : int
        Worker processes that cut patches, and threads of the encoder; 0 cuts in this process. A
        script that asks for some must start its work under ``if __name__ == "__main__":``.
    scheduler : str, optional
        Address of a running Dask scheduler, whose workers cut in place of them; `out` must then
        lie where they can write to.
    progress : bool
        Show how far it is on stderr.
    **asked
        Further attributes of :class:`Order`: ``compat``, ``force``, ``method``, ``device`` …

    Returns
    -------
    DataFrame
        One row a case, indexed by case_id: ``mask_volume_mm3``, then ``<encoder>_0000`` …;
        ``attrs`` as :func:`radpipe.extract` gives them.

    Raises
    ------
    SettingsError, CohortError, ModelError, RunError
        See :func:`embed_run`.
    """
    require_place(scheduler, out)
    order = Order(encoder, weights, **asked)
    options = Options(workers=workers, scheduler=scheduler)
    with tempfile.TemporaryDirectory(prefix="radpipe-") as folder:
        place = Path(folder) / "run" if out is None else Path(out)
        done = embed_run(cohort, order, place, options=options, progress=progress)
        table, provenance = read_table(Path(done.embeddings))
        failures = _failures(Run(place).patch_run, done.not_finite)
    return told_in_attrs(table, provenance, failures, out)


def _failures(run: Run, not_finite: list[str]) -> pd.DataFrame:
    """Put cases without a patch and those without an embedding into one table."""
    import pandas as pd

    cases = run.features()[0]
    left_out = cases.loc[cases["case_id"].isin(not_finite), [*KEY_COLUMNS]]
    message = "case " + left_out["case_id"].astype(str) + f": {_NOT_FINITE}"
    left_out = left_out.assign(
        stage="embed", error=ModelError.__name__, message=message, remedy=_LOOK
    )
    return pd.concat([run.failures(), left_out], ignore_index=True)


def _refuse_our_columns(cases: Sequence[Case], encoder: Encoder) -> None:
    taken = {PATCH_FILE, *encoder.columns} & {name for case in cases for name in case.extra}
    if taken:
        raise CohortError(
            "a further column has the name of an embedding's",
            found=named(sorted(taken)),
            remedy="rename it",
        )


def _require_enough(encoder: Encoder, cases: Sequence[Case]) -> None:
    """Refuse at once what patches would not change: cases that fail make them fewer."""
    from radpipe.networks.batches import require_enough

    patients = len({case.patient_id for case in cases})
    # Of such a case each label of its mask becomes one.
    if all(case.label != "all" for case in cases):
        require_enough(len(cases))
    if patients < _FEW_PATIENTS:
        log.warning(
            "%s is trained on %d patient(s) at most, and so few teach it next to nothing: take at "
            "least %d, or an encoder with published weights",
            encoder.spec.name, patients, _FEW_PATIENTS,
        )  # fmt: skip


def _refuse_another(run: Run, encoder: Encoder, crop: str | None, forced: bool) -> None:
    """Refuse to replace embeddings of another encoder, or of other settings."""
    if not run.embeddings_path.is_file():
        return
    theirs = read_provenance(run.embeddings_path) or Provenance("another program", "")
    if theirs.engine != encoder.spec.name:
        found = [f"embeddings of {theirs.engine}"]
    else:
        found = list(_changed(theirs, encoder, crop, forced))
    if found:
        more = f"; and {len(found) - _SHOWN} more" if len(found) > _SHOWN else ""
        raise RunError(
            "the directory holds other embeddings",
            where=str(run.embeddings_path),
            found="; ".join(found[:_SHOWN]) + more,
            expected=f"embeddings of {encoder.spec.name}, of the same weights and settings",
            remedy="name another directory with --out, or replace them with --fresh",
        )


def _changed(theirs: Provenance, encoder: Encoder, crop: str | None, forced: bool) -> Iterator[str]:
    """Name what is not as it was, but for what only the patches will tell."""
    is_new = encoder.network is None
    was_fitted = theirs.settings.get("fitted_on") is not None
    ours = encoder.provenance(crop, forced, was_fitted if encoder.fitted_on else is_new)
    for name, before, now in differences(asdict(theirs), asdict(ours)):
        if not (is_new and name.endswith(".weights_sha256")):
            yield f"{name} {before}, not {now}"


def _knows(encoder: Encoder, run: Run, keys: Sequence[str]) -> bool:
    """Tell whether an encoder was fitted on any of these patches."""
    if not encoder.fitted_on:
        return False
    if not encoder.fitted_on.isdisjoint({*keys, *images_of(run)}):
        return True
    # Saved again, a file has other bytes and shows the same.
    return any(each in encoder.fitted_on for each in patch_hashes(run, keys))


def _forget(run: Run) -> None:
    with writing_to(run.path):
        run.embeddings_path.unlink(missing_ok=True)
        for folder in (run.vectors_path, run.encoder_path):
            shutil.rmtree(folder, ignore_errors=True)


def _not_finite(run: Run, keys: Collection[str]) -> list[str]:
    """Name the cases that an embedding of NaN or infinity costs their row."""
    if not keys:
        return []
    told = run.diagnostics()
    names = told.loc[told["row_key"].isin(keys), "case_id"].astype(str).tolist()
    if len(names) == len(told):
        raise ModelError(
            "no embedding is finite",
            where=str(run.path),
            found=f"NaN or infinity in all of {len(told)}",
            expected="numbers",
            remedy=_LOOK,
        )
    for name in names:
        run.log.add("left out", case_id=name, why=_NOT_FINITE)
    log.warning(
        "%s in %d of %d cases, which the table leaves out (%s): %s",
        _NOT_FINITE, len(names), len(told), _LOOK, named(names),
    )  # fmt: skip
    return names


def _larger_than_patch(run: Run, encoder: Encoder) -> list[str]:
    """Name the cases of which the encoder is not shown all."""
    told = run.diagnostics()
    if "patch_outside" not in told:
        return []
    outside = told.set_index("case_id")["patch_outside"]
    outside = outside[outside > 0].sort_values(ascending=False, kind="stable")
    names = [*outside.index.astype(str)]
    if names:
        worst = [
            f"{100 * share:.2g} % of {name}" for name, share in zip(names, outside, strict=True)
        ]
        remedy = "; a larger --spacing shows more of it" if encoder.network is None else ""
        log.warning(
            "the ROI exceeds the patch in %d of %d cases (patch_outside in %s)%s; the encoder does "
            "not see %s",
            len(names), len(told), run.diagnostics_path, remedy, named(worst),
        )  # fmt: skip
    return names
