"""What PyRadiomics makes of the same image."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import SimpleITK as sitk

from radpipe.extraction.grid import Box, Grid

Reference = Callable[..., dict[str, np.ndarray]]


@pytest.fixture
def reference(pyradiomics: None) -> Reference:
    """Call PyRadiomics' ``get<image type>Image`` and crop what it yields."""

    def crop(
        image_type: str, image: Grid, roi: np.ndarray, box: Box, **settings: Any
    ) -> dict[str, np.ndarray]:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            from radiomics import imageoperations

            results = getattr(imageoperations, f"get{image_type}Image")(
                as_itk(image), as_itk(Grid(roi.astype(np.uint8), image.spacing_mm)), **settings
            )
            return {name: sitk.GetArrayFromImage(found)[box] for found, name, _ in results}

    return crop


def as_itk(image: Grid) -> sitk.Image:
    itk = sitk.GetImageFromArray(image.array)
    itk.SetSpacing(image.spacing_mm[::-1])
    if image.array.ndim == 3:
        itk.SetDirection((0.8, -0.6, 0, 0.6, 0.8, 0, 0, 0, 1))
    return itk
