"""Losses, beside their formulas."""

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="needs torch: pip install 'radpipe[cnn]'")
pytest.importorskip("torchsurv", reason="needs torchsurv: pip install 'radpipe[cnn]'")

from radpipe.networks import spec  # noqa: E402
from radpipe.networks.augmentation import AUGMENTATIONS  # noqa: E402
from radpipe.networks.batches import make_patients  # noqa: E402
from radpipe.networks.methods import METHODS  # noqa: E402
from radpipe.networks.methods.autoencoder import Autoencoder, draw  # noqa: E402
from radpipe.networks.methods.base import Outcome  # noqa: E402
from radpipe.networks.methods.cox import risk_loss  # noqa: E402
from radpipe.networks.methods.vicreg import vicreg_loss  # noqa: E402
from radpipe.networks.small import SmallResNet  # noqa: E402

RANDOM = np.random.default_rng(0)


def outcome(event, time=None):
    return Outcome(torch.tensor(event), None if time is None else torch.tensor(time))


def test_vicreg_is_its_formula():
    a, b = RANDOM.normal(size=(7, 5)), RANDOM.normal(size=(7, 5))
    expected = 25 * np.mean((a - b) ** 2)
    for view in (a, b):
        spread = np.sqrt(view.var(axis=0, ddof=1) + 1e-4)
        expected += 25 * np.maximum(0, 1 - spread).mean() / 2
        between = np.cov(view, rowvar=False)
        expected += (between[~np.eye(5, dtype=bool)] ** 2).sum() / 5
    found = vicreg_loss(torch.tensor(a), torch.tensor(b)).item()
    assert found == pytest.approx(expected, rel=1e-9)


def test_vicreg_punishes_a_collapse():
    same = torch.ones(6, 4)
    assert vicreg_loss(same, same).item() == pytest.approx(25 * (1 - 1e-2), rel=1e-6)


def efron(risk, event, time):
    """Negative log partial likelihood of an event time, tied events leaving one by one."""
    told = []
    for at in np.unique(time[event]):
        at_risk, tied = np.exp(risk[time >= at]).sum(), event & (time == at)
        steps = np.arange(tied.sum()) / tied.sum()
        leaving = np.exp(risk[tied]).sum()
        told.append(np.log(at_risk - steps * leaving).sum() - risk[tied].sum())
    return np.mean(told)


@pytest.mark.parametrize("ties", [False, True])
def test_cox_is_efrons_partial_likelihood(ties):
    risk, event = RANDOM.normal(size=12), RANDOM.random(12) < 0.6
    time = RANDOM.integers(0, 4, 12) if ties else RANDOM.permutation(12)
    found = risk_loss(torch.tensor(risk, dtype=torch.float32), outcome(event, time)).item()
    assert found == pytest.approx(efron(risk, event, time), rel=1e-5)


def test_a_binary_outcome_is_a_log_loss():
    risk, event = RANDOM.normal(size=9), RANDOM.random(9) < 0.5
    chance = 1 / (1 + np.exp(-risk))
    expected = -np.log(np.where(event, chance, 1 - chance)).mean()
    assert risk_loss(torch.tensor(risk), outcome(event)).item() == pytest.approx(expected)


def test_a_batch_without_events_teaches_nothing():
    risk = torch.randn(4, requires_grad=True)
    loss = risk_loss(risk, outcome([False] * 4, [0, 1, 2, 3]))
    torch.autograd.backward(loss)
    assert loss.item() == 0
    assert torch.equal(risk.grad, torch.zeros(4))


def octave(image, size):
    """Means of cubes, written on each of their voxels."""
    side = image.shape[0] // size
    means = image.reshape(side, size, side, size, side, size).mean(axis=(1, 3, 5))
    return means.repeat(size, 0).repeat(size, 1).repeat(size, 2)


def test_a_drawing_is_means_and_energies():
    image = RANDOM.normal(size=(16, 16, 16))
    found = draw(*(torch.tensor(each)[None, None] for each in (image, np.ones_like(image))))
    assert found.shape == (1, 4, 4, 4, 4)
    np.testing.assert_allclose(found[0, 0], octave(image, 4)[::4, ::4, ::4], atol=1e-12)
    finer = image
    for place in (1, 2, 3):
        coarser = octave(image, 2**place)
        # The cell from 4 to 8 voxels, with 2 voxels around.
        energy = ((finer - coarser) ** 2)[2:10, 2:10, 2:10].mean()
        assert found[0, place, 1, 1, 1].item() == pytest.approx(np.log(energy + 1e-3))
        finer = coarser


def test_what_lies_outside_the_tumour_does_not_change_its_drawing():
    image, weight = torch.randn(1, 1, 16, 16, 16), torch.zeros(1, 1, 16, 16, 16) + 1e-12
    weight[..., :8, :8, :8] = 1
    other = image.clone()
    other[..., 8:, :, :] = 9
    before, after = draw(image, weight), draw(other, weight)
    torch.testing.assert_close(before[..., :2, :2, :2], after[..., :2, :2, :2])


@pytest.mark.parametrize("name", METHODS)
def test_every_method_teaches_encoder_and_helpers(name):
    torch.manual_seed(0)
    encoder, method = SmallResNet(), METHODS[name](128, ("image", "mask"))
    views = [torch.rand(4, 2, 32, 32, 32).round() for _ in range(method.views)]
    loss = method.loss(encoder, views, outcome([True, False, True, True], [0, 1, 2, 2]))
    torch.autograd.backward(loss)
    assert loss.ndim == 0
    for part in (encoder, method):
        assert all(each.grad is not None for each in part.parameters())
        assert any(each.grad.abs().max() > 0 for each in part.parameters())


@pytest.mark.parametrize("name", METHODS)
def test_what_a_method_uses_exists(name):
    assert set(METHODS[name].augmentations) <= set(AUGMENTATIONS)


def test_vicreg_does_not_unlearn_texture():
    assert not {"blur", "noise"} & set(METHODS["vicreg"].augmentations)


def test_an_autoencoder_needs_no_mask():
    torch.manual_seed(0)
    method = Autoencoder(128, ("image",))
    loss = method.loss(SmallResNet(channels=1), [torch.randn(2, 1, 32, 32, 32)], None)
    assert torch.isfinite(loss)


def test_who_is_censored_at_the_time_of_an_event_was_at_risk():
    patches = np.zeros((4, 1, 2, 2, 2), np.float32)
    times = np.array([0.0, 0.0, 1.0, 2.0])
    for event in ([False, True, True, False], [True, False, True, False]):
        y = np.array([*zip(event, times, strict=True)], dtype=[("event", bool), ("time", float)])
        outcome = make_patients(patches, y, 0).outcome
        risk = torch.tensor([2.0, 0.0, 0.5, -1.0])
        loss = risk_loss(risk, outcome)
        died = [place for place in range(4) if event[place]]
        at_risk = [np.log(np.exp(risk.numpy()[times >= times[place]]).sum()) for place in died]
        wanted = np.mean(np.array(at_risk) - risk.numpy()[died])
        np.testing.assert_allclose(loss.item(), wanted, rtol=1e-6)


def test_methods_are_those_that_are_told_without_torch():
    assert {*METHODS} == {*spec.METHODS}
    assert [name for name, each in METHODS.items() if each.supervised] == [spec.SUPERVISED]
