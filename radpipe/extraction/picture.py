"""The overlay picture of a case: an ROI's contour on its largest slice, as a radiologist looks."""

from __future__ import annotations

from itertools import product
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import SimpleITK as sitk
from PIL import Image

from radpipe.extraction.boxes import bounding_box
from radpipe.extraction.grid import Box
from radpipe.extraction.image import roi_of

_Pixels = npt.NDArray[Any]
_PIXELS = 240
_MARGIN_MM = 25.0
# Columns to the left, rows to the back, slices to the head: a radiologist's view.
_PATIENT = "LPS"
# Of a picture's 256 colours the last is the contour's, all others are greys.
_CONTOUR, _AMBER = 255, (255, 176, 0)
_GREYS = 254
_PALETTE = [*(part for level in range(_CONTOUR) for part in (level, level, level)), *_AMBER]
# A third of the time that zlib's default takes, for a tenth more bytes.
_QUICK = 2


def draw_overlay(
    image: sitk.Image, mask: sitk.Image, label: int, path: Path, box: Box | None = None
) -> None:
    """Draw an ROI's contour on its largest slice.

    Parameters
    ----------
    image, mask : SimpleITK.Image
        The pair.
    label : int
        Label of the ROI.
    path : Path
        PNG file to write.
    box : tuple of slice, optional
        Bounding box of the ROI in the mask, if it is known.
    """
    box = bounding_box(roi_of(mask, label)) if box is None else box
    pixels, roi, size_mm = _largest_slice(*_around_roi(image, mask, box), label)
    shape = _shape_of(roi.shape, size_mm)
    greys = _resized(_greys(pixels, roi), shape, Image.Resampling.NEAREST)
    # Halfway between a voxel of the ROI and one outside, as a contour is drawn.
    inside = _resized(roi.astype(np.float32), shape, Image.Resampling.BILINEAR) >= 0.5
    # Two pixels wide: pages show pictures at half their size.
    contour = inside & ~_eroded(_eroded(inside))
    drawn = np.where(contour, _CONTOUR, greys.round()).astype(np.uint8)
    picture = Image.new("P", (_PIXELS, _PIXELS))
    picture.putpalette(_PALETTE)
    corner = ((_PIXELS - shape[1]) // 2, (_PIXELS - shape[0]) // 2)
    picture.paste(Image.fromarray(drawn), corner)
    picture.save(path, format="PNG", compress_level=_QUICK)


def _shape_of(shape: tuple[int, ...], size_mm: tuple[float, float]) -> tuple[int, int]:
    lengths = [voxels * size for voxels, size in zip(shape, size_mm, strict=True)]
    rows, columns = (max(round(_PIXELS * length / max(lengths)), 1) for length in lengths)
    return rows, columns


def _resized(pixels: _Pixels, shape: tuple[int, int], way: Image.Resampling) -> _Pixels:
    whole = Image.fromarray(np.ascontiguousarray(pixels, dtype=np.float32))
    resized: _Pixels = np.asarray(whole.resize(shape[::-1], way))
    return resized


def _eroded(inside: npt.NDArray[np.bool_]) -> npt.NDArray[np.bool_]:
    # Beyond the edge is outside: it closes the contour of an ROI that touches it.
    around = np.pad(inside, 1)
    kept: npt.NDArray[np.bool_] = (
        around[:-2, 1:-1] & around[2:, 1:-1] & around[1:-1, :-2] & around[1:-1, 2:]
    )
    return kept


def _greys(pixels: _Pixels, roi: npt.NDArray[np.bool_]) -> _Pixels:
    """Show the ROI's intensities in the middle of the greys; air and bone may saturate."""
    low, high = np.percentile(pixels[roi], [1, 99])
    reach = max(high - low, 1e-6)
    low, high = max(low - reach, pixels.min()), min(high + reach, pixels.max())
    span = (pixels.astype(np.float64) - low) / max(high - low, 1e-12)
    greys: _Pixels = np.clip(span, 0, 1) * _GREYS
    return greys


def _around_roi(image: sitk.Image, mask: sitk.Image, box: Box) -> tuple[sitk.Image, sitk.Image]:
    """Crop to what a picture may show, on the image's grid: that of the mask may be another."""
    corners = product(*((part.start, part.stop - 1) for part in box[::-1]))
    points = [mask.TransformIndexToPhysicalPoint(corner) for corner in corners]
    places = [image.TransformPhysicalPointToContinuousIndex(point) for point in points]
    margin = np.ceil(_MARGIN_MM / np.array(image.GetSpacing())) + 1
    start = np.maximum(np.floor(np.min(places, axis=0)) - margin, 0).astype(int)
    stop = np.minimum(np.ceil(np.max(places, axis=0)) + margin, image.GetSize()).astype(int)
    around = tuple(map(slice, start.tolist(), stop.tolist()))
    part = image[around]
    if image.IsSameImageGeometryAs(mask):
        return part, mask[around]
    return part, sitk.Resample(mask, part, sitk.Transform(), sitk.sitkNearestNeighbor)


def _largest_slice(
    image: sitk.Image, mask: sitk.Image, label: int
) -> tuple[_Pixels, npt.NDArray[np.bool_], tuple[float, float]]:
    if image.GetDimension() == 3 and _orientation(image) != _PATIENT:
        image, mask = (sitk.DICOMOrient(each, _PATIENT) for each in (image, mask))
    array, roi = sitk.GetArrayFromImage(image), roi_of(mask, label)
    if array.ndim > 2:
        depth = int(roi.reshape(len(roi), -1).sum(axis=1).argmax())
        array, roi = array[depth], roi[depth]
    column_mm, row_mm = image.GetSpacing()[:2]
    window = tuple(
        _around(np.asarray(roi.any(axis=1 - axis)), round(_MARGIN_MM / size))
        for axis, size in enumerate((row_mm, column_mm))
    )
    return array[window], roi[window], (row_mm, column_mm)


def _orientation(image: sitk.Image) -> str:
    direction = image.GetDirection()
    return str(sitk.DICOMOrientImageFilter.GetOrientationFromDirectionCosines(direction))


def _around(flags: npt.NDArray[np.bool_], margin: int) -> slice:
    places = np.flatnonzero(flags)
    return slice(max(int(places[0]) - margin, 0), int(places[-1]) + margin + 1)
