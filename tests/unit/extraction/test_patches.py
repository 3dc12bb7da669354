import numpy as np
import pytest
import SimpleITK as sitk

from radpipe.extraction.patches import cut_patch
from radpipe.networks.spec import PatchSpec, Standardised, Window

SPEC = PatchSpec((20, 24, 28), (1.0, 1.0, 1.0), "SPL", Window(0.0, 1.0, clip=False), pad=-7.0)
OBLIQUE = sitk.VersorTransform((0.3, -0.5, 0.8), 0.7).GetMatrix()
GRIDS = {
    "plain": ((1.0, 1.0, 1.0), np.eye(3)),
    "flipped": ((1.0, 1.0, 1.0), np.diag([-1.0, 1.0, -1.0])),
    "anisotropic": ((0.7, 0.9, 3.0), np.eye(3)),
    "swapped": ((1.0, 1.5, 2.0), np.eye(3)[[2, 0, 1]]),
    "oblique": ((0.8, 1.1, 2.0), np.array(OBLIQUE).reshape(3, 3)),
}
CENTRE = np.array([12.3, -40.6, 85.2])


def sphere(grid, radius=6.0, centre=CENTRE, start=0.5):
    """Draw a sphere at one place of the patient on any grid; the image's value is the distance."""
    spacing, direction = GRIDS[grid]
    size = np.ceil(48 / np.array(spacing)).astype(int)
    image = sitk.Image(*size.tolist(), sitk.sitkFloat32)
    image.SetSpacing(spacing)
    image.SetDirection(direction.ravel().tolist())
    image.SetOrigin((CENTRE - direction @ (np.array(spacing) * size * start)).tolist())
    axes = np.indices(size[::-1])[::-1].reshape(3, -1).T
    points = axes * spacing @ direction.T + image.GetOrigin()
    distance = np.linalg.norm(points - centre, axis=1).reshape(size[::-1])
    drawn = sitk.GetImageFromArray((distance <= radius).astype(np.uint32))
    values = sitk.GetImageFromArray(distance.astype(np.float32))
    for each in (drawn, values):
        each.CopyInformation(image)
    return values, drawn


@pytest.mark.parametrize("start", [0.5, 0.9, 0.02], ids=["inside", "at one border", "at the other"])
@pytest.mark.parametrize("grid", GRIDS)
def test_the_centroid_is_the_centre_on_every_grid(grid, start):
    image, mask = sphere(grid, start=start)
    patch = cut_patch(image, mask, 1, SPEC)
    found = np.argwhere(patch.roi).mean(axis=0)
    assert np.abs(found - (np.array(SPEC.size) - 1) / 2).max() < 0.5
    assert patch.outside == 0
    # Where the whole sphere is in the image, its centre is the darkest place.
    if start == 0.5:
        assert (
            np.abs(np.array(np.unravel_index(patch.intensities.argmin(), SPEC.size)) - found).max()
            <= 1.0
        )


@pytest.mark.parametrize("grid", GRIDS)
def test_what_lies_beyond_the_image_is_padded_and_counted(grid):
    image, mask = sphere(grid, start=0.02)
    patch = cut_patch(image, mask, 1, SPEC)
    beyond = patch.intensities == SPEC.pad
    assert 0 < patch.padded < 1
    assert beyond.mean() == pytest.approx(patch.padded, abs=0.02)


def test_a_patch_on_the_images_own_grid_is_the_image():
    values = np.random.default_rng(0).normal(size=(9, 9, 9)).astype(np.float32)
    drawn = np.zeros((9, 9, 9), dtype=np.uint32)
    drawn[4, 4, 4] = 3
    image, mask = sitk.GetImageFromArray(values), sitk.GetImageFromArray(drawn)
    spec = PatchSpec((5, 7, 3), (1.0, 1.0, 1.0), "SPL", Window(0.0, 1.0, clip=False), pad=0.0)
    patch = cut_patch(image, mask, 3, spec)
    np.testing.assert_array_equal(patch.intensities, values[2:7, 1:8, 3:6])
    assert patch.roi.sum() == 1
    assert patch.roi[2, 3, 1]
    assert patch.padded == 0


@pytest.mark.parametrize(
    ("axes", "turn"),
    [
        ("SPL", lambda a: a),
        ("SPR", lambda a: a[:, :, ::-1]),
        ("IAL", lambda a: a[::-1, ::-1]),
        ("LPS", lambda a: a.transpose(2, 1, 0)),
        ("RAS", lambda a: a.transpose(2, 1, 0)[::-1, ::-1]),
    ],
)
def test_axes_point_where_they_are_told_to(axes, turn):
    values = np.random.default_rng(0).normal(size=(7, 7, 7)).astype(np.float32)
    drawn = np.zeros((7, 7, 7), dtype=np.uint32)
    drawn[3, 3, 3] = 1
    spec = PatchSpec((7, 7, 7), (1.0, 1.0, 1.0), axes, Window(0.0, 1.0, clip=False), pad=0.0)
    found = cut_patch(sitk.GetImageFromArray(values), sitk.GetImageFromArray(drawn), 1, spec)
    np.testing.assert_allclose(found.intensities, turn(values), atol=1e-6)


