"""What is timed: inputs and parameter files."""

from __future__ import annotations

import csv
import json
import math
from pathlib import Path
from typing import Any

import SimpleITK as sitk

TEXTURES = dict.fromkeys(("glcm", "glrlm", "glszm", "gldm", "ngtdm"))
CLASSES = {"shape": None, "firstorder": None, **TEXTURES}
PHANTOM = Path("ibsi/ibsi_1_ct_radiomics_phantom/nifti")
PHANTOM_VOXELS = 359_733
MARGIN_VOXELS = 5
PETS = 24


def parameters(
    classes: dict[str, Any], width: float, *sigmas: float, **more: Any
) -> dict[str, Any]:
    """Return a parameter file: the original, and with sigmas LoG and wavelets beside."""
    filtered = {"LoG": {"sigma": list(sigmas)}, "Wavelet": {}} if sigmas else {}
    return {
        "imageType": {"Original": {}, **filtered},
        "featureClass": classes,
        "setting": {"binWidth": width, **more},
    }


def phantom(data: Path, folder: Path) -> dict[str, str]:
    """Bring the CT phantom to 1 mm, the first voxels' centres kept, and cut the ROI out."""
    image = _at_1_mm(sitk.ReadImage(str(data / PHANTOM / "image/phantom.nii.gz")), sitk.sitkBSpline)
    mask = _at_1_mm(
        sitk.ReadImage(str(data / PHANTOM / "mask/mask.nii.gz")), sitk.sitkNearestNeighbor
    )
    statistics = sitk.LabelShapeStatisticsImageFilter()
    statistics.Execute(mask)
    if statistics.GetNumberOfPixels(1) != PHANTOM_VOXELS:
        raise SystemExit(f"the phantom's ROI has not {PHANTOM_VOXELS} voxels: another file?")
    box = statistics.GetBoundingBox(1)
    cut = tuple(
        slice(max(low - MARGIN_VOXELS, 0), low + size + MARGIN_VOXELS)
        for low, size in zip(box[:3], box[3:], strict=True)
    )
    return _written(folder, image[cut], mask[cut])


def brain(data: Path) -> dict[str, str]:
    folder = data / "pyradiomics"
    return {
        "image": str(folder / "brain1_image.nrrd"),
        "mask": str(folder / "brain1_label.nrrd"),
    }


def pet_manifest(data: Path, path: Path) -> Path:
    """Write PyRadiomics' batch file, which radpipe takes as it is, of the sarcomas' PET."""
    images = sorted((data / "sts/nifti").glob("*/PET_image.nii.gz"))
    if len(images) != PETS:
        raise SystemExit(f"{len(images)} PET images, not {PETS}, in {data / 'sts/nifti'}")
    return manifest(images, path)


def write_pet_parameters(path: Path, width: float) -> None:
    params = parameters(CLASSES, width, 2.0, 4.0, 6.0, resampledPixelSpacing=[1.5, 1.5, 1.5])
    path.write_text(json.dumps(params), encoding="utf-8")


def manifest(images: list[Path], path: Path) -> Path:
    with path.open("w", newline="", encoding="utf-8") as file:
        lines = csv.writer(file)
        lines.writerow(["ID", "Image", "Mask"])
        for number, image in enumerate(images):
            mask = image.with_name(image.name.replace("_image", "_mask"))
            lines.writerow([f"P{number:03d}", image.resolve(), mask.resolve()])
    return path


def _at_1_mm(image: sitk.Image, interpolator: int) -> sitk.Image:
    size = [math.ceil(n * mm) for n, mm in zip(image.GetSize(), image.GetSpacing(), strict=True)]
    return sitk.Resample(
        image,
        size,
        sitk.Transform(),
        interpolator,
        image.GetOrigin(),
        (1.0, 1.0, 1.0),
        image.GetDirection(),
    )


def _written(folder: Path, image: sitk.Image, mask: sitk.Image) -> dict[str, str]:
    paths = {"image": str(folder / "phantom.nii"), "mask": str(folder / "phantom_mask.nii")}
    sitk.WriteImage(image, paths["image"])
    sitk.WriteImage(mask, paths["mask"])
    return paths
