"""Occlusion against what can be worked out by hand; it needs no torch."""

from itertools import product

import numpy as np
import pytest

from radpipe.errors import SettingsError
from radpipe.networks.occlusion import occlusion, windows


@pytest.fixture
def patch():
    return np.random.default_rng(0).normal(size=(2, 16, 16, 16)).astype(np.float32)


def total(part):
    """Score patches by the sum of one part of their image."""
    return lambda patches: patches[:, 0][(slice(None), *part)].astype(float).sum(axis=(1, 2, 3))


def test_a_constant_score_has_an_empty_map(patch):
    assert not occlusion(lambda patches: np.full(len(patches), 7.0), patch).any()


def test_the_map_is_zero_where_no_window_reaches_what_counts(patch):
    heat = occlusion(total((slice(8, 12),) * 3), patch)
    reached = np.zeros(heat.shape, bool)
    # Windows of 4 that touch 8 to 12 begin at 6, 8 or 10: they move by 2.
    reached[6:14, 6:14, 6:14] = True
    assert not heat[~reached].any()
    assert heat[reached].any()


def test_a_sum_gives_the_mean_over_windows_of_what_each_hides(patch):
    shape, size, stride = (16, 16, 16), (5, 4, 16), (3, 4, 1)
    heat = occlusion(total((slice(None),) * 3), patch, size=size, stride=stride)
    image = patch[0].astype(float)
    excess = image - image.mean()
    wanted, covered = np.zeros(shape), np.zeros(shape)
    # Along z from 0, 3, 6, 9 and the last that fits, 11; along y from 0, 4, 8, 12; along x once.
    for z, y in product((0, 3, 6, 9, 11), (0, 4, 8, 12)):
        window = (slice(z, z + 5), slice(y, y + 4))
        wanted[window] += excess[window].sum()
        covered[window] += 1
    np.testing.assert_allclose(heat, wanted / covered, atol=1e-4)


def test_a_bright_blob_is_found_where_it_is(patch):
    patch[0, 2:6, 9:13, 4:8] += 10
    heat = occlusion(lambda patches: patches[:, 0].max(axis=(1, 2, 3)).astype(float), patch)
    z, y, x = np.unravel_index(heat.argmax(), heat.shape)
    assert (2 <= z < 6, 9 <= y < 13, 4 <= x < 8) == (True,) * 3


def test_only_the_image_is_hidden_and_the_patch_stays(patch):
    before, seen = patch.copy(), []

    def score(patches):
        seen.append(patches[:, 0].copy())
        return np.zeros(len(patches))

    occlusion(score, patch, channel=1)
    np.testing.assert_array_equal(np.concatenate(seen), patch[[0] * 344])
    np.testing.assert_array_equal(patch, before)


@pytest.mark.parametrize("side", [1, 2, 5, 24, 50, 128])
def test_windows_cover_any_patch(side):
    shape = (side, 3, 7)
    covered = np.zeros(shape, int)
    laid = windows(shape)
    for window in laid:
        covered[window] += 1
    assert covered.min() > 0
    assert len({str(window) for window in laid}) == len(laid)


def test_each_window_is_told_once(patch):
    done = []
    occlusion(lambda patches: np.zeros(len(patches)), patch, step=done.append)
    assert sum(done) == len(windows(patch.shape[1:])) == 343


@pytest.mark.parametrize(("size", "stride"), [((17, 4, 4), (2, 2, 2)), ((4, 4, 4), (5, 2, 2))])
def test_windows_that_leave_gaps_are_refused(patch, size, stride):
    with pytest.raises(SettingsError, match="do not cover the patch"):
        occlusion(total((slice(None),) * 3), patch, size=size, stride=stride)