def flat(values):
    drawn = np.ones(np.shape(values), dtype=np.uint32)
    image = sitk.GetImageFromArray(np.asarray(values, dtype=np.float32))
    return image, sitk.GetImageFromArray(drawn)


@pytest.mark.parametrize(
    ("how", "wanted"),
    [
        (Window(-1024.0, 2048.0, clip=False), [-1.0, 0.0, 0.5, 1.0, 1.5]),
        (Window(-1024.0, 2048.0), [0.0, 0.0, 0.5, 1.0, 1.0]),
    ],
)
def test_windows_are_exact(how, wanted):
    image, mask = flat([[[-4096.0, -1024.0, 512.0, 2048.0, 3584.0]]])
    spec = PatchSpec((1, 1, 5), (1.0, 1.0, 1.0), "SPL", how, pad=-1024.0)
    np.testing.assert_array_equal(cut_patch(image, mask, 1, spec).intensities[0, 0], wanted)


def test_padding_goes_through_the_window():
    image, mask = flat([[[0.0]]])
    spec = PatchSpec((3, 3, 3), (1.0, 1.0, 1.0), "SPL", Window(-1024.0, 2048.0), pad=-1024.0)
    found = cut_patch(image, mask, 1, spec)
    assert found.intensities[1, 1, 1] == np.float32(1 / 3)
    assert found.intensities.sum() == np.float32(1 / 3)
    assert found.padded == pytest.approx(26 / 27)


def test_only_what_is_above_counts_for_the_standard():
    image, mask = flat([[[0.0, 2.0, 4.0, 6.0, -5.0]]])
    spec = PatchSpec((1, 1, 5), (1.0, 1.0, 1.0), "SPL", Standardised(above=0.0), pad=0.0)
    found = cut_patch(image, mask, 1, spec).intensities[0, 0]
    inner = np.array([2.0, 4.0, 6.0])
    np.testing.assert_allclose(found, [0, *((inner - 4) / inner.std()), 0], rtol=1e-6)


def test_a_roi_larger_than_the_patch_is_told():
    image, mask = sphere("plain", radius=15.0)
    spec = PatchSpec((16, 16, 16), (1.0, 1.0, 1.0), "SPL", Window(0.0, 1.0), pad=0.0)
    share = cut_patch(image, mask, 1, spec).outside
    places = np.argwhere(sitk.GetArrayFromImage(mask))
    assert share == (np.abs(places - places.mean(axis=0)) > 8).any(axis=1).mean()
    assert 0.65 < share < 0.75


def test_without_a_threshold_all_of_the_image_counts_and_nothing_beyond():
    values = np.array([[[-3.0, -1.0, 0.0, 2.0, 7.0]]])
    image, mask = flat(values)
    spec = PatchSpec((1, 1, 9), (1.0, 1.0, 1.0), "SPL", Standardised(None), pad=50.0)
    found = cut_patch(image, mask, 1, spec)
    standard = (values[0, 0] - values.mean()) / values.std()
    np.testing.assert_allclose(found.intensities[0, 0], [0, 0, *standard, 0, 0], atol=1e-6)
    assert found.padded == pytest.approx(4 / 9)


def test_a_roi_of_many_slices_has_its_centroid_and_its_share():
    rng = np.random.default_rng(0)
    drawn = (rng.random((9, 11, 13)) < 0.3).astype(np.uint32)
    image = sitk.GetImageFromArray(rng.normal(size=drawn.shape).astype(np.float32))
    mask = sitk.GetImageFromArray(drawn)
    spec = PatchSpec((3, 5, 5), (1.0, 1.0, 1.0), "SPL", Window(0.0, 1.0), pad=0.0)
    places = np.argwhere(drawn)
    beyond = np.abs(places - places.mean(axis=0)) > np.array(spec.size) / 2
    assert cut_patch(image, mask, 1, spec).outside == pytest.approx(beyond.any(axis=1).mean())


# The centre of a patch of even size is a corner of its voxels.
@pytest.mark.parametrize(("size", "drawn"), [((2, 2, 2), (2, 2, 2)), ((1, 12, 12), (1, 2, 2))])
def test_a_roi_thinner_than_a_voxel_of_the_patch_is_still_drawn(size, drawn):
    image = sitk.GetImageFromArray(np.random.default_rng(0).normal(size=(20, 20, 20)))
    mask = np.zeros((20, 20, 20), np.uint32)
    mask[tuple(slice(4, 4 + length) for length in size)] = 1
    spec = PatchSpec((8, 8, 8), (6.0, 6.0, 6.0), "SPL", Standardised(None), 0.0)
    patch = cut_patch(image, sitk.GetImageFromArray(mask), 1, spec)
    assert patch.outside == 0
    found = np.argwhere(patch.roi)
    assert tuple(np.ptp(found, axis=0) + 1) == drawn
    assert patch.roi.sum() == np.prod(drawn)
