import logging
from dataclasses import replace

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="needs torch: pip install 'radpipe[cnn]'")
pytest.importorskip("monai", reason="needs MONAI: pip install 'radpipe[cnn]'")

from torch import nn  # noqa: E402

from radpipe.errors import ModelError, SettingsError  # noqa: E402
from radpipe.networks.embedding import (  # noqa: E402
    _in_batches,
    device_named,
    embed,
    inputs_of,
)
from radpipe.networks.encoders import ENCODERS  # noqa: E402
from radpipe.networks.weights import build  # noqa: E402

SPEC = ENCODERS["medicalnet10"]


@pytest.fixture(scope="module")
def network():
    torch.manual_seed(0)
    return build(SPEC)


def patches(count, size=24):
    random = np.random.default_rng(3)
    return [random.normal(size=(1, size, size, size)).astype(np.float32) for _ in range(count)]


def plainly(network, inputs):
    """What torch gives, one patch after the other on one thread."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    with torch.no_grad():
        found = [network(torch.from_numpy(each)[None])[0].numpy() for each in inputs]
    torch.set_num_threads(before)
    return found


@pytest.mark.parametrize("threads", [1, 2, 3])
def test_bytes_are_those_of_torch_whatever_the_threads(network, threads):
    inputs = patches(5)
    found = list(embed(network, inputs, threads=threads))
    assert [each.tobytes() for each in found] == [
        each.tobytes() for each in plainly(network, inputs)
    ]
    assert all(each.dtype == np.float32 and each.shape == (SPEC.dimension,) for each in found)


def test_bytes_do_not_depend_on_the_neighbours(network):
    inputs = patches(4)
    among_others = list(embed(network, [inputs[3], inputs[0], inputs[2]], threads=2))[1]
    alone = next(embed(network, [inputs[0]]))
    assert among_others.tobytes() == alone.tobytes()


def test_batch_statistics_are_not_used_even_of_a_network_in_training():
    torch.manual_seed(0)
    network = nn.Sequential(nn.BatchNorm3d(1), nn.Flatten()).train()
    patch = patches(1, size=2)[0]
    # A new layer's statistics are mean 0 and variance 1, with 1e-5 added.
    truth = patch.ravel() / np.sqrt(1 + 1e-5)
    np.testing.assert_allclose(next(embed(network, [patch])), truth, rtol=1e-6)


@pytest.mark.parametrize("threads", [1, 2])
def test_the_number_of_torch_threads_is_restored(threads):
    before = torch.get_num_threads()
    torch.set_num_threads(2)
    try:
        list(embed(Volume(), patches(3, size=2), threads=threads))
        assert torch.get_num_threads() == 2
        abandoned = embed(Volume(), patches(3, size=2), threads=threads)
        next(abandoned)
        abandoned.close()
        assert torch.get_num_threads() == 2
        with pytest.raises(RuntimeError, match="broken"):
            list(embed(Broken(), patches(3, size=2), threads=threads))
        assert torch.get_num_threads() == 2
    finally:
        torch.set_num_threads(before)


class Volume(nn.Module):
    """Sums up a patch, where it fits; notes how many it was given at once."""

    def __init__(self, fits=1000, error=torch.cuda.OutOfMemoryError):
        super().__init__()
        self.fits, self.error, self.given = fits, error, []

    def forward(self, x):
        assert torch.is_inference_mode_enabled()
        assert torch.backends.cudnn.deterministic and not torch.backends.cudnn.allow_tf32
        self.given.append(len(x))
        if len(x) > self.fits:
            raise self.error("CUDNN_STATUS_ALLOC_FAILED")
        return x.sum(dim=(2, 3, 4))


class Broken(nn.Module):
    def forward(self, x):
        raise RuntimeError("broken")


@pytest.mark.parametrize("device", ["cpu", "batches"])
def test_patches_are_asked_for_only_when_there_is_room(device):
    asked = []

    def counted():
        for number, patch in enumerate(patches(12, size=2)):
            asked.append(number)
            yield patch

    network = Volume()
    found = (
        embed(network, counted(), threads=2)
        if device == "cpu"
        else _in_batches(network, counted(), "cpu", 3, 2)
    )
    next(found)
    assert len(asked) <= 3
    assert len(list(found)) == 11


@pytest.mark.parametrize("error", [torch.cuda.OutOfMemoryError, RuntimeError])
@pytest.mark.parametrize(
    ("fits", "given"),
    [(1000, [8, 3]), (4, [8, 4, 4, 3]), (2, [8, 4, 2, 2, 2, 2, 2, 1]), (1, [8, 4, 2] + [1] * 11)],
)
def test_a_batch_that_does_not_fit_is_halved(fits, given, error, caplog):
    inputs, network = patches(11, size=2), Volume(fits, error)
    with caplog.at_level(logging.WARNING, logger="radpipe"):
        found = np.concatenate(list(_in_batches(network, inputs, "cpu", 8, 1)))
    truth = [each.sum(dtype=np.float64) for each in inputs]
    np.testing.assert_allclose(found, truth, rtol=1e-5, atol=1e-5)
    assert network.given == given
    sizes = [size for size in (8, 4, 2) if size > fits]
    assert [record.args[0].split()[0] for record in caplog.records] == [
        str(size // 2) for size in sizes
    ]


class OnlyOnTheCpu(Volume):
    """Fits nowhere until it is moved back."""

    def to(self, device):
        self.fits = {"meta": 0, "cpu": 1000}[device]
        return self


def test_what_does_not_fit_alone_is_computed_on_the_cpu(caplog, monkeypatch):
    inputs, network = patches(5, size=2), OnlyOnTheCpu()
    monkeypatch.setattr(torch.cuda, "empty_cache", lambda: None)
    with caplog.at_level(logging.WARNING, logger="radpipe"):
        found = list(embed(network, inputs, device="meta", batch=2))
    truth = list(embed(Volume(), inputs))
    assert [each.tobytes() for each in found] == [each.tobytes() for each in truth]
    assert network.given == [2, 1] + [1] * 5
    assert "CPU computes the rest" in caplog.text


@pytest.mark.parametrize("none", [{"threads": 0}, {"batch": 0}])
def test_none_at_a_time_is_refused(none):
    with pytest.raises(SettingsError, match="1 or more of each"):
        list(embed(Volume(), patches(1, size=2), **none))


def test_another_error_is_not_taken_for_lack_of_memory(caplog):
    with pytest.raises(RuntimeError, match="broken"):
        list(_in_batches(Broken(), patches(2, size=2), "cpu", 2, 1))
    assert not caplog.records


def test_a_gpu_gives_the_values_of_the_cpu(network):
    if not torch.cuda.is_available():
        pytest.skip("needs a GPU that torch can use, and finds none")
    inputs = patches(5, size=48)
    on_cpu = list(embed(network, inputs))
    for batch in (1, 2, 16):
        found = list(embed(network, inputs, device="cuda", batch=batch))
        np.testing.assert_allclose(found, on_cpu, rtol=0, atol=1e-4)
    assert next(network.parameters()).device.type == "cpu"


def test_channels_are_stacked_in_the_order_of_the_spec():
    patch = replace(SPEC.patch, size=(2, 3, 4))
    random = np.random.default_rng(0)
    image, roi = random.normal(size=(2, 3, 4)).astype(np.float32), random.random((2, 3, 4)) > 0.5
    for channels in (("image",), ("image", "mask"), ("mask", "image")):
        found = inputs_of(image, roi, replace(SPEC, patch=patch, channels=channels))
        assert found.dtype == np.float32 and found.shape == (len(channels), 2, 3, 4)
        np.testing.assert_array_equal(found[channels.index("image")], image)
        if "mask" in channels:
            np.testing.assert_array_equal(found[channels.index("mask")], np.where(roi, 1.0, 0.0))


def test_a_patch_of_another_size_is_refused():
    spec = replace(SPEC, patch=replace(SPEC.patch, size=(2, 3, 4)))
    right, wrong = np.zeros((2, 3, 4), np.float32), np.zeros((4, 3, 2), np.float32)
    for image, roi in ((wrong, wrong), (wrong, right), (right, wrong)):
        with pytest.raises(ModelError, match=r"expected: voxels along z, y, x: \(2, 3, 4\)"):
            inputs_of(image, roi > 0, spec)


@pytest.mark.parametrize("there", [True, False])
def test_a_device_is_taken_where_it_is(there, monkeypatch):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: there)
    assert device_named("auto") == ("cuda" if there else "cpu")
    assert device_named("cpu") == "cpu"
    if there:
        assert device_named("cuda") == "cuda"
    for name in ["gpu", *([] if there else ["cuda"])]:
        with pytest.raises(SettingsError, match="no such device"):
            device_named(name)
