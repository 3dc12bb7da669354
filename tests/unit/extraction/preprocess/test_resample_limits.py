"""Grids and types that resampling and resegmentation must not stumble over."""

import numpy as np
import pytest

from radpipe.errors import ExtractionError, ImageError
from radpipe.extraction.extractor import FeatureExtractor
from tests.conftest import Pair, make_pair


def test_a_grid_that_no_memory_holds_is_refused_before_it_is_made(pair: Pair) -> None:
    extractor = FeatureExtractor(resampledPixelSpacing=[0.001, 0.001, 0.001])
    with pytest.raises(ExtractionError, match=r"resampled image would be too large.*mm"):
        extractor.execute(pair.image, pair.mask)


def test_a_negative_share_of_an_unsigned_maximum() -> None:
    pair = make_pair(pixel=np.uint8)
    everything = FeatureExtractor(additionalInfo=False)
    relative = FeatureExtractor(
        additionalInfo=False, resegmentRange=[-1, 1], resegmentMode="relative"
    )
    expected = everything.execute(pair.image, pair.mask)
    assert relative.execute(pair.image, pair.mask) == expected


@pytest.mark.parametrize("given", [None, np.zeros((3, 3, 3)), 7])
def test_what_is_no_image_is_refused(pair: Pair, given: object) -> None:
    with pytest.raises(ImageError, match=r"a path or a SimpleITK\.Image"):
        FeatureExtractor().execute(given, pair.mask)
