"""Weights from files: what is wrong with a file, in words that help."""

from __future__ import annotations

import zipfile
from pathlib import Path
from typing import Any

import pytest

torch = pytest.importorskip("torch", reason="needs torch: pip install 'radpipe[cnn]'")
pytest.importorskip("monai", reason="needs MONAI: pip install 'radpipe[cnn]'")

from safetensors.torch import save_file  # noqa: E402

from radpipe.errors import ModelError  # noqa: E402
from radpipe.networks.encoders import ENCODERS  # noqa: E402
from radpipe.networks.weights import build, load_weights  # noqa: E402
from tests.unit.extraction.embedding.tiny import Means, register  # noqa: E402

PLAIN = {"conv.weight": torch.full((3, 1, 1, 1, 1), 2.0), "conv.bias": torch.ones(3)}
NAMED = {f"module.{name}": value for name, value in PLAIN.items()}
EXPECTED = "2 weights in the container `state_dict`, with the prefix `module.`, and no others"


@pytest.fixture(autouse=True)
def tiny(monkeypatch: pytest.MonkeyPatch) -> None:
    register(monkeypatch)


def load(path: Path) -> Any:
    return load_weights(Means(), ENCODERS["tiny"], path)


def refused(path: Path, what: str) -> ModelError:
    with pytest.raises(ModelError, match=what) as caught:
        load(path)
    assert caught.value.where == str(path)
    assert caught.value.remedy
    # Neither torch's advice nor its codes for terminals.
    assert "\x1b" not in str(caught.value)
    assert "weights_only" not in str(caught.value)
    return caught.value


@pytest.mark.parametrize("zipped", [True, False])
def test_what_is_as_expected_loads(zipped: bool, tmp_path: Path) -> None:
    path = tmp_path / "weights.pth"
    torch.save({"state_dict": NAMED}, path, _use_new_zipfile_serialization=zipped)
    assert torch.equal(load(path).conv.weight, PLAIN["conv.weight"])


@pytest.mark.parametrize(
    "content",
    [
        b"\x80\x02h\x01.",  # takes what was never kept: KeyError
        b"\x80\x02.",  # takes from nothing: IndexError
        b"\x80\x02G\x00",  # half a number: struct.error
        b"\x80\x04garbage",
        b"PK\x03\x04garbage",
    ],
)
def test_damaged_bytes_are_an_error_of_the_house(content: bytes, tmp_path: Path) -> None:
    path = tmp_path / "weights.pth"
    path.write_bytes(content)
    error = refused(path, "cannot be read as weights")
    assert "begins as one of torch and is cut off or damaged" in (error.found or "")


@pytest.mark.parametrize("zipped", [True, False])
def test_of_a_pickled_module_its_class_is_named(zipped: bool, tmp_path: Path) -> None:
    path = tmp_path / "module.pth"
    torch.save(Means(), path, _use_new_zipfile_serialization=zipped)
    error = refused(path, "holds more than weights")
    assert error.found == f"{Means.__module__}.Means"


def test_a_program_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "program.pt"
    with zipfile.ZipFile(path, "w") as file:
        for name in ("constants.pkl", "data.pkl", "version"):
            file.writestr(f"program/{name}", "3\n")
    assert refused(path, "holds more than weights").found == "a TorchScript program"


@pytest.mark.parametrize(
    ("content", "found"),
    [
        ({"state_dict": PLAIN}, "all 2 lie in the container `state_dict`, without prefix; "
         "top-level keys state_dict"),
        (NAMED, "all 2 lie at the top, with the prefix `module.`; "
         "top-level keys module.conv.weight; module.conv.bias"),
        (PLAIN, "all 2 lie at the top, without prefix; top-level keys conv.weight; conv.bias"),
        ({"model": NAMED, "epoch": 3}, "all 2 lie in the container `model`, with the prefix "
         "`module.`; top-level keys model; epoch"),
        ({"epoch": 3}, "top-level keys epoch"),
        ({3: torch.zeros(1)}, "top-level keys 3"),
        ({"state_dict": torch.zeros(1)}, "top-level keys state_dict"),
    ],
)  # fmt: skip
def test_weights_in_another_place_are_found_and_refused(
    content: dict[Any, Any], found: str, tmp_path: Path
) -> None:
    path = tmp_path / "weights.pth"
    torch.save(content, path)
    error = refused(path, "not the weights of tiny")
    assert (error.found, error.expected) == (found, EXPECTED)


def test_one_missing_is_not_said_to_fit(tmp_path: Path) -> None:
    path = tmp_path / "weights.pth"
    torch.save({"conv.weight": PLAIN["conv.weight"]}, path)
    assert refused(path, "not the weights").found == "top-level keys conv.weight"


def test_a_file_of_another_encoder_is_called_by_its_name(tmp_path: Path) -> None:
    path = tmp_path / "weights.safetensors"
    save_file(build(ENCODERS["radpipe-small"]).state_dict(), path)
    assert refused(path, "not the weights of tiny").found == "the file fits radpipe-small"


@pytest.mark.parametrize(
    ("name", "value", "told"),
    [
        ("conv.weight", float("nan"), "conv.weight holds NaN"),
        ("conv.bias", float("-inf"), "conv.bias holds infinity"),
    ],
)
def test_numbers_that_are_none_are_told(name: str, value: float, told: str, tmp_path: Path) -> None:
    path = tmp_path / "weights.pth"
    weights = {key: each.clone() for key, each in NAMED.items()}
    weights[f"module.{name}"][1] = value
    torch.save({"state_dict": weights}, path)
    assert refused(path, "the weights are damaged").found == told


def test_safetensors_are_read_under_any_name(tmp_path: Path) -> None:
    path = tmp_path / "weights.pth"
    save_file(PLAIN, path)
    assert "all 2 lie at the top" in (refused(path, "not the weights").found or "")
