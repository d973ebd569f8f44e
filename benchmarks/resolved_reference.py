"""Store PyBaMM's curves of the homogenized limit that the resolved cell is tested against.

Usage: python benchmarks/resolved_reference.py [--write]

Prints the difference of the resolved cell from PyBaMM's DFN on the electrode of
:mod:`analysis.electrochemistry.pybamm_reference.cubes`; with `--write` the curves of PyBaMM are
stored.
"""

import argparse

import halfcell

from analysis.electrochemistry.pybamm_reference import cubes


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
        ours = cubes.lithiate(current)
        rms, late = halfcell.compare(ours.time_s, ours.voltage_V, time_s, voltage_V)
        print(f"{current:7g}  {rms:8.3f}  {late:+.5f}  {ours.cpu_s:8.1f} {seconds:8.1f}")
        if options.write:
            halfcell.store(f"cubes_{current:g}", time_s, voltage_V)


if __name__ == "__main__":
    main()
