"""A synthetic cohort whose truth is known, and the whole line run on it.

Each patient has one lesion in a limb-like body. Its size and the texture inside it are drawn
independently, and the hazard of death depends on both, so one can say in advance what tumour
volume alone can reach, what a perfect model can reach, and see how near the line comes.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from radpipe.errors import SettingsError
from radpipe.parallel import require_workers
from radpipe.prognosis.evaluation.seeds import require_seed
from radpipe.prognosis.models.table import DEFAULT, VOLUME
from radpipe.prognosis.survival.endpoint import Floats
from radpipe.store.files import empty_directory

if TYPE_CHECKING:
    import SimpleITK as sitk

    from radpipe.prognosis.evaluation import Evaluation

# Voxel size (x, y, z) in mm and noise in HU of three scanners: a model must see through both.
SCANNERS = (
    ((1.0, 1.0, 3.0), 10.0),
    ((0.8, 0.8, 2.0), 14.0),
    ((2.0, 2.0, 2.0), 8.0),
)
_FIELD_MM = (56.0, 56.0, 48.0)
_FAT_HU, _MUSCLE_HU = -90.0, 55.0

# Log-hazard per standard deviation: the true hazard's C-index is near 0.75, volume's near 0.62.
SIZE_EFFECT, TEXTURE_EFFECT = 0.55, 0.95
_SCALE_DAYS, _WEIBULL_SHAPE = 850.0, 1.2
_FIRST_CLOSE_DAYS, _LAST_CLOSE_DAYS, _LOSS_DAYS = 540.0, 1825.0, 6000.0

PARAMS = "ct"
FEWEST_PATIENTS = 20
VERIFIED = 3


@dataclass(frozen=True)
class Lesion:
    """What a synthetic patient is made of.

    Attributes
    ----------
    image : ndarray of int16, shape (z, y, x)
        HU.
    mask : ndarray of uint8, shape (z, y, x)
        1 inside the lesion.
    spacing : tuple of float
        Voxel size in mm, (x, y, z).
    texture : float
        Standard normal; amplitude and correlation length of the lesion's random field rise with it.
    """

    image: NDArray[np.int16]
    mask: NDArray[np.uint8]
    spacing: tuple[float, float, float]
    texture: float

    @property
    def volume_mm3(self) -> float:
        """Volume of the mask's voxels in mm³."""
        return float(self.mask.sum(dtype=np.int64) * np.prod(self.spacing))


def make_lesion(number: int, seed: int = 0) -> Lesion:
    """Draw one patient.

    Parameters
    ----------
    number : int
        The patient's number; the same number and seed give the same voxels.
    seed : int
        Of the cohort.

    Returns
    -------
    Lesion
        Image, mask and truth.
    """
    random = np.random.default_rng([seed, number])
    size, texture = random.standard_normal(2).clip(-2.2, 2.2)
    spacing, noise = SCANNERS[number % len(SCANNERS)]
    points = _grid(spacing)
    inside = _star(points - random.uniform(-3, 3, size=3), 9.5 * np.exp(0.2 * size), random)
    image = _body(points, random)
    smooth = _random_field(inside.shape, spacing, 1.6 * np.exp(0.2 * texture), random)
    lesion = random.normal(40, 8) + 26 * np.exp(0.35 * texture) * smooth
    image = np.where(inside, lesion, image) + noise * random.standard_normal(inside.shape)
    return Lesion(
        np.rint(image).clip(-1024, 3071).astype(np.int16),
        inside.astype(np.uint8),
        spacing,
        float(texture),
    )


def _grid(spacing: tuple[float, float, float]) -> Floats:
    axes = [
        (np.arange(round(length / step)) + 0.5) * step - length / 2
        for length, step in zip(_FIELD_MM, spacing, strict=True)
    ]
    z, y, x = np.meshgrid(*axes[::-1], indexing="ij")
    return np.stack([x, y, z], axis=-1)


