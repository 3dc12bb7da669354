"""Answers about images and how features were made of them."""

from __future__ import annotations

import re
from collections import Counter
from typing import Any

import numpy as np

from radpipe.prognosis.report.checklists.answers.base import Answer, entering
from radpipe.prognosis.report.checklists.known import Known, at
from radpipe.prognosis.report.words import counted, listed, sentences

_CLASS = re.compile(r"(?:^|_)(firstorder|shape2D|shape|glcm|glrlm|glszm|gldm|ngtdm)_[0-9]*[A-Z]")

IMAGES: dict[str, Answer] = {}
answer = entering(IMAGES)


@answer
def modality(known: Known) -> str | None:
    """What the manifest calls the images."""
    return f"Modality: {listed(known.modalities)}." if known.modalities else None


@answer
def voxel_size(known: Known) -> str | None:
    """Size of the voxels as read."""
    return sentences([pixel_size(known), slice_spacing(known)])


@answer
def pixel_size(known: Known) -> str | None:
    """In the plane."""
    if known.spacing_mm is None:
        return None
    return f"Pixels of {_range(known.spacing_mm[:, :2])} mm, as the files say."


@answer
def slice_spacing(known: Known) -> str | None:
    """Across the plane."""
    if known.spacing_mm is None:
        return None
    return f"Slices {_range(known.spacing_mm[:, 2])} mm apart, as the files say."


def _range(values: Any) -> str:
    low, middle, high = np.min(values), np.median(values), np.max(values)
    if np.isclose(low, high):
        return f"{low:.3g}"
    return f"{low:.3g} to {high:.3g} (median {middle:.3g})"


@answer
def pipeline(known: Known) -> str | None:
    """The steps in order."""
    if not known.settings:
        return None
    return (
        "Image and mask, normalisation where asked for, resampling, re-segmentation, image types, "
        "discretisation, matrices, features, table, model, report."
    )


@answer
def software(known: Known) -> str | None:
    """Software, engine, versions."""
    engine = known.provenance.get("engine")
    if engine is None:
        return None
    version = at(known.run, "versions", "radpipe")
    values = known.provenance.get("values_version")
    name = "radpipe" if version is None else f"radpipe {version}"
    told = "" if values is None else f", version {values} of its values"
    return f"Features by {name}, engine {engine}{told}."


@answer
def ibsi_compliance(known: Known) -> str | None:
    """What the values are, and are not."""
    if known.provenance.get("engine") not in ("fast", "pyradiomics"):
        return None
    return (
        "Values are those that PyRadiomics 3.0.1 defines. Known differences from the IBSI: edges "
        "of bins of a fixed width lie at multiples of it, the resampling grid is aligned to a "
        "corner, masks are resampled by nearest neighbour, intensities are not rounded, and "
        "kurtosis is not the excess."
    )


@answer
def image_preparation(known: Known) -> str | None:
    """All steps before features."""
    return sentences(
        [normalisation(known), resampling(known), resegmentation(known), image_control(known)]
    )


@answer
def normalisation(known: Known) -> str | None:
    """By the image's mean and standard deviation."""
    setting = known.settings
    if not setting:
        return None
    if not setting.get("normalize"):
        return "radpipe did not normalise intensities."
    limit = setting.get("removeOutliers")
    clipped = f", clipped at {limit:g} standard deviations" if limit else ""
    return (
        "Intensities were normalised by mean and standard deviation of the whole image"
        f"{clipped}, times {setting.get('normalizeScale'):g}."
    )


def _resampled(known: Known) -> bool:
    setting = known.settings
    return bool(setting.get("resampledPixelSpacing")) and bool(setting.get("interpolator"))


@answer
def resampling(known: Known) -> str | None:
    """Interpolation of the image."""
    if not known.settings:
        return None
    if not _resampled(known):
        return "radpipe did not resample images."
    name = str(known.settings["interpolator"]).removeprefix("sitk")
    return f"radpipe resampled images with {name} (SimpleITK's name)."


@answer
def voxel_target(known: Known) -> str | None:
    """New voxels."""
    if not _resampled(known):
        return None
    size = " x ".join(f"{side:g}" for side in known.settings["resampledPixelSpacing"])
    return f"New voxels (x, y, z): {size} mm; 0 keeps the image's own."


@answer
def grid_place(known: Known) -> str | None:
    """Alignment."""
    if not _resampled(known):
        return resampling(known)
    return "The grid starts at the corner of the mask grid's first voxel."


@answer
def grid_size(known: Known) -> str | None:
    """Size."""
    if not _resampled(known):
        return resampling(known)
    pad = counted(known.settings["padDistance"], "voxel")
    return f"The ROI's box and {pad} around it, rounded outwards."


@answer
def extrapolation(known: Known) -> str | None:
    """Beyond the image."""
    return "0 beyond the image; the ROI lies inside it." if _resampled(known) else resampling(known)


@answer
def anti_aliasing(known: Known) -> str | None:
    """None."""
    if not known.settings:
        return None
    return "No filter against aliasing." if _resampled(known) else resampling(known)


@answer
def rounding(known: Known) -> str | None:
    """HU after interpolation."""
    if not _resampled(known):
        return resampling(known)
    return "Intensities keep the number type of the image file: real ones are not rounded."


@answer
def mask_interpolation(known: Known) -> str | None:
    """Of the ROI."""
    return "Nearest neighbour." if _resampled(known) else _masks_stay(known)


