"""The 1D half cell beside PyBaMM's DFN half cell: same parameters, same process.

``python benchmarks/halfcell.py`` prints rms difference, end times and CPU seconds;
``python benchmarks/halfcell.py --write`` also stores PyBaMM's curves for the tests and the book.

``python benchmarks/halfcell.py --fipy --record FILE`` lithiates in FiPy instead: CPU seconds with
its own coupling of equations (before) and with ours (after), and the difference from the compiled
backend at every current of the study.
"""

import argparse
import os

os.environ |= {name: "1" for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS")}

import time

import numpy as np
from record import recording

from analysis.electrochemistry import pybamm_reference as reference
from analysis.electrochemistry.constants import REFERENCE_MOL_M3
from analysis.electrochemistry.porous_electrode.half_cell import Control, lithiate


def pybamm_parameters(current_mA_cm2, cell=reference.MATERIALS, electrode=reference.ELECTRODE):
    """Our parameters in PyBaMM's words."""
    import pybamm

    active, electrolyte, separator = cell.active, cell.electrolyte, cell.separator
    ocp = active.ocp
    U = np.concatenate([np.linspace(2.8, 4.6, 4001)])[::-1]
    x = ocp.stoichiometry(U)
    keep = np.concatenate([[True], np.diff(x) > 1e-13])
    x, U = x[keep], U[keep]

    def open_circuit(sto):
        return pybamm.Interpolant(x, U, sto, interpolator="pchip", extrapolate=True)

    def conductivity(c_e, T):
        c = c_e / 1000
        p1, p2, p3, p4, p5, p6 = electrolyte.conductivity_p
        heat = np.exp(1000 / electrolyte.temperature_K)
        rise = 1 + p3 * pybamm.sqrt(c) + p4 * (1 + p5 * heat) * c
        return 0.1 * p1 * (1 + electrolyte.temperature_K - p2) * c * rise / (1 + p6 * heat * c**4)

    def diffusivity(c_e, T):
        q1, q2, q3, q4 = electrolyte.diffusivity_p
        temperature = electrolyte.temperature_K
        slope = q2 + q4 / temperature
        return 1e-10 * q1 * np.exp(q3 / temperature) * pybamm.exp(slope * c_e / 1000)

    def thermodynamic(c_e, T):
        c = c_e / 1000
        a0, a1, a2, a3 = electrolyte.thermodynamic_cubic
        return a0 + a1 * c + a2 * c**2 + a3 * c**3

    def exchange(c_e, c_s_surf, c_s_max, T):
        content = c_s_surf / c_s_max
        wet = pybamm.sqrt(c_e / REFERENCE_MOL_M3)
        return 2 * active.reference_current_A_m2 * wet * pybamm.sqrt(content * (1 - content))

    def plating(c_e, c_Li, T):
        return cell.lithium.exchange_current_A_m2 * pybamm.sqrt(c_e / REFERENCE_MOL_M3)

    values = pybamm.ParameterValues("Xu2019")
    values.update(
        {
            "Ambient temperature [K]": cell.temperature_K,
            "Initial temperature [K]": cell.temperature_K,
            "Reference temperature [K]": cell.temperature_K,
            "Electrode height [m]": 1.0,
            "Electrode width [m]": 1.0,
            "Current function [A]": 10 * current_mA_cm2,
            "Lower voltage cut-off [V]": cell.cutoff_V,
            "Upper voltage cut-off [V]": 5.0,
            "Separator thickness [m]": separator.thickness_m,
            "Separator porosity": separator.porosity,
            "Separator Bruggeman coefficient (electrolyte)": np.log(separator.gamma)
            / np.log(separator.porosity),
            "Positive electrode thickness [m]": electrode.thickness_m,
            "Positive electrode porosity": electrode.electrolyte[0],
            "Positive electrode active material volume fraction": electrode.active[0],
            "Positive electrode Bruggeman coefficient (electrolyte)": np.log(electrode.transport[0])
            / np.log(electrode.electrolyte[0]),
            "Positive electrode Bruggeman coefficient (electrode)": 0.0,
            "Positive electrode conductivity [S.m-1]": electrode.electronic_S_m[0],
            "Positive particle radius [m]": electrode.radius_m,
            "Positive particle diffusivity [m2.s-1]": active.diffusion_m2_s,
            "Maximum concentration in positive electrode [mol.m-3]": (
                active.max_concentration_mol_m3
            ),
            "Initial concentration in positive electrode [mol.m-3]": (
                active.initial_content * active.max_concentration_mol_m3
            ),
            "Positive electrode OCP [V]": open_circuit,
            "Positive electrode exchange-current density [A.m-2]": exchange,
            "Exchange-current density for lithium metal electrode [A.m-2]": plating,
            "Cation transference number": electrolyte.constant_transference,
            "Thermodynamic factor": thermodynamic,
            "Electrolyte conductivity [S.m-1]": conductivity,
            "Electrolyte diffusivity [m2.s-1]": diffusivity,
            "Initial concentration in electrolyte [mol.m-3]": electrolyte.initial_mol_m3,
        },
        check_already_exists=False,
    )
    return values


def run_pybamm(current_mA_cm2, points=(160, 400, 120), **case):
    """Time, voltage and CPU seconds of PyBaMM; `points` in separator, electrode and particle."""
    import pybamm

    n_separator, n_electrode, n_radius = points
    model = pybamm.lithium_ion.DFN({"working electrode": "positive"})
    simulation = pybamm.Simulation(
        model,
        parameter_values=pybamm_parameters(current_mA_cm2, **case),
        solver=pybamm.IDAKLUSolver(rtol=1e-7, atol=1e-9),
        var_pts={"x_n": 5, "r_n": 5, "x_s": n_separator, "x_p": n_electrode, "r_p": n_radius},
    )
    begin = time.process_time()
    solution = simulation.solve([0, 40000 / current_mA_cm2])
    seconds = time.process_time() - begin
    return solution["Time [s]"].entries, solution["Voltage [V]"].entries, seconds


def compare(time_s, voltage_V, other_s, other_V):
    """Rms difference [mV] over the common time, and relative difference of the end times."""
    end = min(time_s[-1], other_s[-1])
    at = np.linspace(0, 0.999 * end, 400)
    difference = np.interp(at, time_s, voltage_V) - np.interp(at, other_s, other_V)
    return 1e3 * np.sqrt(np.mean(difference**2)), time_s[-1] / other_s[-1] - 1


def store(case, time_s, voltage_V):
    """Store about 200 points, dense where the voltage bends: enough for 0.01 mV."""
    steps = np.hypot(np.diff(time_s) / time_s[-1], np.diff(voltage_V))
    length = np.concatenate([[0], np.cumsum(steps)])
    pick = np.unique(np.searchsorted(length, np.linspace(0, length[-1], 260)))
    pick = np.unique(np.concatenate([np.arange(0, 20), pick, [time_s.size - 1]]))
    table = np.column_stack([time_s, voltage_V])[pick[pick < time_s.size]]
    header = "time_s,voltage_V"
    np.savetxt(reference.file_of(case), table, "%.7g", ",", header=header, comments="")


class FipyCoupling:
    """The same equations solved as FiPy couples them (``&``) and with its LU solver: before."""

    def __init__(self, equations, unknowns, fixed=()):
        import fipy

        class KeptSource(fipy.ImplicitSourceTerm):  # implicit whatever its sign
            def _getWeight(self, var, transientGeomCoeff=None, diffusionGeomCoeff=None):
                zero = np.zeros(var.shape)
                weight = {"old value": zero, "b vector": zero, "new value": zero}
                return weight | {"diagonal": np.ones(var.shape)}

        def keep(term):
            if hasattr(term, "other"):
                return keep(term.term) + keep(term.other)
            if isinstance(term, fipy.ImplicitSourceTerm):
                return KeptSource(term.coeff, var=term.var)
            return term

        charge, anions, electrons = (keep(one) for one in equations)
        self.coupled, self.unknowns = charge & anions & electrons, unknowns
        self.solver = fipy.LinearLUSolver(tolerance=1e-13, iterations=3)

    def solve(self, dt):
        before = [unknown.value.copy() for unknown in self.unknowns]
        self.coupled.sweep(dt=dt, solver=self.solver)
        after = [unknown.value.copy() for unknown in self.unknowns]
        for unknown, value in zip(self.unknowns, before, strict=True):
            unknown.setValue(value)
        return after


def fipy(currents=(1.0, 3.0, 6.0, 8.0, 10.0, 12.0)):
    """FiPy before and after, and beside the compiled backend, in one process."""
    from analysis.electrochemistry.porous_electrode import fipy_model
    from analysis.study.cells.fipy_model import difference
    from analysis.study.cells.halfcell import EXAMPLE

    def run(current, backend, end_s=np.inf):
        begin = time.process_time()
        done = lithiate(EXAMPLE, current, backend=backend, end_s=end_s)
        return done, time.process_time() - begin

    for backend in ("banded", "fipy"):
        run(6.0, backend, end_s=1e-3)  # compiles, imports
    ours = fipy_model.Assembly
    print("one lithiation at 6 mA/cm², 70 cells      steps  sweeps   CPU s  ms a sweep")
    for name, assembly in (("FiPy's coupling (before)", FipyCoupling), ("ours (after)", ours)):
        fipy_model.Assembly = assembly
        done, seconds = run(6.0, "fipy")
        work = f"{done.steps:5d}  {done.iterations:6d}  {seconds:6.2f}  "
        print(f"{name:40s}  {work}{1e3 * seconds / done.iterations:6.1f}", flush=True)
    print("current  rms [mV]  capacity     salt lost  lithium lost  steps  CPU s: FiPy, compiled")
    for current in currents:
        (model, seconds), (copy, fast) = run(current, "fipy"), run(current, "banded")
        row = difference(
            (model.capacity_mAh_cm2, model.voltage_V), (copy.capacity_mAh_cm2, copy.voltage_V)
        )
        print(
            f"{current:7g}  {row['rms_mV']:8.1e}  {row['capacity_percent']:+8.1e} %  "
            f"{abs(model.salt_drift):9.1e}  {abs(model.lithium_drift):12.1e}  {model.steps:5d}  "
            f"{seconds:6.2f}  {fast:.3f}",
            flush=True,
        )


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--write", action="store_true", help="store PyBaMM's curves")
    parser.add_argument("--fipy", action="store_true", help="FiPy before, after and beside ours")
    parser.add_argument("--record", help="keep what is printed in this file as well")
    options = parser.parse_args()
    with recording(options.record):
        fipy() if options.fipy else pybamm(options)


def pybamm(options):
    """Our curves beside PyBaMM's."""
    control = Control(voltage_error_V=1e-5, salt_error_mol_m3=0.1)
    size = dict(n_electrode=200, n_separator=60, materials=reference.MATERIALS, control=control)
    lithiate(reference.ELECTRODE, 6.0, **size)  # compiles
    print("current  rms [mV]  end time        CPU s of ours, PyBaMM")
    for current in reference.CURRENTS_MA_CM2:
        time_s, voltage_V, peer_seconds = run_pybamm(current)
        begin = time.process_time()
        ours = lithiate(reference.ELECTRODE, current, **size)
        seconds = time.process_time() - begin
        rms, end = compare(ours.time_s, ours.voltage_V, time_s, voltage_V)
        print(f"{current:7g}  {rms:8.4f}  {100 * end:+.4f} %   {seconds:.2f}  {peer_seconds:.2f}")
        if options.write:
            store(f"{current:g}", time_s, voltage_V)
    for name, one in reference.SETTINGS.items():
        cell = dict(cell=one.materials, electrode=one.electrode)
        time_s, voltage_V, peer_seconds = run_pybamm(one.current_mA_cm2, **cell)
        begin = time.process_time()
        ours = lithiate(
            one.electrode, one.current_mA_cm2, **(size | {"materials": one.materials})
        )
        seconds = time.process_time() - begin
        rms, end = compare(ours.time_s, ours.voltage_V, time_s, voltage_V)
        print(f"{name:>7}  {rms:8.4f}  {100 * end:+.4f} %   {seconds:.2f}  {peer_seconds:.2f}")
        if options.write:
            store(name, time_s, voltage_V)


if __name__ == "__main__":
    main()