def _star(points: Floats, radius_mm: float, random: np.random.Generator) -> NDArray[np.bool_]:
    """Draw a ball with bumps and dents; every ray leaves it once, so it is one piece."""
    away = np.linalg.norm(points, axis=-1)
    towards = points / np.maximum(away, 1e-9)[..., np.newaxis]
    bumps = random.standard_normal((8, 3))
    bumps /= np.linalg.norm(bumps, axis=1, keepdims=True)
    heights = random.uniform(-0.3, 0.3, size=8)
    surface = 1 + (heights * np.exp(5 * (towards @ bumps.T - 1))).sum(axis=-1)
    return np.asarray(away < radius_mm * surface.clip(0.5, 1.5))


def _body(points: Floats, random: np.random.Generator) -> Floats:
    x, y = points[..., 0], points[..., 1]
    wide, high = random.uniform(23, 26, size=2)
    return np.where(np.hypot(x / wide, y / high) < 1, _MUSCLE_HU, _FAT_HU)


def _random_field(
    shape: tuple[int, ...],
    spacing: tuple[float, float, float],
    length_mm: float,
    random: np.random.Generator,
) -> Floats:
    """Smooth white noise with a Gaussian of ``length_mm``, to mean 0 and deviation 1.

    The smoothing is done by Fourier transform: exact on voxels of any shape, and without scipy.
    """
    steps = spacing[::-1]
    waves = [np.fft.fftfreq(n, step) for n, step in zip(shape, steps, strict=True)]
    squared = sum(np.square(wave) for wave in np.meshgrid(*waves, indexing="ij"))
    gain = np.exp(-2 * (np.pi * length_mm) ** 2 * squared)
    field = np.fft.ifftn(np.fft.fftn(random.standard_normal(shape)) * gain).real
    return np.asarray((field - field.mean()) / field.std())


def make_cohort(out: Path, patients: int = 150, seed: int = 0) -> pd.DataFrame:
    """Write a cohort: images, masks, ``cohort.csv``, ``clinical.csv`` and ``truth.csv``.

    Parameters
    ----------
    out : Path
        Directory to write to; made if absent.
    patients : int
        How many, at least 2.
    seed : int
        Same seed, same cohort.

    Returns
    -------
    DataFrame
        ``truth.csv``: ``patient_id``, ``log_hazard``, ``volume_mm3``, ``texture``.

    Raises
    ------
    SettingsError
        Fewer than two patients.
    """
    if patients < 2:
        raise SettingsError(
            "too few patients", found=patients, expected="2 or more", remedy="ask for more"
        )
    (out / "images").mkdir(parents=True, exist_ok=True)
    names = [f"DEMO-{number + 1:03d}" for number in range(patients)]
    drawn = [
        _write_patient(out, name, make_lesion(number, seed)) for number, name in enumerate(names)
    ]
    truth = _truth(pd.DataFrame(drawn))
    _write_csv(out / "cohort.csv", _manifest(names))
    _write_csv(out / "truth.csv", truth)
    _write_csv(out / "clinical.csv", _outcomes(truth, np.random.default_rng([seed, patients, 1])))
    return truth


def write_samples(out: Path) -> None:
    """Write the three cases of ``data_samples/``: one of each scanner, and their manifest.

    Parameters
    ----------
    out : Path
        Directory to write to; made if absent.
    """
    (out / "images").mkdir(parents=True, exist_ok=True)
    names = [f"SAMPLE-{number + 1}" for number in range(len(SCANNERS))]
    for number, name in enumerate(names):
        _write_patient(out, name, make_lesion(number, seed=0))
    _write_csv(out / "cohort.csv", _manifest(names))


def _write_patient(out: Path, name: str, lesion: Lesion) -> dict[str, object]:
    import SimpleITK as sitk

    for kind, voxels in (("image", lesion.image), ("mask", lesion.mask)):
        picture: sitk.Image = sitk.GetImageFromArray(voxels)
        picture.SetSpacing(lesion.spacing)
        sitk.WriteImage(picture, str(out / "images" / f"{name}_{kind}.nii.gz"), True)
    return {"patient_id": name, "volume_mm3": lesion.volume_mm3, "texture": lesion.texture}


