"""An encoder whose embeddings can be told in closed form."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import nn

from radpipe.networks.architectures import ARCHITECTURES
from radpipe.networks.encoders import ENCODERS
from radpipe.networks.spec import EncoderSpec, Layout, PatchSpec, Source, Window
from radpipe.networks.weights import keys_hash

SLOPES, OFFSETS = (1.0, -2.0, 0.5), (0.0, 3.0, 1.0)
SPEC = PatchSpec((8, 8, 8), (1.5, 1.5, 1.5), "SPL", Window(0.0, 200.0), pad=0.0)


class Means(nn.Module):
    """The patch's mean, times a slope, plus an offset: three of them."""

    calls = 0
    stops_at = 10**9

    def __init__(self) -> None:
        super().__init__()
        self.conv = nn.Conv3d(1, 3, 1)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        Means.calls += 1
        if Means.calls > Means.stops_at:
            raise KeyboardInterrupt
        found: torch.Tensor = self.conv(x).mean(dim=(2, 3, 4))
        return found


def register(monkeypatch: pytest.MonkeyPatch, **changes: Any) -> EncoderSpec:
    """Let radpipe know the encoder ``tiny``, of CT, for one test."""
    spec = EncoderSpec(
        name="tiny",
        architecture="means",
        arguments={},
        dimension=3,
        keys=keys_hash(Means()),
        layouts=(Layout("state_dict", "module."),),
        patch=SPEC,
        modality=("CT",),
        licence="MIT",
        source=Source("someone/tiny", "tiny.pth"),
        reference="none",
    )
    spec = replace(spec, **changes)
    monkeypatch.setitem(ARCHITECTURES, "means", Means)
    monkeypatch.setitem(ENCODERS, "tiny", spec)
    monkeypatch.setattr(Means, "calls", 0)
    monkeypatch.setattr(Means, "stops_at", 10**9)
    return spec


def write_weights(path: Path, slopes: tuple[float, ...] = SLOPES) -> Path:
    weights = {
        "module.conv.weight": torch.tensor(slopes).reshape(3, 1, 1, 1, 1),
        "module.conv.bias": torch.tensor(OFFSETS),
    }
    torch.save({"state_dict": weights}, path)
    return path