@answer
def partial_voxels(known: Known) -> str | None:
    """None with nearest neighbours."""
    if not _resampled(known):
        return _masks_stay(known)
    return "There are none: by nearest neighbour a voxel is inside or outside."


def _masks_stay(known: Known) -> str | None:
    return "radpipe did not resample masks." if known.settings else None


@answer
def resegmentation(known: Known) -> str | None:
    """Range of intensities."""
    setting = known.settings
    if not setting:
        return None
    limits = setting.get("resegmentRange")
    if not limits:
        return "radpipe did not re-segment ROIs."
    told = " to ".join(f"{limit:g}" for limit in limits)
    return f"Voxels outside {told} ({setting.get('resegmentMode')}) leave the ROI."


@answer
def discretisation(known: Known) -> str | None:
    """Width or number."""
    setting = known.settings
    if not setting:
        return None
    if setting.get("binCount"):
        return f"Fixed number of bins: {setting['binCount']}."
    return f"Bins of a fixed width: {setting.get('binWidth'):g}."


@answer
def first_bin(known: Known) -> str | None:
    """Lower edge."""
    if not known.settings:
        return None
    if known.settings.get("binCount"):
        return "Bins run from the ROI's minimum to its maximum."
    return "Edges lie at multiples of the width; the first bin holds the ROI's minimum."


@answer
def image_types(known: Known) -> str | None:
    """Filters and what they were given."""
    found = at(known.provenance, "settings", "imageType")
    if not found:
        return None
    told = listed(_with_settings(name, given) for name, given in sorted(found.items()))
    wavelet = known.settings.get("wavelet") if "Wavelet" in found else None
    return f"Image types: {told}." + (f" Wavelet: {wavelet}." if wavelet else "")


def _with_settings(name: str, given: dict[str, Any] | None) -> str:
    told = "; ".join(f"{key} {value}" for key, value in sorted((given or {}).items()))
    return f"{name} ({told})" if told else name


@answer
def feature_classes(known: Known) -> str | None:
    """Classes, with how many columns each has."""
    found = at(known.provenance, "settings", "featureClass")
    if known.columns:
        counts = Counter(match[1] for match in map(_CLASS.search, known.columns) if match)
        told = listed(f"{name} {count:,}" for name, count in sorted(counts.items()))
        return f"Features by class, all image types together: {told}."
    return f"Feature classes: {listed(sorted(found))}." if found else None


@answer
def feature_count(known: Known) -> str | None:
    """Of a case."""
    count = len(known.columns) or known.get("cohort", "features")
    return f"{counted(count, 'feature')} a case." if count else None


@answer
def dimension(known: Known) -> str | None:
    """2D or 3D."""
    if not known.settings:
        return None
    if not known.settings.get("force2D"):
        return "Texture in three dimensions."
    plane = known.settings.get("force2Ddimension")
    return (
        f"Texture in two dimensions: no neighbours along axis {plane} of (z, y, x), all slices "
        "counted together."
    )


@answer
def aggregation(known: Known) -> str | None:
    """From directions to one value."""
    if not known.settings:
        return None
    if known.settings.get("weightingNorm") is not None:
        return "Co-occurrence and run length: directions weighted and merged into one matrix."
    return (
        "Co-occurrence and run length: features of each direction, averaged; the other classes "
        "have one matrix."
    )


@answer
def distance_weighting(known: Known) -> str | None:
    """Norm."""
    if not known.settings:
        return None
    norm = known.settings.get("weightingNorm")
    return "No weighting." if norm in (None, "no_weighting") else f"By the norm: {norm}."


@answer
def symmetry(known: Known) -> str | None:
    """Of co-occurrence."""
    found = known.settings.get("symmetricalGLCM")
    if found is None:
        return None
    return "Symmetric." if found else "Not symmetric."


@answer
def distances(known: Known) -> str | None:
    """Chebyshev distances."""
    found = known.settings.get("distances")
    return f"Chebyshev distance, in voxels: {listed(found)}." if found else None


@answer
def zone_linkage(known: Known) -> str | None:
    """Of size zones."""
    return "Chebyshev distance 1." if known.settings else None


@answer
def no_distance_zones(known: Known) -> str | None:
    """A class that is not computed."""
    if not known.settings:
        return None
    return "Does not apply: distance zone features were not computed."


@answer
def dependence_coarseness(known: Known) -> str | None:
    """Alpha of the GLDM."""
    found = known.settings.get("gldm_a")
    return None if found is None else f"{found}."


@answer
def settings_complete(known: Known) -> str | None:
    """All settings are kept."""
    if not known.settings:
        return None
    return (
        "The run and the report hold every setting with its value; what was not set has "
        "PyRadiomics' default."
    )


@answer
def settings_file(known: Known) -> str | None:
    """Where settings are."""
    return "Complete in run.json, metrics.json and the report." if known.settings else None


@answer
def image_control(known: Known) -> str | None:
    """Whether images were spoilt on purpose."""
    control = known.provenance.get("control")
    return None if control is None else f"Control: {control}, so that no texture is left."


@answer
def masks_as_read(known: Known) -> str | None:
    """Masks are voxels already."""
    return "radpipe read the masks as voxels." if known.settings else None


@answer
def not_by_radpipe(known: Known) -> str | None:
    """What radpipe never does."""
    return "radpipe does nothing of the kind." if known.settings else None
