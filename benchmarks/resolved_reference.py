"""Store PyBaMM's curves of the homogenized limit that the resolved cell is tested against.

Usage: python benchmarks/resolved_reference.py [--write]

Prints the difference of the resolved cell from PyBaMM's DFN on the electrode of
:mod:`analysis.electrochemistry.reference.cubes`; with `--write` the curves of PyBaMM are stored.
"""

import argparse
from pathlib import Path

import halfcell
import numpy as np

from analysis.electrochemistry import resolved
from analysis.electrochemistry.reference import cubes


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--write", action="store_true", help="store PyBaMM's curves")
    options = parser.parse_args()
    electrode = cubes.electrode()
    print("current  rms [mV]  end time        CPU s of ours, PyBaMM")
    for current in cubes.CURRENTS_MA_CM2:
        time_s, voltage_V, seconds = halfcell.run_pybamm(
            current, cell=cubes.MATERIALS, electrode=electrode
        )
        ours = resolved.lithiate(
            cubes.labels(),
            cubes.GAMMA,
            current,
            voxel_size_um=cubes.EDGE_UM,
            materials=cubes.MATERIALS,
            threads=1,
        )
        early = ours.time_s < time_s[-1]
        peer_V = np.interp(ours.time_s[early], time_s, voltage_V)
        rms = 1e3 * np.sqrt(np.mean((ours.voltage_V[early] - peer_V) ** 2))
        late = ours.time_s[-1] / time_s[-1] - 1
        print(f"{current:7g}  {rms:8.3f}  {late:+.5f}  {ours.cpu_s:8.1f} {seconds:8.1f}")
        if options.write:
            file = Path(cubes.__file__).with_name(f"dfn_cubes_{current:g}.csv")
            rows = halfcell.thinned(time_s, voltage_V)
            np.savetxt(
                file, rows, delimiter=",", header="time_s,voltage_V", comments="", fmt="%.7g"
            )


if __name__ == "__main__":
    main()
