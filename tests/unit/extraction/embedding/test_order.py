"""What is asked of an encoder: refused where it has no meaning, before torch is imported."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from radpipe.errors import ModelError, SettingsError
from radpipe.extraction.embedding import Order

WITHOUT_TORCH = """
import sys
from radpipe.errors import RadpipeError
from radpipe.extraction.embedding import Order, embed_run
try:
    embed_run("none.csv", Order(*{order!r}), "RUN")
except RadpipeError as error:
    print(error.what)
print([name for name in ("torch", "monai") if name in sys.modules])
"""


@pytest.mark.parametrize(
    ("order", "what"),
    [
        (("medicalnet10", "none.pth"), "no such file"),
        (("medicalnet10", "text.pth"), "the file cannot be read as weights"),
    ],
)
def test_a_wrong_file_is_told_before_torch_is_imported(
    order: tuple[str, str], what: str, tmp_path: Path
) -> None:
    (tmp_path / "text.pth").write_text("Not Found")
    command = [sys.executable, "-c", WITHOUT_TORCH.format(order=order)]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=True)
    assert done.stdout.splitlines() == [what, "[]"]


def test_a_path_that_leads_nowhere_is_followed_as_far_as_it_goes(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match="no such file") as caught:
        Order("radpipe-small", tmp_path / "MODEL" / "encoder").check()
    assert caught.value.found == f"the nearest folder that exists is {tmp_path}"


@pytest.mark.parametrize("name", ["encodeur", "quite another"])
def test_an_unknown_encoder_has_a_remedy(name: str) -> None:
    with pytest.raises(SettingsError, match="no such encoder") as caught:
        Order(name).check()
    assert caught.value.remedy == "name one of these"


@pytest.mark.parametrize(
    ("method", "remedy"), [("vicregg", "did you mean 'vicreg'?"), ("coxx", "name one of these")]
)
def test_a_method_that_needs_outcomes_is_not_offered(method: str, remedy: str) -> None:
    with pytest.raises(SettingsError, match="no such method") as caught:
        Order("radpipe-small", method=method).check()
    assert caught.value.expected == "one of autoencoder, vicreg"
    assert caught.value.remedy == remedy


@pytest.mark.parametrize("digits", ["abc", "0" * 63, "0" * 65, "g" * 64])
def test_what_is_no_hash_is_not_said_to_differ(digits: str, tmp_path: Path) -> None:
    path = tmp_path / "weights.pth"
    path.write_bytes(b"PK\x03\x04")
    with pytest.raises(SettingsError, match="no SHA-256") as caught:
        Order("medicalnet10", path, sha256=digits).check()
    assert caught.value.expected == "64 hexadecimal digits"
    assert Order("medicalnet10", path, sha256="A" * 64).check().name == "medicalnet10"
