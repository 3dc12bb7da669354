"""Loops over voxels, compiled by numba: numpy in, numpy out, serial, without the GIL.

They import nothing from outside this room, know no settings and read no files.
"""
