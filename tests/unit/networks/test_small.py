"""The encoder that is trained on a cohort."""

import pytest

torch = pytest.importorskip("torch", reason="needs torch: pip install 'radpipe[cnn]'")

from radpipe.networks.small import SmallResNet  # noqa: E402


@pytest.fixture(scope="module")
def network():
    torch.manual_seed(0)
    return SmallResNet().eval()


def patches(count=4, seed=0):
    random = torch.Generator().manual_seed(seed)
    made = torch.randn(count, 2, 32, 32, 32, generator=random)
    made[:, 1] = 0
    made[:, 1, 8:24, 8:24, 8:24] = 1
    return made


def test_it_is_small(network):
    assert 0.85e6 < sum(each.numel() for each in network.parameters()) < 1.0e6


@torch.no_grad()
def test_a_batch_of_one_equals_a_batch_of_four(network):
    alone = torch.cat([network(patches()[[place]]) for place in range(4)])
    torch.testing.assert_close(network(patches()), alone, rtol=0, atol=1e-5)
    assert alone.std(dim=0).max() > 1e-2


def test_one_patch_is_the_same_where_gradients_are_wanted(network):
    wanted = network(patches(1))
    assert wanted.requires_grad
    with torch.no_grad():
        torch.testing.assert_close(network(patches(1)), wanted.detach(), rtol=0, atol=1e-5)


@torch.no_grad()
def test_the_same_in_training(network):
    network.train()
    told = network(patches())
    network.eval()
    torch.testing.assert_close(told, network(patches()), rtol=0, atol=0)


@torch.no_grad()
def test_an_empty_mask_gives_an_embedding(network):
    empty = patches(1)
    empty[:, 1] = 0
    assert torch.isfinite(network(empty)).all()


@torch.no_grad()
def test_an_empty_patch_gives_an_embedding(network):
    assert torch.isfinite(network(torch.zeros(1, 2, 32, 32, 32))).all()


@torch.no_grad()
def test_what_is_inside_the_mask_counts_more(network):
    inside, outside = patches(1), patches(1)
    inside[:, 0, 12:20, 12:20, 12:20] *= 3
    outside[:, 0, :8, :8, :8] *= 3
    base = network(patches(1))
    assert (network(inside) - base).norm() > 1.5 * (network(outside) - base).norm()
