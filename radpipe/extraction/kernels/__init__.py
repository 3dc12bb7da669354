"""Loops over voxels, compiled by numba: numpy in, numpy out, serial, without the GIL.

They import nothing of ours but :mod:`jit`, know no settings and read no files.
"""
