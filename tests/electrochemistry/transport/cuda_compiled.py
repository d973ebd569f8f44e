"""Compile every kernel for a card, which needs NVIDIA's compiler but no card; print what it takes.

Run by ``test_cuda.py``, or by hand: ``python -m tests.electrochemistry.transport.cuda_compiled``.
The compiler comes with the extra ``[gpu]``. Kernels of floats may not compute in float64, which
most cards do far slower, nothing may be added atomically, and nothing may spill to memory.
"""

import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from types import SimpleNamespace

import numba
import numpy as np
from numba import cuda
from numba.cuda import dispatcher

from analysis.electrochemistry.transport.cuda import device
from tests.electrochemistry.transport.cuda_cases import CASES, SHAPES, Grid

CAPABILITY = (9, 0)
# Of 65,536 on a multiprocessor: for 1024 threads at once, half of what it can hold, or for 512.
MOST_REGISTERS, MOST_TO_GATHER = 64, 128
GATHER = {"residual_restricted", "coarsen_faces", "coarsen_cells", "dense_product"}

IN_FLOATS = {"smooth", "residual", "residual_restricted", "prolong", "aypx", "inverse_diagonal"}
IN_FLOATS |= {
    "harmonic_faces",
    "coarsen_faces",
    "coarsen_cells",
    "add",
    "open_first",
    "open_last",
    "enter",
}


def flat(value):
    """Arguments as a launch hands them over."""
    if isinstance(value, np.ndarray):
        return np.ascontiguousarray(value).reshape(-1)
    return tuple(flat(one) for one in value) if isinstance(value, tuple) else value


def machine_code(kernel):
    """PTX of a kernel for the arguments of its first case."""
    n, *args = CASES[kernel.name](Grid(SHAPES[0]))[0]
    values = [kernel.shapes(args), *(flat(one) for one in args)]
    types = [numba.int64, *(numba.typeof(one) for one in values)]
    types += [numba.float64[::1]] * kernel.sums
    return cuda.compile_ptx(kernel.body.py_func, tuple(types), cc=CAPABILITY)[0]


def assembler():
    """Path of ptxas, or None."""
    beside = [Path(folder) / "nvidia/cuda_nvcc/bin/ptxas" for folder in sys.path]
    return next((str(one) for one in beside if one.is_file()), shutil.which("ptxas"))


def assembled(code, program):
    """Registers, bytes that spill and bytes of shared memory."""
    with tempfile.TemporaryDirectory() as folder:
        source = Path(folder) / "kernel.ptx"
        source.write_text(code)
        target = f"sm_{CAPABILITY[0]}{CAPABILITY[1]}"
        command = [program, "-v", f"-arch={target}", str(source)]
        done = subprocess.run(
            [*command, "-o", str(source.with_suffix(".cubin"))], capture_output=True, text=True
        )
    assert done.returncode == 0, done.stderr
    numbers = (
        re.findall(pattern, done.stderr)
        for pattern in (r"Used (\d+) registers", r"(\d+) bytes spill stores", r"(\d+) bytes smem")
    )
    return [max((int(one) for one in found), default=0) for found in numbers]


def main():
    # Compiling a function of the card asks for the card; there may be none.
    dispatcher.get_current_device = lambda: SimpleNamespace(compute_capability=CAPABILITY)
    program, bad = assembler(), []
    for kernel in device.twins().values():
        code = machine_code(kernel)
        doubles = len(re.findall(r"\b(?:add|mul|fma|sub|div)\.\S*f64", code))
        registers, spilled, shared = assembled(code, program) if program else (0, 0, 0)
        print(
            f"{kernel.name:22s} {registers:3d} registers, {spilled} bytes spilled, {shared:4d} "
            f"shared, {doubles:2d} operations in float64"
        )
        if doubles and kernel.name in IN_FLOATS:
            bad.append(f"{kernel.name} computes in float64")
        if re.search(r"\b(?:atom|red)\.", code):
            bad.append(f"{kernel.name} adds atomically")
        most = MOST_TO_GATHER if kernel.name in GATHER else MOST_REGISTERS
        if registers > most or spilled:
            bad.append(f"{kernel.name}: {registers} registers, {spilled} bytes spilled")
    sys.exit("\n".join(bad) or None)


if __name__ == "__main__":
    main()
