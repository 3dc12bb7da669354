"""The template of all pages, and what it needs."""

from __future__ import annotations

import base64
import hashlib
from importlib.resources import files
from pathlib import Path
from typing import Any

from radpipe.errors import RunError
from radpipe.store.files import whole_file


def write_page(content: dict[str, Any], out: Path) -> Path:
    """Fill the template.

    Parameters
    ----------
    content : dict
        The template's variables; text in it is not yet escaped.
    out : Path
        The HTML file to make or replace.

    Returns
    -------
    Path
        ``out``.

    Raises
    ------
    RunError
        It cannot be written.
    """
    html = _template().render({**content, **_style_and_script()})
    try:
        with whole_file(out) as part:
            part.write_text(html, encoding="utf-8")
    except OSError as error:
        raise RunError(
            "cannot write the report",
            where=str(out),
            found=error.strerror,
            expected="a file name in a folder that exists",
            remedy="make the folder, or name another file with --out",
        ) from error
    return out


def _style_and_script() -> dict[str, str]:
    style, script = (
        files(__package__).joinpath(name).read_text(encoding="utf-8")
        for name in ("report.css", "report.js")
    )
    # The page's policy lets this very script run, and no other.
    digest = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
    return {"style": style, "script": script, "script_hash": digest}


def _template() -> Any:
    from jinja2 import Environment, PackageLoader, StrictUndefined

    # The file ends in .j2, which autoescape by suffix would take for plain text.
    environment = Environment(
        loader=PackageLoader("radpipe.prognosis.report", "."),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    return environment.get_template("report.html.j2")
