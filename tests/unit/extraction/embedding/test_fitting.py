"""`radpipe-small` fitted to the cohort that it embeds."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import SimpleITK as sitk

torch = pytest.importorskip("torch", reason="needs torch: pip install 'radpipe[cnn]'")
pytest.importorskip("monai", reason="needs MONAI: pip install 'radpipe[cnn]'")

from radpipe.errors import RadpipeError, RunError  # noqa: E402
from radpipe.extraction.embedding import Order, embed_run  # noqa: E402
from radpipe.networks import course  # noqa: E402
from radpipe.networks import training as room  # noqa: E402
from radpipe.networks.embedding import inputs_of  # noqa: E402
from radpipe.networks.saved import load_encoder  # noqa: E402
from radpipe.networks.training import Training  # noqa: E402
from radpipe.store import Run, read_table  # noqa: E402
from radpipe.store.table import read_row_keys  # noqa: E402

Cohort = Callable[..., Path]
ORDER = Order("radpipe-small", method="autoencoder", epochs=1, seed=3, spacing_mm=(4.0, 4.0, 4.0))


def settings(run: Run) -> dict[str, object]:
    provenance = read_table(run.embeddings_path)[1]
    assert provenance is not None
    return provenance.settings


def numbers(run: Run) -> pd.DataFrame:
    table = read_table(run.embeddings_path)[0].set_index("case_id")
    return table.filter(like="radpipe-small_")


@pytest.fixture
def counted(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Count how often an encoder is trained."""
    calls: list[int] = []
    train = room.train_encoder

    def counting(*more, **named):
        calls.append(len(more[2]))
        return train(*more, **named)

    monkeypatch.setattr(room, "train_encoder", counting)
    return calls


def test_it_is_fitted_saved_and_marked(
    make_cohort: Cohort, tmp_path: Path, counted: list[int]
) -> None:
    manifest, run = make_cohort(8), Run(tmp_path / "RUN")
    embed_run(manifest, ORDER, run.path)
    told = settings(run)
    assert told["fitted_on"] == "cohort"
    wanted = asdict(Training(method="autoencoder", epochs=1, seed=3))
    assert told["training"] == {**wanted, "augmentations": ["flip"]}
    assert told["patch"]["spacing_mm"] == [4.0, 4.0, 4.0]
    spec, network, facts = load_encoder(run.encoder_path)
    keys = read_row_keys(run.embeddings_path)
    assert facts["facts"]["rows"] == keys
    # The table is what the saved network makes of the stored patches, in plain torch.
    patches = [run.patch_run.patches.get(key) for key in keys]
    inputs = np.stack([inputs_of(each.intensities, each.roi, spec) for each in patches])
    with torch.no_grad():
        truth = network(torch.tensor(inputs)).numpy()
    np.testing.assert_allclose(numbers(run), truth, atol=1e-5)
    assert not run.vectors_path.exists()
    before = run.embeddings_path.read_bytes()
    embed_run(manifest, ORDER, run.path)
    assert run.embeddings_path.read_bytes() == before
    assert counted == [8]


def test_the_same_seed_gives_the_same_bytes_and_another_is_refused(
    make_cohort: Cohort, tmp_path: Path
) -> None:
    manifest, runs = make_cohort(8), [Run(tmp_path / name) for name in ("A", "B")]
    for run in runs:
        embed_run(manifest, ORDER, run.path)
    first, second = (run.embeddings_path.read_bytes() for run in runs)
    assert first == second
    other = Order(**{**asdict(ORDER), "seed": 4})
    with pytest.raises(RunError, match=r"settings\.training\.seed 3, not 4"):
        embed_run(manifest, other, runs[0].path)


