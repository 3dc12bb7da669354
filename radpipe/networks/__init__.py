"""Encoders: what is known of them, their weights, and how they are trained."""

from __future__ import annotations

from importlib.util import find_spec

from radpipe.errors import SettingsError


def require_torch() -> None:
    """Refuse to go on without what networks are made of.

    Raises
    ------
    SettingsError
        torch, MONAI or safetensors is not installed.
    """
    missing = [name for name in ("torch", "monai", "safetensors") if find_spec(name) is None]
    if missing:
        raise SettingsError(
            "networks need packages that are not installed",
            where="Python's packages",
            found=f"no {', '.join(missing)}",
            expected="the extra cnn",
            remedy="pip install 'radpipe[cnn]'",
        )
