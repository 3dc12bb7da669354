"""An encoder's card: what a person must know before using it."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any

from radpipe.networks.spec import EncoderSpec, Window

_TEMPLATE = """---
{licence}
library_name: radpipe
tags:
- medical-imaging
- radiomics
- feature-extraction
- 3d
---

# {name}

A 3D image around a tumour becomes {dimension} numbers. Research use only: no medical device.

## Intended use

Columns of a prognosis model, for patients imaged and segmented like those it was trained on:

```python
from radpipe.networks.saved import load_encoder

spec, network, facts = load_encoder("this folder")
```

## What it was trained on

| | |
|---|---|
{training}

## Preprocessing

`radpipe` does all of this; `config.json` holds it for other programs.

| | |
|---|---|
{preprocessing}

## Limitations

- It says nothing about itself: only `radpipe evaluate` tells whether its embeddings predict.
- Another scanner, protocol, organ or way to segment may give embeddings of no meaning.
- Embeddings of patients whom it was trained on flatter every model made of them, unless it is
  trained again in each fold.
- Weights can reveal something of the images they were trained on: ask before sharing them.

`config.json` holds this card's hash, and radpipe refuses the encoder where the card was changed.
Notes of your own belong in another file.
"""
_LICENCES = {"mit", "apache-2.0"}
# What settings and facts are called where people read them.
_WORDS = {
    "epochs": "epochs, at most",
    "held_out": "share of patients held out, where patience is above 0",
    "patience": "epochs without a gain after which it stops, 0 for never",
    "epoch": "the epoch whose weights these are",
    "history": "epochs carried out",
    "rows": "patches it was trained on",
    "images": "images that they were cut from",
    "patches": "patches, by what they show",
}


def encoder_card(
    spec: EncoderSpec, training: Mapping[str, Any] | None, facts: Mapping[str, Any] | None
) -> str:
    """Write the card of one encoder.

    Parameters
    ----------
    spec : EncoderSpec
        What it is.
    training : mapping or None
        Settings of its training; None where its publisher trained it.
    facts : mapping or None
        What is known of its training: numbers are told, of lists and mappings their length, and
        of names nothing.

    Returns
    -------
    str
        Markdown that begins with the YAML which the hub reads.
    """
    return _TEMPLATE.format(
        licence=_licence(spec.licence),
        name=spec.name,
        dimension=spec.dimension,
        training=_rows(_trained(spec, training or {}, facts or {})),
        preprocessing=_rows(_shown(spec)),
    )


def _licence(name: str) -> str:
    if name.lower() in _LICENCES:
        return f"license: {name.lower()}"
    # Text in JSON is text in YAML, whatever it holds.
    return f"license: other\nlicense_name: {json.dumps(name, ensure_ascii=False)}"


def _rows(told: Iterator[tuple[str, object]]) -> str:
    return "\n".join(f"| {name} | {str(value).replace('|', '/')} |" for name, value in told)


def _trained(
    spec: EncoderSpec, training: Mapping[str, Any], facts: Mapping[str, Any]
) -> Iterator[tuple[str, object]]:
    yield "Reference", spec.reference
    yield "Images", ", ".join(spec.modality) or "any modality"
    for name, value in training.items():
        several = isinstance(value, list | tuple)
        yield _worded(name), (", ".join(map(str, value)) or "none") if several else value
    for name, value in facts.items():
        if isinstance(value, int | float):
            yield _worded(name), value
        elif isinstance(value, list | tuple | dict):
            yield _worded(name), len(value)


def _worded(name: str) -> str:
    return _WORDS.get(name, name.replace("_", " "))


def _shown(spec: EncoderSpec) -> Iterator[tuple[str, object]]:
    patch = spec.patch
    yield "Channels", ", ".join(spec.channels)
    yield "Voxels along z, y, x", " × ".join(map(str, patch.size))
    yield "Spacing in mm along z, y, x", " × ".join(map(str, patch.spacing_mm))
    yield "Axes of the array point to", patch.axes
    yield "Centre", "the ROI's centroid"
    yield "Interpolation", "linear; the mask is cut at one half"
    yield "Intensity outside the image", patch.pad
    yield "Intensities, after that", _intensities(spec)


def _intensities(spec: EncoderSpec) -> str:
    how = spec.patch.intensity
    if isinstance(how, Window):
        beyond = "cut off" if how.clip else "kept"
        return f"{how.low} and {how.high} become 0 and 1, what lies beyond is {beyond}"
    counted = "voxels of the image" if how.above is None else f"voxels above {how.above}"
    return f"mean 0, standard deviation 1 over {counted}; the others become 0"
