"""Formats whose files SimpleITK checks by itself: NRRD, MetaImage, DICOM, 2D pictures.

Analyze and NIfTI pairs (.hdr, .img) are not among them: ITK mends cut ones silently.
"""

from __future__ import annotations

from pathlib import Path

import SimpleITK as sitk

from radpipe.errors import UnreadableImageError


def read(path: Path) -> sitk.Image:
    """Read one image file.

    Parameters
    ----------
    path : Path
        An existing file.

    Returns
    -------
    SimpleITK.Image
        The image in the file's own pixel type.

    Raises
    ------
    UnreadableImageError
        SimpleITK cannot read it.
    """
    try:
        return sitk.ReadImage(str(path))
    except RuntimeError as error:
        raise UnreadableImageError(
            "cannot read the file",
            where=str(path),
            found=str(error).strip().splitlines()[-1].strip(),
            expected="a whole image file of the type that its name says",
            remedy="open it in a viewer; if that fails too, export or copy it again",
        ) from error
