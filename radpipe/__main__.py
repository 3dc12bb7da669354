"""``python -m radpipe``: the command line where the script is not on the path."""

from __future__ import annotations

from radpipe.cli import main

# Worker processes import this module under another name, and must not start the command again.
if __name__ == "__main__":
    main()