def _manifest(names: list[str]) -> pd.DataFrame:
    return pd.DataFrame(
        {
            "patient_id": names,
            "image": [f"images/{name}_image.nii.gz" for name in names],
            "mask": [f"images/{name}_mask.nii.gz" for name in names],
            "modality": "CT",
        }
    )


def _truth(drawn: pd.DataFrame) -> pd.DataFrame:
    size, texture = np.log(drawn["volume_mm3"]), drawn["texture"]
    log_hazard = SIZE_EFFECT * _standardised(size) + TEXTURE_EFFECT * _standardised(texture)
    return drawn.assign(log_hazard=log_hazard)[
        ["patient_id", "log_hazard", "volume_mm3", "texture"]
    ]


def _standardised(values: pd.Series[float]) -> pd.Series[float]:
    return (values - values.mean()) / values.std()


def _outcomes(truth: pd.DataFrame, random: np.random.Generator) -> pd.DataFrame:
    """Draw Weibull times of death; the study's end and random loss censor some of them."""
    patients = len(truth)
    hazard = np.exp(truth["log_hazard"].to_numpy())
    death = _SCALE_DAYS * (random.exponential(size=patients) / hazard) ** (1 / _WEIBULL_SHAPE)
    closed = random.uniform(_FIRST_CLOSE_DAYS, _LAST_CLOSE_DAYS, size=patients)
    censored = np.minimum(closed, random.exponential(_LOSS_DAYS, size=patients))
    return pd.DataFrame(
        {
            "patient_id": truth["patient_id"],
            "age": random.normal(61, 11, size=patients).round().clip(18, 95).astype(int),
            "sex": random.choice(["F", "M"], size=patients),
            "os_days": np.ceil(np.minimum(death, censored)).astype(int),
            "death": (death <= censored).astype(int),
        }
    )


def _write_csv(path: Path, frame: pd.DataFrame) -> None:
    frame.to_csv(path, index=False, lineterminator="\n", float_format="%.6f")


def run_demo(
    out: Path,
    patients: int = 150,
    workers: int = 0,
    seed: int = 0,
    say: Callable[[str], None] = print,
    progress: bool = False,
) -> dict[str, float]:
    """Run the whole line on a synthetic cohort: extract, evaluate, train, report.

    Parameters
    ----------
    out : Path
        A new or empty directory.
    patients : int
        How many patients to make.
    workers : int
        Worker processes; 0 runs in this process.
    seed : int
        Same seed, same cohort and same result.
    say : callable
        Takes each line that tells how far it is.
    progress : bool
        Show progress bars.

    Returns
    -------
    dict of str to float
        C-indices: ``true hazard``, ``model`` (absent where withheld), ``volume``.

    Raises
    ------
    SettingsError
        PyRadiomics is not installed, there are too few patients or a negative number of workers,
        or there is no such seed.
    RunError
        The directory is not empty.
    """
    require_workers(workers)
    require_seed(seed)
    _check(out, patients)
    from radpipe.extraction.batch import Options, extract_run
    from radpipe.prognosis.evaluation import evaluate, train
    from radpipe.prognosis.report import write_report

    cohort, clinical = out / "cohort", out / "cohort" / "clinical.csv"
    step = _Steps(say)
    with step("cohort", f"{patients} synthetic patients"):
        truth = make_cohort(cohort, patients, seed)
    with step("extract", f"PyRadiomics' features, parameter file {PARAMS}"):
        run = extract_run(
            cohort / "cohort.csv", PARAMS, out / "run", options=Options(workers=workers),
            progress=progress,
        )  # fmt: skip
    study: dict[str, Any] = {
        "time": "os_days", "event": "death", "clinical_columns": ["age", "sex"], "seed": seed,
    }  # fmt: skip
    with step("evaluate", "nested cross-validation, beside volume and clinical columns"):
        evaluation = evaluate(run.path, clinical, **study, workers=workers, progress=progress)
        evaluation.save(out / "evaluation")
    if DEFAULT not in evaluation.metrics["models"]:
        withheld = evaluation.metrics["withheld"].get(DEFAULT, "no features")
        say(f"{'train':<9} left out, a model nobody can judge is of no use: {withheld}")
    else:
        with step("train", "one model on all patients"):
            train(run.path, clinical, **study, out=out / "model")
    with step("report", "one HTML file"):
        page = write_report(out / "evaluation", out / "report.html")
    with step("verify", f"{VERIFIED} cases against PyRadiomics itself"):
        _verify(run.path, say)
    reached = _c_indices(evaluation, truth)
    for line in _closing(reached, page):
        say(line)
    return reached


