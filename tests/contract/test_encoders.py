"""What every published encoder must do."""

import hashlib
import json
import os

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="needs torch: pip install 'radpipe[cnn]'")
pytest.importorskip("monai", reason="needs MONAI: pip install 'radpipe[cnn]'")

from safetensors.torch import save_file  # noqa: E402
from torch import nn  # noqa: E402
from torch.nn import functional  # noqa: E402

from radpipe.errors import ModelError  # noqa: E402
from radpipe.networks.architectures import ARCHITECTURES  # noqa: E402
from radpipe.networks.encoders import ENCODERS  # noqa: E402
from radpipe.networks.weights import keys_hash, load_weights  # noqa: E402

# The others differ from these in size alone.
SMALL = ["ctfm", "medicalnet10", "medicalnet50"]
PUBLISHED = {
    "fmcib": "fmcib_resnet50x2",
    "ctfm": "ctfm_segresencoder",
    **{f"medicalnet{depth}": f"medicalnet_resnet{depth}" for depth in (10, 18, 34, 50)},
}


def built(name, seed=0):
    """Build an encoder whose statistics are not those of a new one."""
    spec = ENCODERS[name]
    torch.manual_seed(seed)
    network = ARCHITECTURES[spec.architecture](**spec.arguments)
    for module in network.modules():
        if isinstance(module, nn.BatchNorm3d):
            module.running_mean.normal_(0, 0.1)
            module.running_var.uniform_(0.5, 1.5)
    return network.eval()


def published(name, network, place, layout=0):
    """Write a checkpoint as its publisher does."""
    how = ENCODERS[name].layouts[layout]
    weights = {how.prefix + key: value for key, value in network.state_dict().items()}
    weights |= {f"{head}0.weight": torch.zeros(2) for head in how.heads}
    if how.container is None:
        path = place / "model.safetensors"
        save_file(weights, path)
    else:
        path = place / "model.pth"
        torch.save({how.container: weights}, path)
    return path


def patches(count=2, size=24, channels=1):
    random = torch.Generator().manual_seed(1)
    return torch.randn(count, channels, size, size, size, generator=random)


@pytest.mark.parametrize("name", PUBLISHED)
def test_keys_and_shapes_are_the_published_ones(name, shared):
    told = json.loads((shared.parent / "reference" / "encoder_state_dicts.json").read_text())
    keys = sorted(told[PUBLISHED[name]]["keys"].items())
    assert hashlib.sha256(json.dumps(keys).encode()).hexdigest() == ENCODERS[name].keys


@pytest.mark.parametrize("name", ENCODERS)
def test_the_network_is_the_one_that_is_told(name):
    network, spec = built(name), ENCODERS[name]
    assert keys_hash(network) == spec.keys
    with torch.no_grad():
        assert network(patches(1, channels=len(spec.channels))).shape == (1, spec.dimension)


@pytest.mark.parametrize(
    ("name", "layout"),
    [(name, place) for name in SMALL for place in range(len(ENCODERS[name].layouts))],
)
def test_a_published_file_loads_to_the_same_network(name, layout, tmp_path):
    source, spec = built(name), ENCODERS[name]
    path = published(name, source, tmp_path, layout)
    found = load_weights(built(name, seed=1), spec, path)
    with torch.no_grad():
        torch.testing.assert_close(found(patches()), source(patches()), rtol=0, atol=0)
    assert not found.training
    assert not any(each.requires_grad for each in found.parameters())


@pytest.mark.parametrize("name", SMALL)
def test_a_patch_does_not_depend_on_its_neighbours(name):
    network = built(name)
    with torch.no_grad():
        together = network(patches(4))
        alone = torch.cat([network(patches(4)[[place]]) for place in range(4)])
    torch.testing.assert_close(together, alone, rtol=1e-4, atol=1e-5)


class Basic(nn.Module):
    """A block of the paper's networks of depth 10, 18, 34, written without MONAI."""

    def __init__(self, width, out, stride, dilation, shortcut):
        super().__init__()
        around = {"padding": dilation, "dilation": dilation, "bias": False}
        self.conv1 = nn.Conv3d(width, out, 3, stride=stride, **around)
        self.bn1 = nn.BatchNorm3d(out)
        self.conv2 = nn.Conv3d(out, out, 3, **around)
        self.bn2 = nn.BatchNorm3d(out)
        self.downsample = shortcut

    def forward(self, x):
        y = self.bn2(self.conv2(self.bn1(self.conv1(x)).relu()))
        return (y + (x if self.downsample is None else self.downsample(x))).relu()


class Bottleneck(nn.Module):
    """A block of depth 50."""

    def __init__(self, width, out, stride, dilation, shortcut):
        super().__init__()
        inner = out // 4
        self.conv1, self.bn1 = nn.Conv3d(width, inner, 1, bias=False), nn.BatchNorm3d(inner)
        self.conv2 = nn.Conv3d(
            inner, inner, 3, stride=stride, padding=dilation, dilation=dilation, bias=False
        )
        self.bn2 = nn.BatchNorm3d(inner)
        self.conv3, self.bn3 = nn.Conv3d(inner, out, 1, bias=False), nn.BatchNorm3d(out)
        self.downsample = shortcut

    def forward(self, x):
        y = self.bn1(self.conv1(x)).relu()
        y = self.bn3(self.conv3(self.bn2(self.conv2(y)).relu()))
        return (y + (x if self.downsample is None else self.downsample(x))).relu()


