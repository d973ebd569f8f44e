"""Blocking impedance of a symmetric cell from the labels of one electrode.

Both electrodes of the cell are alike, so one electrode with potential zero at the separator side
is half of it. Ions move in pore and CBD, the double layer on the AM takes up charge, nothing
reacts; the solid is an equipotential, because the CBD conducts a hundred times better than the
electrolyte. With the conductances K and the capacities C of the cells, unit voltage drives

    Y(s) = s 1ᵀC1 - s² 1ᵀC (K + sC)⁻¹ C1 .

A few solves at real s span a reduced model that gives the whole spectrum: Y is a Stieltjes
function, so the Galerkin projection is passive and converges exponentially.
"""

from dataclasses import dataclass

import numpy as np

from analysis.electrochemistry.materials import DEFAULT
from analysis.electrochemistry.transport import effective as transport
from analysis.electrochemistry.transport import fields, multigrid
from analysis.electrochemistry.transport import percolation as grid
from analysis.electrochemistry.transport import stencil as _stencil
from analysis.electrochemistry.transport.devices import open_device
from analysis.phases import CBD_POROSITY, Phase, check_labels, check_voxel_size


@dataclass(frozen=True)
class Spectrum:
    """
    Impedance of one electrode of the symmetric cell.

    Attributes
    ----------
    frequency_Hz : (N,) ndarray of float
        Frequencies.
    impedance_ohm_m2 : (N,) ndarray of complex
        Impedance times cross section. The cell has twice this.
    ionic_resistance_ohm_m2 : float
        Three times the real part at low frequency, without the separator.
    capacity_F_m2 : float
        Double-layer capacity per cross section.
    tortuosity : float
        Effective tortuosity factor from the ionic resistance: mean relative conductivity
        times bulk conductivity times resistance over thickness.
    iterations : int
        V-cycles of all solves.
    """

    frequency_Hz: np.ndarray
    impedance_ohm_m2: np.ndarray
    ionic_resistance_ohm_m2: float
    capacity_F_m2: float
    tortuosity: float
    iterations: int


class Network:
    """
    The RC network of a labelled electrode: conductances, capacities and their solver.

    Parameters
    ----------
    labels : (Z, Y, X) ndarray of uint8
        Phase of each voxel; slice 0 touches the separator.
    gamma : float
        Effective transport parameter of the electrolyte in the CBD [-].
    voxel_size_um : float
        Voxel edge [µm].
    materials : materials.HalfCell
        Conductivity of the electrolyte and double-layer capacity.
    inner_area_per_um : float
        Inner surface of the CBD per volume [1/µm] that also holds a double layer; 0 leaves it
        out.
    pool : ThreadPool or CudaDevice, optional
        Where to solve, and where the arrays are; by default one thread.

    Raises
    ------
    ValueError
        If no electrolyte touches the separator, or no wetted AM face is found.
    """

    def __init__(
        self, labels, gamma, *, voxel_size_um, materials=DEFAULT, inner_area_per_um=0.0, pool=None
    ):
        labels = check_labels(labels)
        edge = check_voxel_size(voxel_size_um) * 1e-6
        gamma = transport.check_gamma(gamma)
        path = grid.reached(labels != Phase.AM, 0)
        if not path.any():
            raise ValueError("No electrolyte (pore or CBD) in slice 0. Check the axis.")
        share = np.array([1.0, CBD_POROSITY, 0.0])[labels] * path
        faces = grid.reactive_faces(path, labels == Phase.AM)
        electrolyte = materials.electrolyte
        kappa = float(electrolyte.conductivity_S_m(electrolyte.initial_mol_m3))
        layer = materials.active.double_layer_F_m2
        capacity = layer * edge**2 * share * faces
        capacity += layer * inner_area_per_um * 1e6 * edge**3 * (labels == Phase.CBD) * path
        if capacity.sum() == 0:
            raise ValueError(
                "No AM face is wetted by electrolyte that is joined to the separator, so there "
                "is no double layer. Check the labels: 0 is pore, 1 CBD, 2 AM."
            )
        self.shape, self.pool = labels.shape, pool or open_device()
        conductivity = transport.ionic_conductivity(labels, gamma)
        self.mean = float(conductivity.mean(dtype=float))
        cells = multigrid.padded(labels.shape)
        np.multiply(conductivity, path, out=cells[1:-1, 1:-1, 1:-1])
        cells = self.pool.put(cells)
        self.faces = transport.faces(cells, self.pool)
        self.pool.whole(fields.open_first, cells, self.faces[0])
        self.unit = kappa * edge  # conductance of a voxel [S]
        padded = multigrid.padded(labels.shape)
        padded[1:-1, 1:-1, 1:-1] = capacity / self.unit
        self.total = float(padded.sum(dtype=float))
        self.capacity = self.pool.put(padded)
        self.storage = self.pool.zeros(padded.shape)
        self.area = labels.shape[1] * labels.shape[2] * edge**2
        self.thickness = labels.shape[0] * edge
        self.kappa = kappa
        plan = multigrid.plan_coarsening(labels.shape, np.ones(labels.shape[0]))
        self.hierarchy = multigrid.Hierarchy(plan, self.pool)
        self.iterations = 0

    def solve(self, shift, load, start=None, rtol=1e-7):
        """Solution u of ``(K + shift C) u = load`` for a real shift [1/s], float64."""
        whole = self.pool.whole
        whole(fields.scaled, shift, self.capacity, self.storage)
        self.hierarchy.rebuild(*self.faces, self.storage)
        x = self.pool.zeros(load.shape, float)
        if start is not None:
            whole(fields.assign, start, x)
        self.iterations += multigrid.solve(self.hierarchy, load, x, rtol=rtol).iterations
        return x

    def conduct(self, x):
        """``K x`` in float64 for a padded field."""
        out = self.pool.zeros(x.shape, float)
        dummy = self.pool.zeros((1, 1, 1))
        zero = self.pool.zeros(x.shape)
        faces = _stencil.FaceConductances(*self.faces)
        self.pool.run(_stencil.defect, 0, self.shape[0], x, zero, faces, dummy, False, out)
        self.pool.whole(fields.negate, out)
        return out


