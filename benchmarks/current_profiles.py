"""Current profiles of the 1D half cell beside PyBaMM's experiments, in one process.

``python benchmarks/current_profiles.py`` prints differences and CPU seconds segment by segment;
``--write`` also stores PyBaMM's curves for the tests and the book.
"""

import argparse
import os

os.environ |= {name: "1" for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS")}

import time

import halfcell
import numpy as np

from analysis.electrochemistry import pybamm_reference as reference
from analysis.electrochemistry.porous_electrode.current_profiles import follow
from analysis.electrochemistry.porous_electrode.half_cell import Control
from analysis.electrochemistry.pybamm_reference import profiles

POINTS = 60  # stored per segment, dense at its begin
FINE = dict(
    n_electrode=200,
    n_separator=60,
    control=Control(voltage_error_V=1e-5, salt_error_mol_m3=0.1),
    materials=reference.MATERIALS,
)


def step_of(segment):
    """A segment in PyBaMM's words; its cell has an area of one square meter."""
    import pybamm

    longest = segment.duration_s if np.isfinite(segment.duration_s) else 30000.0
    options = dict(duration=longest, period=min(1.0, longest / 500))
    if segment.is_hold:
        if segment.until_mA_cm2 is not None:
            options["termination"] = f"{10 * segment.until_mA_cm2:g} A"
        return pybamm.step.voltage(segment.voltage_V, **options)
    if segment.until_V is not None:
        options["termination"] = f"{segment.until_V:g} V"
    return pybamm.step.current(10 * segment.current_mA_cm2, **options)


def run_pybamm(profile, points=(60, 120, 120)):
    """A :class:`profiles.Curve` of PyBaMM, and its CPU seconds."""
    import pybamm

    n_separator, n_electrode, n_radius = points
    values = halfcell.pybamm_parameters(1.0)
    values["Nominal cell capacity [A.h]"] = 100.0
    simulation = pybamm.Simulation(
        pybamm.lithium_ion.DFN({"working electrode": "positive"}),
        experiment=pybamm.Experiment([step_of(one) for one in profile.segments]),
        parameter_values=values,
        solver=pybamm.IDAKLUSolver(rtol=1e-7, atol=1e-9),
        var_pts={"x_n": 5, "r_n": 5, "x_s": n_separator, "x_p": n_electrode, "r_p": n_radius},
    )
    begin = time.process_time()
    solution = simulation.solve()
    seconds = time.process_time() - begin
    rows = []
    for n, cycle in enumerate(solution.cycles):
        times = cycle["Time [s]"].entries
        times = times - times[0]
        wanted = times[-1] * np.linspace(0, 1, POINTS) ** 2
        pick = np.unique(np.clip(np.searchsorted(times, wanted), 1, times.size - 1))
        voltage, current = cycle["Voltage [V]"].entries, cycle["Current [A]"].entries / 10
        rows += [(n, times[k], voltage[k], current[k]) for k in pick]
    columns = np.array(rows).T
    return profiles.Curve(columns[0].astype(int), *columns[1:]), seconds


def store(name, curve):
    path = reference.file_of(f"profile_{name}")
    text = "segment,time_s,voltage_V,current_mA_cm2\n"
    text += "".join(f"{n},{t:.7g},{v:.7g},{i:.6g}\n" for n, t, v, i in zip(*curve, strict=True))
    path.write_text(text, encoding="utf-8")


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--write", action="store_true", help="store PyBaMM's curves")
    options = parser.parse_args()
    follow(reference.ELECTRODE, profiles.EXPERIMENTS["pulses"], **FINE)  # compiles
    print("profile  segment                            rms [mV]  largest  end time")
    for name, profile in profiles.EXPERIMENTS.items():
        theirs, peer_seconds = run_pybamm(profile)
        begin = time.process_time()
        ours = follow(reference.ELECTRODE, profile, **FINE)
        seconds = time.process_time() - begin
        for row, segment in zip(profiles.compare(ours, theirs), profile.segments, strict=True):
            print(
                f"{name:8} {segment!s:32} {row['rms_mV']:10.4f} {row['largest_mV']:8.3f} "
                f"{row['difference_percent']:+9.4f} %"
            )
        print(f"{name:8} CPU seconds: {seconds:.2f}, PyBaMM {peer_seconds:.2f}", flush=True)
        if options.write:
            store(name, theirs)


if __name__ == "__main__":
    main()
