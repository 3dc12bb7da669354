import numpy as np
import pytest

from radpipe.errors import SettingsError
from radpipe.extraction.perturb.chain import NAMES, chains_of, changes_image, perturbed
from tests.unit.extraction.perturb.lesions import lesion


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("rotaton", "did you mean rotation"),
        ("", "no such perturbation"),
        ("noise+noise", "twice in a chain"),
        ("noise+growth,growth+noise", "named twice"),
    ],
)
def test_wrong_names_are_told(text: str, told: str) -> None:
    with pytest.raises(SettingsError, match=told):
        chains_of(text)


@pytest.mark.parametrize("name", [name for name in NAMES if name != "contours"])
def test_each_changes_what_it_says(name: str) -> None:
    pair = lesion(10.0)
    found = perturbed(pair, (name,), np.random.default_rng(3))
    assert changes_image((name,)) == (not np.array_equal(found.image, pair.image))
    assert (name == "noise") == np.array_equal(found.roi, pair.roi)
