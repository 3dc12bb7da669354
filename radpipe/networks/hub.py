"""Published weights from the hub: only when asked, one exact version, checked."""

from __future__ import annotations

import re
from pathlib import Path

from radpipe.errors import ModelError, SettingsError
from radpipe.networks.spec import EncoderSpec, Source
from radpipe.store.sealed import require_sha256

_REPOSITORY = re.compile(r"[\w.-]+/[\w.-]+")
_BY_HAND = "fetch the file by hand and name it with --weights FILE"


def fetch(spec: EncoderSpec, revision: str | None = None, sha256: str | None = None) -> Path:
    """Fetch an encoder's published weights, or take them from the hub's cache.

    Parameters
    ----------
    spec : EncoderSpec
        Its source names repository and file.
    revision : str, optional
        Commit of the repository, 40 hexadecimal digits; without it, the source's.
    sha256 : str, optional
        Of the file, 64 hexadecimal digits; without it, the source's.

    Returns
    -------
    Path
        The file, in the cache of huggingface_hub.

    Raises
    ------
    SettingsError
        The hub does not have it, huggingface_hub is not installed, or revision or hash is missing.
    ModelError
        It cannot be fetched, or is another file.
    """
    source = _on_the_hub(spec)
    page = f"{source.file} in {source.repository} on huggingface.co"
    commit = _digits(revision or source.revision, 40, "a revision", "a branch can change", page)
    wanted = _digits(sha256 or source.sha256, 64, "a SHA-256", "nothing could be checked", page)
    path = _downloaded(source, commit)
    problem = "the file is not the one that was asked for"
    remedy = f"compare with {page}; if that is right, remove this file and fetch it again"
    require_sha256(path, wanted, problem, remedy)
    return path


def _on_the_hub(spec: EncoderSpec) -> Source:
    source = spec.source
    if source is None or not _REPOSITORY.fullmatch(source.repository):
        raise SettingsError(
            "the hub does not have these weights",
            where=spec.name,
            found="none are published"
            if source is None
            else f"{source.file} at {source.repository}",
            expected="a repository of the hub, owner/name",
            remedy="leave --weights out: it is trained on a cohort" if source is None else _BY_HAND,
        )
    return source


def _digits(value: str | None, count: int, what: str, why: str, page: str) -> str:
    text = (value or "").lower()
    if not re.fullmatch(rf"[0-9a-f]{{{count}}}", text):
        raise SettingsError(
            f"weights of the hub need {what}: without it {why}",
            where="--weights hub",
            found=value or "none",
            expected=f"{count} hexadecimal digits",
            remedy=f"take it from the page of {page}, or {_BY_HAND}",
        )
    return text


def _downloaded(source: Source, commit: str) -> Path:
    try:
        from huggingface_hub import hf_hub_download
    except ImportError as error:
        raise SettingsError(
            "the hub needs huggingface_hub, which is not installed",
            where="--weights hub",
            remedy=f"pip install 'radpipe[hub]', or {_BY_HAND}",
        ) from error
    try:
        return Path(hf_hub_download(source.repository, source.file, revision=commit))
    # Its releases raise errors of three other libraries, which share no class.
    except Exception as error:
        raise ModelError(
            "the weights cannot be fetched",
            where=f"{source.repository}, {source.file}, revision {commit}",
            found=f"{type(error).__name__}: {(str(error).strip() or '-').splitlines()[0]}",
            expected="an answer of the hub",
            remedy=f"look at the revision and the network, or {_BY_HAND}",
        ) from error
