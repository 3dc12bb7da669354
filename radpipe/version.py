"""Which radpipe this is."""

from importlib.metadata import version

VERSION = version("radpipe")
