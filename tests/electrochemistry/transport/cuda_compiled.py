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

from analysis.electrochemistry.transport.cuda import device, launch
from analysis.electrochemistry.transport.devices import put_each
from tests.electrochemistry.resolved import cuda_cases
from tests.electrochemistry.transport.cuda_cases import CASES, SHAPES, Grid

CAPABILITY = (9, 0)
# Of 65,536 on a multiprocessor: for 1024 threads at once, half of what it can hold, or for 512.
MOST_REGISTERS, MOST_TO_GATHER = 64, 128
GATHER = {
    "grid_transfer.residual_restricted",
    "grid_transfer.coarsen_faces",
    "grid_transfer.coarsen_cells",
    "fields.dense_product",
    "exchange.cell_exchange_restricted",
    "electrolyte_fluxes.faces",
    "electrolyte_fluxes.residual",
    "electrolyte_fluxes.jacobian",
    "block_smoother.sweep",
    "field_sums.largest_in_electrolyte",
    "butler_volmer.evaluate",
    "electron_conductance.conductivity",
}
IN_FLOATS = {
    *("stencil.smooth", "stencil.residual", "stencil.inverse_diagonal", "stencil.harmonic_faces"),
    *(f"grid_transfer.{name}" for name in ("residual_restricted", "prolong", "coarsen_faces")),
    *("grid_transfer.coarsen_cells", "vectors.aypx", "fields.add", "fields.multiply"),
    *("fields.open_first", "fields.open_last", "fields.enter"),
    *("electrolyte_fluxes.faces", "block_smoother.factor", "block_smoother.solve"),
    *("block_smoother.sweep", "conjugate_residuals.step", "bicgstab.copy", "bicgstab.add_two"),
    *(f"exchange.{name}" for name in ("at_electrolyte", "at_solid", "weigh_rows")),
    *(f"exchange.{name}" for name in ("cell_exchange", "cell_exchange_restricted")),
    *("exchange.diagonal_with_exchange", "interface_coarsening.collect"),
    *("interface_coarsening.collect_later", "interface.sum_at_electrolyte"),
    *("interface.sum_at_solid", "interface.add_at_electrolyte", "interface.add_at_solid"),
    *(f"lithium_electrode.{name}" for name in ("set_boundary", "add_boundary", "add_change")),
    *("lithium_electrode.exchange", "lithium_electrode.exchange_restricted"),
    *("solid_diffusion.turn", "solid_diffusion.follow_lithium"),
}


def everything():
    """All twins, of transport and of the resolved cell."""
    yield from device.twins().items()
    for room in ("resolved", "resolved.linear_solver", "resolved.cell_properties"):
        yield from device.twins(f"analysis.electrochemistry.{room}").items()


def case_of(function):
    """The first case of a function of the CPU."""
    if ".transport." in function.__module__:
        return CASES[function.__name__](Grid(SHAPES[0]))[0]
    cases = (cuda_cases.cases_of(function, name) for name in ("cells of two", "odd"))
    return next(one for found in cases for one in found)


class Nowhere(device.CudaDevice):
    """A card that is not there: its arrays are those of numpy."""

    def zeros(self, shape, dtype=np.float32):
        shape = (shape,) if np.isscalar(shape) else tuple(shape)
        return self.put(np.zeros(shape, dtype))

    def put(self, value):
        if not isinstance(value, np.ndarray):
            return value
        return launch.CudaField(np.ascontiguousarray(value).reshape(-1), value.shape)

    @staticmethod
    def get(field):
        return field.flat.reshape(field.shape)


def launches(twin, case):
    """Kernels that a twin launches for a case, each with its arguments."""
    n, *args = case
    found, place = [], Nowhere()
    there = [put_each(place, one) for one in args]
    if isinstance(twin, launch.CudaKernel):
        values = [np.int64(1), twin.shapes(there), *map(launch.flat_of, there)]
        return [(twin.body, values, twin.sums or twin.peak)]

    def recorded(body, count, *args, sums=0):
        found.append((body, [launch.flat_of(one) for one in args], sums))
        return 0.0 if sums == 1 else (0.0,) * sums or None

    room = sys.modules[twin.work.__module__]
    for name in ("over_entries", "by_block"):
        if hasattr(room, name):
            setattr(room, name, recorded)
    twin.work(place, *there)
    return found


def machine_code(body, values, reduces):
    """PTX of a kernel for its arguments."""
    types = [numba.typeof(one) for one in values]
    types += [numba.float64[::1]] * bool(reduces)
    return cuda.compile_ptx(body.py_func, tuple(types), cc=CAPABILITY)[0]


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
    for function, twin in everything():
        room = function.__module__.rpartition(".")[2]
        for body, values, reduces in launches(twin, case_of(function)):
            name = f"{room}.{body.py_func.__name__.lstrip('_')}"
            code = machine_code(body, values, reduces)
            doubles = len(re.findall(r"\b(?:add|mul|fma|sub|div)\.\S*f64", code))
            registers, spilled, shared = assembled(code, program) if program else (0, 0, 0)
            print(
                f"{name:40s} {registers:3d} registers, {spilled} bytes spilled, {shared:4d} "
                f"shared, {doubles:2d} operations in float64",
                flush=True,
            )
            if doubles and name in IN_FLOATS:
                bad.append(f"{name} computes in float64")
            if re.search(r"\b(?:atom|red)\.", code):
                bad.append(f"{name} adds atomically")
            most = MOST_TO_GATHER if name in GATHER else MOST_REGISTERS
            if registers > most or spilled:
                bad.append(f"{name}: {registers} registers, {spilled} bytes spilled")
    sys.exit("\n".join(bad) or None)


if __name__ == "__main__":
    main()
