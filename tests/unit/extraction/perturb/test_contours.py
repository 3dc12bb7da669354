from importlib.util import find_spec

import numpy as np
import pytest
from scipy.ndimage import distance_transform_edt

from radpipe.errors import SettingsError
from radpipe.extraction.perturb import contours
from radpipe.extraction.perturb.chain import chains_of
from radpipe.extraction.perturb.contours import randomise
from radpipe.extraction.perturb.pair import Pair
from tests.unit.extraction.perturb.lesions import SPACING, lesion

needs_skimage = pytest.mark.skipif(find_spec("skimage") is None, reason="needs scikit-image")


def drawn(pair: Pair, count: int) -> list[np.ndarray]:
    return [randomise(pair, {"contours"}, np.random.default_rng(seed)).roi for seed in range(count)]


@needs_skimage
def test_the_volume_is_right_on_average_and_no_two_contours_are_the_same() -> None:
    pair = lesion(15.0, contrast=5.0)
    rois = drawn(pair, 24)
    assert np.mean([roi.sum() for roi in rois]) == pytest.approx(pair.roi.sum(), rel=0.03)
    assert len({roi.tobytes() for roi in rois}) == 24


@needs_skimage
def test_only_the_edge_is_in_doubt() -> None:
    pair = lesion(15.0, contrast=5.0, radius_mm=16.0)
    # Two edges of a supervoxel of 250 mm3.
    inward = distance_transform_edt(pair.roi, sampling=SPACING) > 12.6
    outward = distance_transform_edt(~pair.roi, sampling=SPACING) > 12.6
    assert inward.any()
    assert outward.any()
    for roi in drawn(pair, 8):
        assert roi[inward].all()
        assert not roi[outward].any()
        assert 0.6 < 2 * (roi & pair.roi).sum() / (roi.sum() + pair.roi.sum()) < 1


@needs_skimage
@pytest.mark.parametrize("shape", [(1, 30, 30), (2, 6, 6), (6, 40, 40)])
def test_any_shape_of_image(shape: tuple[int, ...]) -> None:
    rng = np.random.default_rng(0)
    roi = np.zeros(shape, bool)
    roi[:, 2:-2, 2:-2] = True
    pair = Pair(rng.normal(size=shape).astype(np.float32), roi, (5.0, 1.0, 1.0))
    assert all(found.shape == shape and found.any() for found in drawn(pair, 3))


@needs_skimage
def test_where_the_lesion_stands_out_readers_agree() -> None:
    agreed = []
    for contrast in (5.0, 400.0):
        pair = lesion(15.0, contrast=contrast)
        rois = drawn(pair, 5)
        agreed.append(np.mean([(roi == pair.roi).mean() for roi in rois]))
    assert agreed[1] > agreed[0]


@needs_skimage
def test_a_constant_image_has_supervoxels_too() -> None:
    pair = lesion()
    flat = Pair(np.full_like(pair.image, 7.0), pair.roi, pair.spacing_mm)
    (found,) = drawn(flat, 1)
    assert found.sum() == pytest.approx(pair.roi.sum(), rel=0.3)


def test_without_scikit_image_the_remedy_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(contours, "find_spec", lambda name: None)
    with pytest.raises(SettingsError, match=r"scikit-image.*pip install"):
        chains_of("noise,growth+contours")
    assert chains_of("noise+growth") == [("noise", "growth")]
