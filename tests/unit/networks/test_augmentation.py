"""What augmentations change, and what they keep."""

import pytest

torch = pytest.importorskip("torch", reason="needs torch: pip install 'radpipe[cnn]'")
pytest.importorskip("monai", reason="needs MONAI: pip install 'radpipe[cnn]'")

from radpipe.networks.augmentation import AUGMENTATIONS, Augmenter  # noqa: E402

BOTH = ("image", "mask")
GEOMETRY = ("flip", "rotate", "scale", "shift")
ON_IMAGE = ("noise", "blur", "intensity")


def patches(count=3):
    """A lopsided tumour, which is bright where its mask is."""
    made = torch.zeros(count, 2, 32, 32, 32)
    made[:, :, 6:20, 10:22, 8:28] = 1
    made[:, 0] += 0.01 * torch.randn(count, 32, 32, 32, generator=torch.Generator().manual_seed(1))
    return made


def changed(*names, seed=0, channels=BOTH, of=None):
    return Augmenter(names, channels)(patches() if of is None else of, seed)


@pytest.mark.parametrize("name", AUGMENTATIONS)
def test_a_seed_gives_one_result_and_another_another(name):
    assert torch.equal(changed(name), changed(name))
    assert not torch.equal(changed(name), changed(name, seed=12345))


@pytest.mark.parametrize("name", AUGMENTATIONS)
def test_the_given_patches_stay_as_they_are(name):
    given = patches()
    changed(name, of=given)
    assert torch.equal(given, patches())


@pytest.mark.parametrize("name", AUGMENTATIONS)
def test_masks_stay_zeros_and_ones(name):
    found = changed(name)
    assert found.shape == patches().shape
    assert set(found[:, 1].unique().tolist()) == {0.0, 1.0}


@pytest.mark.parametrize("name", AUGMENTATIONS)
def test_patients_are_changed_differently(name):
    same = patches(1).expand(6, -1, -1, -1, -1).clone()
    found = changed(name, of=same)
    assert len({each.numpy().tobytes() for each in found}) > 1


@pytest.mark.parametrize("name", GEOMETRY)
def test_image_and_mask_move_together(name):
    found = changed(name)
    assert not torch.equal(found[:, 1], patches()[:, 1])
    assert (((found[:, 0] >= 0.5) == (found[:, 1] > 0)).float().mean()) > 0.999


@pytest.mark.parametrize("name", ON_IMAGE)
def test_intensities_change_and_masks_do_not(name):
    found = changed(name)
    assert not torch.equal(found[:, 0], patches()[:, 0])
    assert torch.equal(found[:, 1], patches()[:, 1])


def test_mask_jitter_leaves_the_image_alone_and_the_mask_nearly():
    found = changed("mask_jitter")
    assert torch.equal(found[:, 0], patches()[:, 0])
    both = ((found[:, 1] + patches()[:, 1]) == 2).sum()
    assert 2 * both / (found[:, 1].sum() + patches()[:, 1].sum()) > 0.7


def test_mask_jitter_grows_and_shrinks_by_a_voxel():
    many = patches(1).expand(24, -1, -1, -1, -1).clone()
    found = changed("mask_jitter", of=many)[:, 1]
    sides = {tuple(len(each.nonzero()[:, axis].unique()) for axis in range(3)) for each in found}
    assert sides == {(12, 10, 18), (14, 12, 20), (16, 14, 22)}


def test_flips_keep_the_histogram():
    found = changed("flip")
    for before, after in zip(patches(), found, strict=True):
        assert torch.equal(before.flatten(1).sort().values, after.flatten(1).sort().values)


def test_rotation_stays_within_15_degrees():
    rod = torch.zeros(8, 2, 32, 32, 32)
    rod[:, :, 2:30, 14:18, 14:18] = 1
    for mask in changed("rotate", of=rod)[:, 1]:
        places = mask.nonzero().double()
        axis = torch.linalg.svd(places - places.mean(dim=0), full_matrices=False).Vh[0]
        # About three axes, one after the other: two of them tilt the rod.
        assert axis[0].abs() > torch.cos(torch.deg2rad(torch.tensor(22.0, dtype=torch.float64)))
        torch.testing.assert_close(
            places.mean(dim=0), torch.full((3,), 15.5).double(), atol=0.5, rtol=0
        )


def test_a_shift_moves_the_centroid_by_at_most_two_voxels_and_keeps_the_size():
    found = changed("shift")
    for before, after in zip(patches()[:, 1], found[:, 1], strict=True):
        moved = after.nonzero().double().mean(dim=0) - before.nonzero().double().mean(dim=0)
        assert 0 < moved.abs().max() <= 2.5
        assert abs(after.sum() / before.sum() - 1) < 0.2


def test_a_scale_changes_the_size_by_at_most_a_tenth_a_side():
    ratios = changed("scale")[:, 1].sum(dim=(1, 2, 3)) / patches()[:, 1].sum(dim=(1, 2, 3))
    assert ((ratios > 0.6) & (ratios < 1.5)).all()


def test_noise_has_the_spread_it_says():
    quiet = torch.zeros(20, 2, 32, 32, 32)
    spread = changed("noise", of=quiet)[:, 0].flatten(1).std(dim=1)
    # MONAI draws each patch's between 0 and 0.2.
    assert spread.min() > 0.0
    assert spread.max() <= 0.21
    assert spread.max() > 0.1


def test_blur_lowers_the_spread_and_keeps_the_mean():
    rough = torch.randn(4, 2, 32, 32, 32, generator=torch.Generator().manual_seed(2))
    found = changed("blur", of=rough)[:, 0]
    assert (found.std(dim=(1, 2, 3)) < 0.95 * rough[:, 0].std(dim=(1, 2, 3))).all()


def test_intensity_is_one_gain_and_one_offset_a_patch():
    for before, after in zip(patches()[:, 0], changed("intensity")[:, 0], strict=True):
        x, y = before.flatten().double(), after.flatten().double()
        gain = ((x - x.mean()) * (y - y.mean())).sum() / ((x - x.mean()) ** 2).sum()
        offset = y.mean() - gain * x.mean()
        assert 0.79 < gain < 1.21
        assert offset.abs() < 0.21
        torch.testing.assert_close(gain * x + offset, y, atol=1e-5, rtol=0)


def test_without_a_mask_its_jitter_does_nothing():
    image = patches()[:, :1]
    assert torch.equal(changed("mask_jitter", channels=("image",), of=image), image)
    assert changed("rotate", "noise", channels=("image",), of=image).shape == image.shape


def test_none_leaves_patches_as_they_are():
    assert torch.equal(changed(), patches())
