import numpy as np
import pytest
from scipy.ndimage import distance_transform_edt

from radpipe.extraction.perturb.growth import grow, resized
from radpipe.extraction.perturb.pair import Pair
from tests.unit.extraction.perturb.lesions import SPACING, ellipsoid, lesion


@pytest.mark.parametrize("change", [-0.2, -0.05, 0.0, 0.07, 0.2])
def test_the_volume_is_the_one_asked_for_to_the_voxel(change: float) -> None:
    roi = ellipsoid()
    found = resized(Pair(roi, roi, SPACING), change, np.random.default_rng(0))
    assert found.sum() == round(roi.sum() * (1 + change))
    smaller, larger = (found, roi) if change < 0 else (roi, found)
    assert not (smaller & ~larger).any()


def test_the_nearest_voxels_come_first_in_mm() -> None:
    roi = ellipsoid()
    found = resized(Pair(roi, roi, SPACING), 0.2, np.random.default_rng(0))
    away = distance_transform_edt(~roi, sampling=SPACING)
    assert away[found & ~roi].max() <= away[~found].min()


def test_thin_gaps_and_the_images_edge_are_no_obstacle() -> None:
    roi = np.zeros((3, 12, 12), bool)
    roi[:, :, :5] = True
    found = resized(Pair(roi, roi, (5.0, 1.0, 1.0)), 0.2, np.random.default_rng(0))
    assert found.sum() == round(roi.sum() * 1.2)
    assert not found[:, :, 6:].any()


def test_two_voxels_stay() -> None:
    roi = np.zeros((1, 4, 4), bool)
    roi[0, 1, 1:3] = True
    assert resized(Pair(roi, roi, (1.0, 1.0, 1.0)), -0.9, np.random.default_rng(0)).sum() == 2


def test_volumes_change_by_up_to_a_fifth_either_way() -> None:
    pair = lesion()
    changes = [
        grow(pair, {"growth"}, np.random.default_rng(seed)).roi.sum() / pair.roi.sum() - 1
        for seed in range(60)
    ]
    assert -0.201 < min(changes) < -0.15
    assert 0.15 < max(changes) < 0.201
    assert abs(np.mean(changes)) < 0.05
