"""What the documentation tells people to type, to be tried as it stands there."""

import re
from pathlib import Path

DOCS = Path(__file__).resolve().parents[2] / "docs"


def block(page: str, name: str) -> str:
    """Return the code below ``<!-- block: name -->``."""
    text = (DOCS / page).read_text(encoding="utf-8")
    found = re.search(rf"<!-- block: {re.escape(name)} -->\n```\w+\n(.*?)```", text, re.DOTALL)
    assert found, f"{page} has no block {name}"
    return found[1]
