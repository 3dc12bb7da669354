import hashlib
import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="needs torch: pip install 'radpipe[cnn]'")
pytest.importorskip("monai", reason="needs MONAI: pip install 'radpipe[cnn]'")

from ruamel.yaml import YAML  # noqa: E402
from safetensors.numpy import load_file, save_file  # noqa: E402
from torch import nn  # noqa: E402

from radpipe.errors import ModelError  # noqa: E402
from radpipe.networks import saved  # noqa: E402
from radpipe.networks.architectures import ARCHITECTURES  # noqa: E402
from radpipe.networks.embedding import embed  # noqa: E402
from radpipe.networks.encoders import ENCODERS  # noqa: E402
from radpipe.networks.saved import (  # noqa: E402
    load_encoder,
    save_encoder,
    spec_from_dict,
    spec_to_dict,
)
from radpipe.networks.spec import Standardised, Window  # noqa: E402
from radpipe.networks.weights import build, keys_hash  # noqa: E402

FILES = {"config.json", "model.safetensors", "README.md"}
TRAINING = {"method": "vicreg", "epochs": 30}
FACTS = {"patients": 24, "epoch": 17, "fitted_on": ["Jane Doe", "John Roe"], "site": "Springfield"}


class Tiny(nn.Module):
    """A network with statistics of batches, and a counter of int64."""

    def __init__(self, widths=(4, 3)):
        super().__init__()
        first, second = widths
        self.conv1 = nn.Conv3d(2, first, 3, padding=1)
        self.norm = nn.BatchNorm3d(first)
        self.conv2 = nn.Conv3d(first, second, 3)

    def forward(self, x):
        return self.conv2(self.norm(self.conv1(x)).relu()).mean(dim=(2, 3, 4))


@pytest.fixture
def tiny(monkeypatch):
    """An encoder that was trained for a step, so that no number is one of a new network."""
    monkeypatch.setitem(ARCHITECTURES, "tiny", Tiny)
    torch.manual_seed(0)
    network = Tiny((5, 3)).train()
    network(torch.randn(4, 2, 6, 6, 6)).sum().backward()
    spec = replace(
        ENCODERS["medicalnet10"],
        name="tiny",
        architecture="tiny",
        arguments={"widths": (5, 3)},
        dimension=3,
        keys=keys_hash(network),
        channels=("image", "mask"),
        licence="that of the hospital: ask | first",
    )
    return spec, network.eval()


def inputs(count=3):
    random = np.random.default_rng(5)
    return [random.normal(size=(2, 6, 6, 6)).astype(np.float32) for _ in range(count)]


def bytes_of(network):
    return [each.tobytes() for each in embed(network, inputs())]


def test_an_encoder_comes_back_with_the_same_embeddings(tiny, tmp_path):
    spec, network = tiny
    save_encoder(tmp_path / "made" / "tiny", spec, network, training=TRAINING, facts=FACTS)
    assert {path.name for path in (tmp_path / "made" / "tiny").iterdir()} == FILES
    assert [path.name for path in (tmp_path / "made").iterdir()] == ["tiny"]
    found, again, facts = load_encoder(tmp_path / "made" / "tiny")
    assert found == spec
    assert bytes_of(again) == bytes_of(network)
    assert not again.training and not any(each.requires_grad for each in again.parameters())
    assert facts["training"] == TRAINING and facts["facts"] == FACTS
    assert facts["versions"]["torch"] == torch.__version__


def test_a_published_encoder_comes_back(tmp_path):
    spec = ENCODERS["medicalnet10"]
    torch.manual_seed(0)
    network = build(spec)
    save_encoder(tmp_path / "saved", spec, network)
    found, again, _ = load_encoder(tmp_path / "saved")
    patch = torch.randn(1, 1, 16, 16, 16)
    with torch.no_grad():
        assert torch.equal(again(patch), network(patch))
    assert found == spec


