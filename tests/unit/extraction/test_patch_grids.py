"""Published croppings, held against their authors' own steps as MONAI does them."""

import warnings

import numpy as np
import pytest
import SimpleITK as sitk

torch = pytest.importorskip("torch", reason="needs torch: pip install 'radpipe[cnn]'")
pytest.importorskip("monai", reason="needs MONAI: pip install 'radpipe[cnn]'")

from monai.data import MetaTensor  # noqa: E402
from monai.transforms import Compose, NormalizeIntensity, Spacing, SpatialPad  # noqa: E402

from radpipe.extraction.patches import cut_patch  # noqa: E402
from radpipe.networks.spec import PatchSpec, Window  # noqa: E402

SIZE = (12, 10, 14)
SPEC = PatchSpec(SIZE, (1.0, 1.0, 1.0), "SPL", Window(-1024.0, 2048.0, clip=False), pad=-1024.0)
OBLIQUE = np.array(sitk.VersorTransform((0.3, -0.5, 0.8), 0.4).GetMatrix()).reshape(3, 3)
GRIDS = {
    "plain": ((1.0, 1.0, 1.0), np.eye(3)),
    "flipped": ((1.0, 1.0, 1.0), np.diag([-1.0, 1.0, -1.0])),
    "fine": ((0.73, 0.61, 0.82), np.eye(3)),
    "anisotropic": ((0.7, 0.9, 3.0), np.diag([-1.0, -1.0, 1.0])),
    "swapped": ((1.0, 1.5, 2.0), np.eye(3)[[2, 0, 1]]),
    "oblique": ((0.8, 1.1, 2.0), OBLIQUE),
}
LPS_TO_RAS = np.diag([-1.0, -1.0, 1.0])


def textured(grid, place):
    """Make an image of noise, and a small ROI at a share of its length along each axis."""
    spacing, direction = GRIDS[grid]
    size = np.ceil(30 / np.array(spacing)).astype(int)[::-1]
    values = np.random.default_rng(0).normal(0, 300, size).astype(np.float32)
    drawn = np.zeros(size, np.uint32)
    first = np.floor(place * (size - 1)).astype(int)
    drawn[tuple(slice(at, at + 2) for at in np.minimum(first, size - 2))] = 1
    # One voxel more to a side, so that the centroid falls on no lattice.
    drawn[tuple(np.minimum(first, size - 2))] = 0
    image, mask = sitk.GetImageFromArray(values), sitk.GetImageFromArray(drawn)
    for each in (image, mask):
        each.SetSpacing(spacing)
        each.SetDirection(direction.ravel().tolist())
        each.SetOrigin((-11.3, 7.7, 40.2))
    return image, mask


def published(image, mask):
    """Follow the authors: their transforms are MONAI's, but for the crop, told in words here."""
    spacing, direction = np.array(image.GetSpacing()), np.array(image.GetDirection()).reshape(3, 3)
    affine = np.eye(4)
    affine[:3, :3] = LPS_TO_RAS @ direction * spacing
    affine[:3, 3] = LPS_TO_RAS @ image.GetOrigin()
    values = sitk.GetArrayFromImage(image).transpose(2, 1, 0)[None]
    steps = Compose([
        NormalizeIntensity(subtrahend=-1024, divisor=3072),
        Spacing(
            pixdim=1, mode="bilinear", padding_mode="zeros", align_corners=True, diagonal=True
        ),
    ])  # fmt: skip
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        right = steps(MetaTensor(torch.tensor(values), affine=torch.tensor(affine)))
    # From right, anterior, superior to left, posterior, superior: MONAI's own needs nibabel.
    whole, back = np.asarray(right)[0, ::-1, ::-1], right.affine.numpy()
    back[:2, 3] += np.diag(back)[:2] * (np.array(whole.shape[:2]) - 1)
    back[:2, :2] *= -1
    places = np.argwhere(sitk.GetArrayFromImage(mask)).mean(axis=0)
    there = LPS_TO_RAS @ image.TransformContinuousIndexToPhysicalPoint(places[::-1].tolist())
    centre = (np.linalg.inv(back) @ [*there, 1])[:3].astype(int)
    size = np.array(SIZE[::-1])
    low = np.maximum(centre - size // 2, 0)
    high = np.minimum(centre + size // 2, whole.shape)
    part = whole[tuple(slice(a, b) for a, b in zip(low, high, strict=True))]
    padded = SpatialPad(SIZE)(part.transpose(2, 1, 0)[None].copy())
    return np.asarray(padded[0]), (size != high - low).any()


@pytest.mark.parametrize(
    "place", [0.5, 0.05, 0.97], ids=["inside", "at one border", "at the other"]
)
@pytest.mark.parametrize("grid", GRIDS)
def test_fmcib_crops_as_its_authors_do(grid, place):
    image, mask = textured(grid, place)
    truth, at_border = published(image, mask)
    found = cut_patch(image, mask, 1, SPEC, "fmcib")
    np.testing.assert_allclose(found.intensities, truth, atol=2e-5)
    if at_border:
        assert 0 < (found.intensities == 0).mean() <= found.padded + 1e-9


def test_at_a_border_the_published_crop_is_off_centre_and_ours_is_not():
    image, mask = textured("plain", 0.05)
    ours, theirs = (cut_patch(image, mask, 1, SPEC, crop).roi for crop in (None, "fmcib"))
    middle = (np.array(SIZE) - 1) / 2
    centres = [np.argwhere(each).mean(axis=0) - middle for each in (ours, theirs)]
    assert np.abs(centres[0]).max() <= 0.5
    assert np.abs(centres[1]).max() > 1.5


def test_an_roi_beyond_the_published_crop_is_told():
    image, mask = textured("plain", 0.05)
    drawn = np.zeros(image.GetSize()[::-1], np.uint32)
    drawn[2:22, 3:5, 3:5] = 1
    mask = sitk.GetImageFromArray(drawn)
    mask.CopyInformation(image)
    # Around slice 11 the authors take six slices down and six up, of twenty.
    assert cut_patch(image, mask, 1, SPEC, "fmcib").outside == pytest.approx(8 / 20)