class PadChannels(nn.Module):
    """Shortcut A: every second voxel, and channels of zeros."""

    def __init__(self, out, stride):
        super().__init__()
        self.out, self.stride = out, stride

    def forward(self, x):
        x = x[:, :, :: self.stride, :: self.stride, :: self.stride]
        return functional.pad(x, (0, 0, 0, 0, 0, 0, 0, self.out - x.shape[1]))


class Tencent(nn.Module):
    """Chen et al. 2019: strides 2, 1, 2, 1, 1 and dilations 2 and 4 at the end."""

    def __init__(self, depth):
        super().__init__()
        counts = {10: (1, 1, 1, 1), 18: (2, 2, 2, 2), 34: (3, 4, 6, 3), 50: (3, 4, 6, 3)}[depth]
        block, times = (Bottleneck, 4) if depth == 50 else (Basic, 1)
        self.conv1 = nn.Conv3d(1, 64, 7, stride=2, padding=3, bias=False)
        self.bn1 = nn.BatchNorm3d(64)
        width = 64
        plans = zip((64, 128, 256, 512), (1, 2, 1, 1), (1, 1, 2, 4), counts, strict=True)
        for number, (planes, stride, dilation, count) in enumerate(plans, start=1):
            out, blocks = planes * times, []
            for place in range(count):
                first = stride if place == 0 else 1
                shortcut = None
                if place == 0 and (first != 1 or width != out):
                    shortcut = (
                        PadChannels(out, first)
                        if depth in (18, 34)
                        else nn.Sequential(
                            nn.Conv3d(width, out, 1, stride=first, bias=False), nn.BatchNorm3d(out)
                        )
                    )
                blocks.append(block(width, out, first, dilation, shortcut))
                width = out
            setattr(self, f"layer{number}", nn.Sequential(*blocks))

    def forward(self, x):
        x = functional.max_pool3d(self.bn1(self.conv1(x)).relu(), 3, stride=2, padding=1)
        for number in (1, 2, 3, 4):
            x = getattr(self, f"layer{number}")(x)
        return x.mean(dim=(2, 3, 4))


@pytest.mark.parametrize("depth", [10, 18, 34, 50])
def test_medicalnet_is_its_publishers_definition(depth):
    ours = built(f"medicalnet{depth}")
    theirs = Tencent(depth).eval()
    theirs.load_state_dict(ours.state_dict(), strict=True)
    with torch.no_grad():
        found, truth = ours(patches(size=32)), theirs(patches(size=32))
    torch.testing.assert_close(found, truth, rtol=0, atol=0)


def changed(weights, how):
    if how == "missing":
        weights.pop("module.layer1.0.bn1.weight")
    elif how == "extra":
        weights["module.layer9.weight"] = torch.zeros(1)
    elif how == "renamed":
        weights["module.layer1.0.bn1.w"] = weights.pop("module.layer1.0.bn1.weight")
    elif how == "misshapen":
        weights["module.conv1.weight"] = torch.zeros(64, 3, 7, 7, 7)
    elif how == "bare":
        weights = {key.removeprefix("module."): value for key, value in weights.items()}
    return weights


@pytest.mark.parametrize(
    ("how", "told"),
    [
        ("missing", "layer1.0.bn1.weight is missing"),
        ("extra", "layer9.weight is not of this encoder"),
        ("renamed", "bn1.weight is missing; layer1.0.bn1.w is not of this encoder"),
        ("misshapen", r"conv1.weight is \(64, 3, 7, 7, 7\), not \(64, 1, 7, 7, 7\)"),
        ("bare", "all 72 lie in the container `state_dict`, without prefix"),
    ],
)
def test_a_checkpoint_of_something_else_is_refused(how, told, tmp_path):
    network = built("medicalnet10")
    weights = {f"module.{key}": value for key, value in network.state_dict().items()}
    torch.save({"state_dict": changed(weights, how)}, tmp_path / "model.pth")
    with pytest.raises(ModelError, match=told):
        load_weights(network, ENCODERS["medicalnet10"], tmp_path / "model.pth")


class Dangerous:
    """Runs code when a pickle of it is read."""

    def __reduce__(self):
        return os.mkdir, ("harmed",)


@pytest.mark.parametrize(
    "content", ["module", "code", "truncated", "text", "empty", "absent", "list"]
)
def test_a_file_that_is_no_checkpoint_is_refused(content, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    network, path = built("medicalnet10"), tmp_path / "model.pth"
    if content == "module":
        torch.save(network, path)
    elif content == "code":
        torch.save({"state_dict": Dangerous()}, path)
    elif content == "truncated":
        whole = published("medicalnet10", network, tmp_path).read_bytes()
        path.write_bytes(whole[: len(whole) // 2])
    elif content == "list":
        torch.save([1, 2], path)
    elif content != "absent":
        path.write_bytes(b"no weights" if content == "text" else b"")
    with pytest.raises(ModelError) as caught:
        load_weights(network, ENCODERS["medicalnet10"], path)
    assert str(path) in str(caught.value)
    assert caught.value.remedy
    assert not (tmp_path / "harmed").exists()


def test_a_truncated_safetensors_file_is_refused(tmp_path):
    path = published("ctfm", built("ctfm"), tmp_path)
    path.write_bytes(path.read_bytes()[:-1000])
    with pytest.raises(ModelError, match="cannot be read as weights"):
        load_weights(built("ctfm"), ENCODERS["ctfm"], path)


def test_the_same_patch_gives_the_same_embedding_twice():
    network = built("medicalnet10")
    with torch.no_grad():
        first, again = network(patches()).numpy(), network(patches()).numpy()
    assert np.array_equal(first, again)