def _verify(run: Path, say: Callable[[str], None]) -> None:
    from radpipe.extraction.verify import in_words, verify

    try:
        for line in in_words(verify(run, VERIFIED)):
            say(f"{'':<9} {line}")
    except SettingsError as error:
        say(f"{'':<9} not verified: {error}")


def _check(out: Path, patients: int) -> None:
    """Refuse before any work: a missing engine, a wrong number, a directory in use."""
    from radpipe.extraction.engines import DEFAULT_ENGINE, engine_named
    from radpipe.extraction.settings import read_settings

    engine_named(DEFAULT_ENGINE).check(read_settings(PARAMS))
    if patients < FEWEST_PATIENTS:
        raise SettingsError(
            "too few patients for 5 x 5 folds",
            where="--patients",
            found=patients,
            expected=f"{FEWEST_PATIENTS} or more",
            remedy=f"ask for at least {FEWEST_PATIENTS}",
        )
    empty_directory(out)


class _Steps:
    """Tells each step of the line and the seconds that it took."""

    def __init__(self, say: Callable[[str], None]) -> None:
        self._say = say

    @contextmanager
    def __call__(self, verb: str, what: str) -> Iterator[None]:
        clock = time.perf_counter()
        self._say(f"{verb:<9} {what} …")
        yield
        self._say(f"{'':<9} done in {time.perf_counter() - clock:.1f} s")


def _c_indices(evaluation: Evaluation, truth: pd.DataFrame) -> dict[str, float]:
    found = evaluation.metrics["models"]
    return {
        "true hazard": _true_c_index(evaluation.predictions, truth),
        **{
            said: float(found[name]["c_index"]["estimate"])
            for name, said in ((DEFAULT, "model"), (VOLUME, "volume"))
            if name in found
        },
    }


def _true_c_index(predictions: pd.DataFrame, truth: pd.DataFrame) -> float:
    """Average the true hazard's C-index over the test folds, as the model's is."""
    from radpipe.prognosis.survival import NoPairsError, concordance_index, make_endpoint

    log_hazard = truth.set_index("patient_id")["log_hazard"]
    one_model = predictions[predictions["model"] == predictions["model"].iloc[0]]
    values = []
    for _, fold in one_model.groupby(["repeat", "fold"]):
        with suppress(NoPairsError):
            endpoint = make_endpoint(fold["event"], fold["time"])
            values.append(concordance_index(endpoint, log_hazard[fold["patient_id"]]))
    return float(np.mean(values))


def _closing(reached: dict[str, float], page: Path) -> list[str]:
    model = f"{reached['model']:.3f}" if "model" in reached else "withheld: too few events"
    return [
        "",
        "C-index in the same test folds (0.5 is chance, 1 is perfect)",
        f"  true hazard    {reached['true hazard']:.3f}   what a perfect model would reach",
        f"  model          {model}   {DEFAULT}, on patients that it had not seen",
        f"  tumour volume  {reached['volume']:.3f}   alone",
        "",
        f"report: {page}",
    ]
