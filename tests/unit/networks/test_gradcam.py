"""Grad-CAM against its closed form, and a network that learnt nothing."""

import sys

import numpy as np
import pytest

pytest.importorskip("torch")

import torch
from captum.attr import LayerGradCam
from torch import nn

from radpipe.errors import SettingsError
from radpipe.networks.architectures import ARCHITECTURES
from radpipe.networks.encoders import ENCODERS
from radpipe.networks.gradcam import MAPS, grad_cam
from radpipe.networks.untrained import untrained


class Linear(nn.Module):
    """Maps of half the patch's side, and what they weigh together."""

    def __init__(self):
        super().__init__()
        torch.manual_seed(0)
        self.maps = nn.Conv3d(1, 3, 2, stride=2)
        self.out = nn.Linear(3 * 4**3, 5)

    def forward(self, patches):
        return self.out(self.maps(patches).flatten(1))


def test_a_linear_network_has_a_closed_form(monkeypatch):
    monkeypatch.setitem(MAPS, "linear", lambda network: network.maps)
    network = Linear().requires_grad_(False)
    patch = np.random.default_rng(0).normal(size=(1, 8, 8, 8)).astype(np.float32)
    weights = np.arange(5.0)
    found = grad_cam(network, "linear", patch, weights)
    gradient = (weights @ network.out.weight.numpy()).reshape(3, 4, 4, 4)
    maps = network.maps(torch.tensor(patch[None])).numpy()[0]
    coarse = torch.tensor((gradient * maps).sum(axis=0))[None, None]
    wanted = nn.functional.interpolate(coarse, (8, 8, 8), mode="trilinear").numpy()[0, 0]
    np.testing.assert_allclose(found, wanted, rtol=1e-4, atol=1e-6)


def test_every_architecture_names_its_maps():
    assert MAPS.keys() == ARCHITECTURES.keys()


@pytest.mark.parametrize("name", ["radpipe-small", "medicalnet10", "ctfm"])
def test_the_maps_are_of_the_network(name):
    spec = ENCODERS[name]
    patch = np.random.default_rng(0).normal(size=(len(spec.channels), 16, 16, 16))
    patch[1:] = patch[1:] > 0
    found = grad_cam(
        untrained(spec), spec.architecture, patch.astype(np.float32), np.ones(spec.dimension)
    )
    assert found.shape == (16, 16, 16)
    assert np.isfinite(found).all()
    assert found.any()


@pytest.mark.parametrize("name", ["medicalnet10", "ctfm"])
def test_where_an_embedding_is_a_mean_it_is_the_published_one(name):
    spec = ENCODERS[name]
    network = untrained(spec)
    patch = np.random.default_rng(1).normal(size=(1, 32, 32, 32)).astype(np.float32)
    weights = np.random.default_rng(2).normal(size=spec.dimension)
    along = torch.tensor(weights, dtype=torch.float32)
    theirs = LayerGradCam(lambda one: network(one) @ along, MAPS[spec.architecture](network))
    maps = theirs.attribute(torch.tensor(patch[None]).requires_grad_())
    wanted = nn.functional.interpolate(maps, (32, 32, 32), mode="trilinear").detach().numpy()[0, 0]
    found = grad_cam(network, spec.architecture, patch, weights)
    np.testing.assert_allclose(found, wanted, rtol=1e-3, atol=1e-4 * np.abs(wanted).max())


def test_a_spread_is_seen_where_it_is():
    """Grad-CAM's mean gradient of a spread is 0; the map must not be."""
    spec = ENCODERS["radpipe-small"]
    random = np.random.default_rng(0)
    patch = np.zeros((2, 32, 32, 32), np.float32)
    patch[1] = 1
    patch[0, 4:12, 18:26, 10:18] = random.normal(size=(8, 8, 8))
    heat = np.abs(grad_cam(untrained(spec), "small", patch, random.normal(size=spec.dimension)))
    assert heat[4:12, 18:26, 10:18].mean() > 3 * heat.mean()


def test_random_weights_are_the_same_for_the_same_seed_and_leave_others_alone():
    torch.manual_seed(5)
    wanted = torch.rand(3)
    torch.manual_seed(5)
    weights = [untrained(ENCODERS["radpipe-small"], seed).state_dict() for seed in (0, 0, 1)]
    assert torch.equal(torch.rand(3), wanted)
    first = next(name for name, each in weights[0].items() if each.std() > 0)
    assert torch.equal(weights[0][first], weights[1][first])
    assert not torch.equal(weights[0][first], weights[2][first])


def test_an_unknown_network_and_a_missing_captum_are_told(monkeypatch):
    patch, network = np.zeros((1, 8, 8, 8), np.float32), Linear()
    with pytest.raises(SettingsError, match="does not know the maps"):
        grad_cam(network, "other", patch, np.ones(5))
    monkeypatch.setitem(sys.modules, "captum", None)
    monkeypatch.setattr("radpipe.networks.gradcam.find_spec", lambda name: None)
    with pytest.raises(SettingsError, match="no captum"):
        grad_cam(network, "small", patch, np.ones(5))