def test_the_files_are_what_others_read(tiny, tmp_path):
    spec, network = tiny
    save_encoder(tmp_path / "tiny", spec, network)
    weights = load_file(tmp_path / "tiny" / "model.safetensors")
    assert {name: each.shape for name, each in weights.items()} == {
        name: tuple(each.shape) for name, each in network.state_dict().items()
    }
    config = json.loads((tmp_path / "tiny" / "config.json").read_text())
    told = config["encoder"]
    assert (told["architecture"], told["arguments"]) == ("tiny", {"widths": [5, 3]})
    assert (told["dimension"], told["channels"]) == (3, ["image", "mask"])
    assert told["patch"] == {
        "size": [64, 64, 64],
        "spacing_mm": [1.0, 1.0, 1.0],
        "axes": "SPL",
        "intensity": {"kind": "standardised", "above": 0.0},
        "pad": 0.0,
    }
    content = (tmp_path / "tiny" / "model.safetensors").read_bytes()
    assert config["sha256"]["model.safetensors"] == hashlib.sha256(content).hexdigest()


def test_the_same_encoder_gives_the_same_bytes(tiny, tmp_path):
    for name in "ab":
        save_encoder(tmp_path / name, *tiny, training=TRAINING, facts=FACTS)
    for file in FILES:
        assert (tmp_path / "a" / file).read_bytes() == (tmp_path / "b" / file).read_bytes()


def test_the_card_tells_numbers_and_no_names(tiny, tmp_path):
    save_encoder(tmp_path / "tiny", *tiny, training=TRAINING, facts=FACTS)
    card = (tmp_path / "tiny" / "README.md").read_text(encoding="utf-8")
    _, front, text = card.split("---\n", 2)
    told = YAML(typ="safe").load(front)
    assert told["library_name"] == "radpipe" and "medical-imaging" in told["tags"]
    assert (told["license"], told["license_name"]) == ("other", tiny[0].licence)
    told = "| patients | 24 |", "| the epoch whose weights these are | 17 |", "| fitted on | 2 |"
    for line in told:
        assert line in text
    for line in ("| method | vicreg |", "64 × 64 × 64", "image, mask", "Research use only"):
        assert line in text
    assert not any(name in card for name in ("Doe", "Roe", "Springfield"))


def test_the_card_is_in_plain_words(tiny, tmp_path):
    training = {"method": "vicreg", "epochs": 30, "augmentations": ("flip", "noise"), "others": []}
    facts = {"rows": ["a", "b"], "images": ["c"], "history": [{}, {}, {}], "epoch": 2}
    save_encoder(tmp_path / "tiny", *tiny, training=training, facts=facts)
    lines = (tmp_path / "tiny" / "README.md").read_text(encoding="utf-8").splitlines()
    begin = lines.index("| method | vicreg |")
    assert lines[begin : begin + 8] == [
        "| method | vicreg |",
        "| epochs, at most | 30 |",
        "| augmentations | flip, noise |",
        "| others | none |",
        "| patches it was trained on | 2 |",
        "| images that they were cut from | 1 |",
        "| epochs carried out | 3 |",
        "| the epoch whose weights these are | 2 |",
    ]


def test_who_may_read_the_folder_may_read_all_of_it(tiny, tmp_path):
    save_encoder(tmp_path / "tiny", *tiny)
    (tmp_path / "plain").write_text("")
    modes = {path.stat().st_mode for path in (tmp_path / "tiny").iterdir()}
    assert modes == {(tmp_path / "plain").stat().st_mode}


@pytest.mark.parametrize(("licence", "told"), [("MIT", "mit"), ("Apache-2.0", "apache-2.0")])
def test_a_known_licence_is_called_as_the_hub_calls_it(licence, told, tiny, tmp_path):
    spec, network = tiny
    save_encoder(tmp_path / "tiny", replace(spec, licence=licence), network)
    card = (tmp_path / "tiny" / "README.md").read_text(encoding="utf-8")
    assert YAML(typ="safe").load(card.split("---\n")[1])["license"] == told


@pytest.mark.parametrize("name", ENCODERS)
def test_every_spec_survives_json(name):
    spec = ENCODERS[name]
    found = spec_from_dict(json.loads(json.dumps(spec_to_dict(spec))))
    assert found == spec
    assert type(found.patch.size) is tuple and type(found.layouts) is tuple