@dataclass(frozen=True)
class Reduced:
    """Reduced model: small K, C and C1, and the network it came from."""

    conductance: np.ndarray
    capacity: np.ndarray
    load: np.ndarray
    total: float
    unit: float
    area: float

    def impedance(self, frequency_Hz):
        """Impedance times area [ohm m²] of one electrode at each frequency."""
        out = []
        for frequency in np.atleast_1d(frequency_Hz):
            s = 2j * np.pi * frequency
            inner = np.linalg.solve(self.conductance + s * self.capacity, self.load)
            out.append(self.area / (self.unit * (s * self.total - s**2 * (self.load @ inner))))
        return np.array(out)

    @property
    def resistance(self):
        """Low-frequency real part times area [ohm m²]."""
        drop = self.load @ np.linalg.solve(self.conductance, self.load)
        return float(drop / self.total**2 * self.area / self.unit)


def reduce(network, shifts_Hz, *, rtol=1e-7):
    """
    Project the network on its solutions at zero and at some real shifts.

    Parameters
    ----------
    network : Network
        Full model.
    shifts_Hz : sequence of float
        Shifts as frequencies.
    rtol : float
        Residual of the solves.

    Returns
    -------
    reduced : Reduced
        Model of ``len(shifts_Hz) + 1`` unknowns.
    """
    load, pool, whole = network.capacity, network.pool, network.pool.whole
    basis, n = [], 0
    K, C, b = np.zeros((0, 0)), np.zeros((0, 0)), np.zeros(0)
    for shift in [0.0, *(2 * np.pi * np.asarray(shifts_Hz, float))]:
        start = None
        if n:  # what the model so far says of this shift leaves little to solve
            start = pool.zeros(load.shape, float)
            for weight, vector in zip(np.linalg.solve(K + shift * C, b), basis, strict=True):
                whole(fields.add_scaled, float(weight), vector, start)
        x = network.solve(shift, load, start, rtol=rtol)
        del start
        for _ in range(2):
            for vector in basis:
                whole(fields.add_scaled, -whole(fields.energy, vector, x), vector, x)
        norm = float(np.sqrt(whole(fields.energy, x, x)))
        if norm == 0:
            continue
        basis.append(pool.zeros(load.shape))
        whole(fields.divided, x, norm, basis[-1])
        whole(fields.assign, basis[-1], x)
        conducted, stored = network.conduct(x), pool.zeros(load.shape, float)
        whole(fields.product, load, x, stored)
        K, C = np.pad(K, (0, 1)), np.pad(C, (0, 1))
        b = np.append(b, whole(fields.energy, load, x))
        for i, other in enumerate(basis):
            K[i, n] = K[n, i] = whole(fields.energy, other, conducted)
            C[i, n] = C[n, i] = whole(fields.energy, other, stored)
        n += 1
        del x, conducted, stored
    return Reduced(K, C, b, network.total, network.unit, network.area)


