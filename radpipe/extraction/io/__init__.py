"""Readers: one file type each, listed in :data:`READERS`."""

from radpipe.extraction.io.read import READERS, labels_in, read_image, read_mask

__all__ = ["READERS", "labels_in", "read_image", "read_mask"]
