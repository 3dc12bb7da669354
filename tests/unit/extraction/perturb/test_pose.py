import numpy as np
import pytest
import SimpleITK as sitk

from radpipe.extraction.perturb.pair import Pair
from radpipe.extraction.perturb.pose import move, moved
from tests.unit.extraction.perturb.lesions import SPACING, lesion

INSIDE = (slice(4, -4), slice(10, -10), slice(10, -10))


def by_itk(pair: Pair, degrees: float, shift: np.ndarray) -> np.ndarray:
    """Resample by ITK's own cubic B-splines and rigid transform."""
    image = sitk.GetImageFromArray(pair.image)
    image.SetSpacing(pair.spacing_mm[::-1])
    inside = np.argwhere(pair.roi)
    centre = (inside.min(axis=0) + inside.max(axis=0)) / 2 * pair.spacing_mm
    turn = sitk.Euler3DTransform()
    turn.SetCenter(centre[::-1].tolist())
    # ITK counts angles from x to y, arrays from y to x.
    turn.SetRotation(0, 0, -np.deg2rad(degrees))
    turn.SetTranslation((shift * pair.spacing_mm)[::-1].tolist())
    found = sitk.Resample(image, image, turn, sitk.sitkBSpline, 0.0, sitk.sitkFloat64)
    return sitk.GetArrayFromImage(found)


@pytest.mark.parametrize(
    ("degrees", "shift"),
    [(13.0, (0, 0, 0)), (-7.0, (0.4, -0.3, 0.25)), (0.0, (0.5, 0.0, 0.0)), (0.0, (0, -0.5, 0.1))],
)
def test_the_image_is_moved_as_itk_moves_it(degrees: float, shift: tuple[float, ...]) -> None:
    pair = lesion(10.0)
    found = moved(pair, degrees, np.array(shift, float)).image
    expected = by_itk(pair, degrees, np.array(shift, float))
    np.testing.assert_allclose(found[INSIDE], expected[INSIDE], atol=2e-3)


def test_nothing_moves_without_a_turn_and_a_shift() -> None:
    pair = lesion(10.0)
    same = moved(pair, 0.0, np.zeros(3))
    np.testing.assert_allclose(same.image, pair.image, atol=1e-3)
    np.testing.assert_array_equal(same.roi, pair.roi)


@pytest.mark.parametrize("degrees", [-13.0, 13.0])
def test_the_roi_goes_with_the_image_and_keeps_its_volume(degrees: float) -> None:
    pair = lesion()
    turned = moved(pair, degrees, np.array([0.0, 0.4, -0.4]))
    # The lesion is 80 above what is around it, so that half of that is its edge.
    edge = turned.image >= 140
    overlap = 2 * np.count_nonzero(edge & turned.roi) / (edge.sum() + turned.roi.sum())
    assert overlap > 0.97
    assert turned.roi.sum() == pytest.approx(pair.roi.sum(), rel=0.03)


def test_a_lesion_at_the_edge_loses_nothing_but_what_leaves_the_image() -> None:
    roi = np.zeros((4, 30, 30), bool)
    roi[:, :6, 10:20] = True
    pair = Pair(np.where(roi, 50.0, 10.0).astype(np.float32), roi, SPACING)
    turned = moved(pair, 0.0, np.array([0.0, 0.5, 0.0]))
    assert np.count_nonzero(turned.roi) in (5 * 10 * 4, 6 * 10 * 4)
    assert turned.image.min() > 0
    assert turned.image.max() < 60


def test_a_single_slice_is_not_shifted_out_of_its_plane() -> None:
    pair = lesion(5.0)
    flat = Pair(pair.image[8:9], pair.roi[8:9], pair.spacing_mm)
    found = move(flat, {"shift", "rotation"}, np.random.default_rng(0))
    assert found.roi.any()
    assert np.corrcoef(found.image.ravel(), flat.image.ravel())[0, 1] > 0.8


def test_turns_and_shifts_stay_within_their_limits(monkeypatch: pytest.MonkeyPatch) -> None:
    from radpipe.extraction.perturb import pose

    drawn = []
    monkeypatch.setattr(pose, "moved", lambda pair, degrees, shift: drawn.append((degrees, shift)))
    for seed in range(200):
        move(lesion(), {"rotation", "shift"}, np.random.default_rng(seed))
    degrees, shifts = (np.array(each) for each in zip(*drawn, strict=True))
    assert 12 < np.abs(degrees).max() <= 13
    assert 0.48 < np.abs(shifts).max() <= 0.5