def spectrum(
    labels,
    gamma,
    *,
    voxel_size_um,
    frequency_Hz=None,
    materials=DEFAULT,
    inner_area_per_um=0.0,
    shifts=12,
    separator=False,
    threads=1,
    device="cpu",
):
    """
    Blocking impedance of a labelled electrode in a symmetric cell.

    Parameters
    ----------
    labels : (Z, Y, X) ndarray of uint8
        Phase of each voxel; slice 0 touches the separator.
    gamma : float
        Effective transport parameter of the electrolyte in the CBD [-].
    voxel_size_um : float
        Voxel edge [µm].
    frequency_Hz : (N,) array_like of float, optional
        Frequencies; by default 61 from 0.01 Hz to 10 kHz.
    materials : materials.HalfCell
        Parameters.
    inner_area_per_um : float
        Inner surface of the CBD per volume [1/µm] with a double layer of its own.
    shifts : int
        Real solves behind the reduced model, besides the one at zero.
    separator : bool
        Add half of the separator's resistance.
    threads : int
        Threads.
    device : {"cpu", "cuda"}
        Where to solve; the spectrum is the same but for rounding.

    Returns
    -------
    spectrum : Spectrum
        Impedance, ionic resistance, capacity and tortuosity.

    Raises
    ------
    ValueError
        If a frequency is not positive, or the labels give no double layer.
    cuda.card.CudaError
        If the card cannot be used, or has not enough memory.
    """
    frequency = np.logspace(-2, 4, 61) if frequency_Hz is None else np.asarray(frequency_Hz, float)
    if frequency.size == 0 or not np.all(np.isfinite(frequency) & (frequency > 0)):
        raise ValueError("Frequencies must be positive numbers in Hz.")
    labels, pool = check_labels(labels), open_device(device, threads)
    pool.check_memory("impedance", labels.shape, shifts + 1)
    network = Network(
        labels,
        gamma,
        voxel_size_um=voxel_size_um,
        materials=materials,
        inner_area_per_um=inner_area_per_um,
        pool=pool,
    )
    low, high = max(frequency.min(), 1e-2), frequency.max()
    reduced = reduce(network, np.geomspace(low, 3 * max(high, 10 * low), shifts))
    impedance = reduced.impedance(frequency)
    resistance = 3 * reduced.resistance
    if separator:
        layer = materials.separator
        impedance = impedance + 0.5 * layer.thickness_m / (layer.gamma * network.kappa)
    return Spectrum(
        frequency,
        impedance,
        resistance,
        network.total * network.unit / network.area,
        network.mean * network.kappa * resistance / network.thickness,
        network.iterations,
    )


def transmission_line(frequency_Hz, resistance_ohm_m2, capacity_F_m2):
    """
    Impedance of a homogeneous blocking electrode with no electronic resistance.

    ``Z = sqrt(R / (iωC)) coth sqrt(iωRC)``; R/3 at low frequency.
    """
    s = 2j * np.pi * np.asarray(frequency_Hz, float)
    root = np.sqrt(s * resistance_ohm_m2 * capacity_F_m2)
    return np.sqrt(resistance_ohm_m2 / (s * capacity_F_m2)) / np.tanh(root)


def ratio_to_steady(resistance_per_slice, capacity_per_slice):
    """
    Ionic resistance that impedance finds, over that of steady transport, for a profile of slices.

    At low frequency the current thins out as the double layer takes it up, so that a slice counts
    with the square of the current that is left in it. In a homogeneous electrode a third of the
    resistance remains; three times that is what is called the ionic resistance.

    Parameters
    ----------
    resistance_per_slice : (Z,) ndarray of float
        Of steady transport, from separator to collector; in any unit.
    capacity_per_slice : (Z,) ndarray of float
        Of the double layer; in any unit.

    Returns
    -------
    ratio : float
        One for a homogeneous electrode, less if what resists lies deep. The tortuosities have the
        same ratio.

    Examples
    --------
    >>> round(ratio_to_steady(np.ones(500), np.ones(500)), 4)
    1.0
    """
    share = np.asarray(capacity_per_slice, float) / np.sum(capacity_per_slice)
    beyond = 1 - np.cumsum(share)  # share of the current that leaves the slice at its far side
    enters = beyond + share
    # the square of a current that falls evenly within the slice, averaged over it
    squared = (enters**2 + enters * beyond + beyond**2) / 3
    resistance = np.asarray(resistance_per_slice, float)
    return float(3 * np.sum(resistance * squared) / np.sum(resistance))
