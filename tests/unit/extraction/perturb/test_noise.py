import numpy as np
import pytest

from radpipe.extraction.perturb.noise import add_noise, noise_sd
from tests.unit.extraction.perturb.lesions import lesion


@pytest.mark.parametrize("sd", [0.5, 4.0, 20.0])
def test_the_noise_that_was_put_in_is_found_in_spite_of_the_lesions_edge(sd: float) -> None:
    assert noise_sd(lesion(sd)) == pytest.approx(sd, rel=0.1)


def test_what_is_added_is_as_large_again_and_the_roi_stays() -> None:
    pair = lesion(10.0)
    noisier = add_noise(pair, {"noise"}, np.random.default_rng(1))
    assert np.std(noisier.image - pair.image) == pytest.approx(10.0, rel=0.1)
    assert abs(np.mean(noisier.image - pair.image)) < 0.2
    assert noise_sd(noisier) == pytest.approx(10.0 * np.sqrt(2), rel=0.1)
    assert noisier.roi is pair.roi


def test_an_image_without_noise_stays_as_it_is() -> None:
    pair = lesion()
    same = add_noise(pair, {"noise"}, np.random.default_rng(1))
    np.testing.assert_array_equal(same.image, pair.image)