def test_a_fit_that_is_interrupted_goes_on_to_the_same_bytes(
    make_cohort: Cohort, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    manifest, runs = make_cohort(8), [Run(tmp_path / name) for name in ("A", "B")]
    order = Order("radpipe-small", epochs=3, spacing_mm=(4.0, 4.0, 4.0))
    save, epochs = course.save_checkpoint, []

    def stopping(*more: object) -> None:
        save(*more)
        epochs.append(1)
        if len(epochs) == 2:
            raise KeyboardInterrupt

    monkeypatch.setattr(course, "save_checkpoint", stopping)
    with pytest.raises(KeyboardInterrupt):
        embed_run(manifest, order, runs[0].path)
    assert not runs[0].embeddings_path.exists()
    embed_run(manifest, order, runs[0].path)
    assert len(epochs) == 3
    embed_run(manifest, order, runs[1].path)
    first, second = (run.embeddings_path.read_bytes() for run in runs)
    assert first == second


def test_a_cohort_that_grew_is_fitted_again_and_all_of_it_embedded_anew(
    make_cohort: Cohort, tmp_path: Path, counted: list[int]
) -> None:
    run = Run(tmp_path / "RUN")
    embed_run(make_cohort(8), ORDER, run.path)
    before = numbers(run)
    done = embed_run(make_cohort(9), ORDER, run.path)
    assert counted == [8, 9]
    assert (done.reused, done.computed) == (0, 9)
    assert not np.allclose(numbers(run).loc[before.index], before)


def test_a_saved_encoder_is_frozen_for_others_and_fitted_for_its_own_cases(
    make_cohort: Cohort, tmp_path: Path
) -> None:
    first = Run(tmp_path / "RUN")
    embed_run(make_cohort(8), ORDER, first.path)
    saved = Order("radpipe-small", first.encoder_path)
    again = Run(tmp_path / "AGAIN")
    embed_run(tmp_path / "cohort.csv", saved, again.path)
    np.testing.assert_array_equal(numbers(first), numbers(again))
    assert settings(again)["fitted_on"] == "cohort"
    assert settings(again)["training"] == settings(first)["training"]
    # And the same command goes on.
    embed_run(tmp_path / "cohort.csv", saved, again.path)
    make_cohort(10)
    table = pd.read_csv(tmp_path / "cohort.csv").tail(2)
    table.assign(image=[str(tmp_path / name) for name in table["image"]],
                 mask=[str(tmp_path / name) for name in table["mask"]]).to_csv(
        tmp_path / "others.csv", index=False)  # fmt: skip
    others = Run(tmp_path / "OTHERS")
    embed_run(tmp_path / "others.csv", saved, others.path)
    assert settings(others)["fitted_on"] is None
    assert settings(others)["training"] is None


def test_a_saved_encoder_knows_its_images_in_another_format(
    make_cohort: Cohort, tmp_path: Path
) -> None:
    first = Run(tmp_path / "RUN")
    embed_run(make_cohort(8), ORDER, first.path)
    table = pd.read_csv(tmp_path / "cohort.csv")
    for column in ("image", "mask"):
        names = [f"again_{column}_{place}.nrrd" for place in range(len(table))]
        for old, new in zip(table[column], names, strict=True):
            sitk.WriteImage(sitk.ReadImage(str(tmp_path / old)), str(tmp_path / new))
        table[column] = names
    table.to_csv(tmp_path / "again.csv", index=False)
    again = Run(tmp_path / "AGAIN")
    embed_run(tmp_path / "again.csv", Order("radpipe-small", first.encoder_path), again.path)
    assert not {*read_row_keys(first.embeddings_path)} & {*read_row_keys(again.embeddings_path)}
    np.testing.assert_array_equal(numbers(first), numbers(again))
    assert settings(again)["fitted_on"] == "cohort"


def test_copies_of_one_image_are_counted_each(make_cohort: Cohort, tmp_path: Path) -> None:
    table = pd.read_csv(make_cohort(8))
    shutil.copy(tmp_path / table["image"].iloc[-1], tmp_path / "copy.nii.gz")
    copy = table.tail(1).assign(patient_id="copy", image="copy.nii.gz")
    pd.concat([table, copy]).to_csv(tmp_path / "cohort.csv", index=False)
    done = embed_run(tmp_path / "cohort.csv", ORDER, tmp_path / "RUN")
    assert (done.rows, done.reused, done.computed) == (9, 0, 9)
    done = embed_run(tmp_path / "cohort.csv", ORDER, tmp_path / "RUN")
    assert (done.rows, done.reused, done.computed) == (9, 9, 0)


@pytest.mark.parametrize("label", ["1", "all"])
def test_too_few_cases_are_told_before_any_image_is_read(label: str, tmp_path: Path) -> None:
    cases = "".join(f"p{number},{number}.nii,{number}.nii,{label}\n" for number in range(3))
    (tmp_path / "cohort.csv").write_text(f"patient_id,image,mask,label\n{cases}")
    with pytest.raises(RadpipeError, match="too few to train an encoder"):
        embed_run(tmp_path / "cohort.csv", ORDER, tmp_path / "RUN")
    # Where masks may hold several lesions each, nobody knows before.
    assert (tmp_path / "RUN").exists() is (label == "all")


def test_too_few_cases_that_can_be_used_are_told_and_their_patches_kept(
    make_cohort: Cohort, tmp_path: Path
) -> None:
    manifest, run = make_cohort(4), Run(tmp_path / "RUN")
    (tmp_path / "p0_image.nii.gz").unlink()
    with pytest.raises(RadpipeError, match="found: 3 patients"):
        embed_run(manifest, ORDER, run.path)
    assert len(read_row_keys(run.patch_run.features_path)) == 3
    assert not run.embeddings_path.exists()


def test_so_few_patients_that_little_is_learnt_are_a_warning(
    make_cohort: Cohort, tmp_path: Path, caplog: pytest.LogCaptureFixture, counted: list[int]
) -> None:
    warned = []
    for count, name in ((19, "A"), (20, "B")):
        caplog.clear()
        embed_run(make_cohort(count), ORDER, tmp_path / name)
        warned.append("teach it next to nothing" in caplog.text)
    assert warned == [True, False]
    assert counted == [19, 20]