@pytest.mark.parametrize(
    "intensity",
    [Window(-5.0, 1 / 3), Window(0.0, 1.0, clip=False), Standardised(0.1), Standardised(None)],
)
def test_every_kind_of_intensities_survives_json(intensity):
    old = ENCODERS["ctfm"]
    spec = replace(
        old, patch=replace(old.patch, intensity=intensity), source=None, arguments={"a": (1, (2,))}
    )
    found = spec_from_dict(json.loads(json.dumps(spec_to_dict(spec))))
    assert found == spec and type(found.patch.intensity) is type(intensity)


@pytest.mark.parametrize("how", ["missing", "extra", "kind", "part"])
def test_what_describes_no_encoder_is_refused(how):
    content = spec_to_dict(ENCODERS["ctfm"])
    if how == "missing":
        del content["keys"]
    elif how == "extra":
        content["patch"]["sise"] = 3
    elif how == "kind":
        content["patch"]["intensity"]["kind"] = "ranked"
    else:
        content["patch"] = None
    with pytest.raises(ModelError, match="describes no encoder"):
        spec_from_dict(content)


def test_an_earlier_encoder_is_replaced(tiny, tmp_path):
    spec, network = tiny
    save_encoder(tmp_path / "tiny", spec, network)
    with torch.no_grad():
        network.conv1.weight.add_(1)
    save_encoder(tmp_path / "tiny", spec, network)
    assert bytes_of(load_encoder(tmp_path / "tiny")[1]) == bytes_of(network)
    assert [path.name for path in tmp_path.iterdir()] == ["tiny"]


def test_a_failure_leaves_the_earlier_encoder(tiny, tmp_path):
    spec, network = tiny
    save_encoder(tmp_path / "tiny", spec, network)
    expected = bytes_of(network)
    with torch.no_grad():
        network.conv1.weight.add_(1)
    with pytest.raises(TypeError):
        save_encoder(tmp_path / "tiny", spec, network, facts={"json": object()})
    assert bytes_of(load_encoder(tmp_path / "tiny")[1]) == expected
    assert [path.name for path in tmp_path.iterdir()] == ["tiny"]


def test_a_crash_at_the_last_moment_leaves_the_earlier_encoder_beside(tiny, tmp_path, monkeypatch):
    spec, network = tiny
    save_encoder(tmp_path / "tiny", spec, network)
    expected, rename = bytes_of(network), Path.rename

    def crash(path, target):
        if ".part-" in path.name:
            raise OSError("no power")
        return rename(path, target)

    monkeypatch.setattr(Path, "rename", crash)
    with pytest.raises(OSError, match="no power"):
        save_encoder(tmp_path / "tiny", spec, network)
    monkeypatch.undo()
    monkeypatch.setitem(ARCHITECTURES, "tiny", Tiny)
    assert bytes_of(load_encoder(tmp_path / "tiny.earlier")[1]) == expected
    save_encoder(tmp_path / "tiny", spec, network)
    assert [path.name for path in tmp_path.iterdir()] == ["tiny"]


@pytest.mark.parametrize("content", ["thesis.docx", "README.md"])
def test_nothing_else_is_replaced(content, tiny, tmp_path):
    (tmp_path / content).write_text("mine")
    with pytest.raises(ModelError, match="replace something else"):
        save_encoder(tmp_path, *tiny)
    assert (tmp_path / content).read_text() == "mine"
    with pytest.raises(ModelError, match="replace something else"):
        save_encoder(tmp_path / content, *tiny)


def test_a_network_of_another_spec_is_not_saved(tiny, tmp_path):
    spec, _ = tiny
    with pytest.raises(ModelError, match="not the one that the specification tells"):
        save_encoder(tmp_path / "tiny", spec, Tiny((4, 3)))
    assert not (tmp_path / "tiny").exists()


def flipped(path: Path) -> None:
    content = bytearray(path.read_bytes())
    content[-1] ^= 1
    path.write_bytes(content)


