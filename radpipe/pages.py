"""HTML pages from templates: nothing is fetched, and no script runs in them but their own."""

from __future__ import annotations

import base64
import hashlib
from importlib.resources import files
from pathlib import Path
from typing import Any

from radpipe.errors import RunError
from radpipe.store.files import whole_file


def filled(package: str, name: str, content: dict[str, Any], *, scripted: bool = True) -> str:
    """Fill a template.

    Parameters
    ----------
    package : str
        Where ``NAME.html.j2``, ``NAME.css`` and ``NAME.js`` lie.
    name : str
        Of the template.
    content : dict
        Its variables; text in it is not yet escaped.
    scripted : bool
        Whether there is a script.

    Returns
    -------
    str
        The page.
    """
    from jinja2 import Environment, PackageLoader, StrictUndefined

    # The file ends in .j2, which autoescape by suffix would take for plain text.
    environment = Environment(
        loader=PackageLoader(package, "."),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    # A NaN would be no JSON, and leave the browser with an empty page.
    environment.policies["json.dumps_kwargs"] = {"allow_nan": False, "separators": (",", ":")}
    style = _text(package, f"{name}.css")
    script = _text(package, f"{name}.js") if scripted else ""
    # The page's policy lets this very script run, and no other.
    digest = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
    beside = {"style": style, "script": script, "script_hash": digest}
    return environment.get_template(f"{name}.html.j2").render({**content, **beside})


def write_page(html: str, out: Path, what: str) -> Path:
    """Write a page, whole or not at all.

    Parameters
    ----------
    html : str
        The page.
    out : Path
        The file to make or replace.
    what : str
        What an error calls it.

    Returns
    -------
    Path
        ``out``.

    Raises
    ------
    RunError
        It cannot be written.
    """
    try:
        with whole_file(out) as part:
            part.write_text(html, encoding="utf-8")
    except OSError as error:
        raise RunError(
            f"cannot write the {what}",
            where=str(out),
            found=error.strerror,
            expected="a file name in a folder that exists and may be written to",
            remedy="make the folder, or name another file with --out",
        ) from error
    return out


def _text(package: str, name: str) -> str:
    return files(package).joinpath(name).read_text(encoding="utf-8")
