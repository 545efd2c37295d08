#!/usr/bin/env python3
"""Writes data/numpy.npz and data/numpy_compressed.npz, archives as NumPy makes them, for io_test.cpp.

Run it with a Python that has numpy and ml_dtypes: python generate_numpy_files.py
"""
import pathlib

import ml_dtypes
import numpy as np

folder = pathlib.Path(__file__).parent / "data"
names = ["bool", "int8", "int16", "int32", "int64", "uint8", "uint16", "uint32", "uint64", "float16", "float32", "float64", "complex64", "complex128"]
# Each array is 0 ... 5 (a bool: odd) in shape (2, 3).
arrays = {name: (np.arange(6) % 2 == 1 if name == "bool" else np.arange(6)).astype(name).reshape(2, 3) for name in names}
arrays["bfloat16"] = np.arange(6).astype(ml_dtypes.bfloat16).reshape(2, 3)
arrays["big_endian"] = np.arange(6).astype(">i4").reshape(2, 3)
arrays["big_complex"] = np.arange(6).astype(">c16").reshape(2, 3)
arrays["fortran"] = np.asfortranarray(np.arange(6, dtype="int32").reshape(2, 3))
arrays["fortran3"] = np.asfortranarray(np.arange(24, dtype=">u2").reshape(2, 3, 4))
arrays["scalar"] = np.float32(2.5)
arrays["empty"] = np.zeros((3, 0, 2), "float32")
np.savez(folder / "numpy.npz", **arrays)
np.savez_compressed(folder / "numpy_compressed.npz", **arrays)