def truncated(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:-10])


def changed_number(path: Path) -> None:
    weights = {name: each.copy() for name, each in load_file(path).items()}
    weights["conv1.bias"][0] += 1
    save_file(weights, path)


@pytest.mark.parametrize(
    ("harm", "file"),
    [
        *((harm, "model.safetensors") for harm in (Path.unlink, flipped, truncated)),
        (changed_number, "model.safetensors"),
        *((harm, "README.md") for harm in (Path.unlink, flipped)),
    ],
)
def test_a_file_that_is_not_the_saved_one_is_refused(harm, file, tiny, tmp_path):
    save_encoder(tmp_path / "tiny", *tiny)
    harm(tmp_path / "tiny" / file)
    with pytest.raises(ModelError, match="missing or was changed") as caught:
        load_encoder(tmp_path / "tiny")
    assert caught.value.where == str(tmp_path / "tiny" / file)
    assert caught.value.found and caught.value.expected and caught.value.remedy


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"schema": saved.SCHEMA_VERSION + 1}, "a newer radpipe.*update radpipe"),
        ({"schema": saved.SCHEMA_VERSION - 1}, "an older radpipe.*train it again"),
        ({"schema": "first"}, "not the encoder's description"),
        ({"facts": {"patients": 500}}, "description was changed"),
        ({"seal": None}, "description was changed"),
        (None, "not the encoder's description"),
        ("[]", "not the encoder's description"),
        ("{", "not the encoder's description"),
    ],
)
def test_a_description_that_is_not_the_saved_one_is_refused(change, told, tiny, tmp_path):
    save_encoder(tmp_path / "tiny", *tiny)
    path = tmp_path / "tiny" / "config.json"
    if isinstance(change, dict):
        path.write_text(json.dumps(json.loads(path.read_text()) | change))
    else:
        path.write_text(change or "")
    with pytest.raises(ModelError, match=told) as caught:
        load_encoder(tmp_path / "tiny")
    assert caught.value.where and caught.value.remedy


@pytest.mark.parametrize("there", ["nothing", "folder", "file"])
def test_no_encoder_is_told_as_such(there, tmp_path):
    folder = tmp_path / "tiny"
    if there == "folder":
        folder.mkdir()
    elif there == "file":
        folder.write_text("")
    with pytest.raises(ModelError, match="no encoder in this directory"):
        load_encoder(folder)


def test_a_folder_that_keeps_its_encoder_deeper_says_where(tiny, tmp_path):
    save_encoder(tmp_path / "encoder", *tiny)
    with pytest.raises(ModelError) as caught:
        load_encoder(tmp_path)
    assert caught.value.remedy == f"name {tmp_path / 'encoder'}"


def test_an_architecture_that_is_not_known_is_refused(tiny, tmp_path, monkeypatch):
    save_encoder(tmp_path / "tiny", *tiny)
    monkeypatch.delitem(ARCHITECTURES, "tiny")
    with pytest.raises(ModelError, match=r"cannot build.*found: tiny.*one of .*medicalnet"):
        load_encoder(tmp_path / "tiny")
    monkeypatch.setitem(ARCHITECTURES, "tiny", lambda depth: Tiny())
    with pytest.raises(ModelError, match="cannot build"):
        load_encoder(tmp_path / "tiny")


@pytest.mark.parametrize(
    ("other", "told"),
    [
        (lambda widths: Tiny((4, 3)), r"conv1.weight is \(5, 2, 3, 3, 3\), not \(4, 2, 3, 3, 3\)"),
        (lambda widths: nn.Sequential(Tiny(widths)), "0.conv1.weight is missing"),
        (lambda widths: Tiny(widths).conv1, "conv2.bias is not of this encoder|and .* more"),
    ],
)
def test_a_network_that_became_another_is_refused(other, told, tiny, tmp_path, monkeypatch):
    save_encoder(tmp_path / "tiny", *tiny)
    monkeypatch.setitem(ARCHITECTURES, "tiny", other)
    with pytest.raises(ModelError, match=told):
        load_encoder(tmp_path / "tiny")
