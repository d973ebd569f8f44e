"""The half cell cut into layers along z: what both backends of the 1D model share.

z runs from the lithium metal through the separator to the collector. Cells are finite volumes;
faces lie between neighbors. Everything is SI and per geometric area of the electrode.
"""

from dataclasses import dataclass, field

import numpy as np

from analysis.electrochemistry.materials import DEFAULT, HalfCell

# Conductivity [S/m] that carries charge but no salt. It keeps the potential defined where the
# electrolyte is empty, is a 1e-5th of the bulk value, and cannot draw out salt that is not there.
BACKGROUND_S_M = 1e-5


def exponential_fitting(peclet):
    """
    Factor of the diffusivity that keeps a drift-diffusion flux free of oscillations.

    With ``(P/2) coth(P/2)`` the central difference becomes the exact flux of a constant drift
    between two cells (Scharfetter and Gummel), positive at any cell Peclet number P. For the
    small P of a cell that holds salt it is 1 + P²/12, so the scheme stays second order.

    Returns
    -------
    factor, slope : ndarray
        The factor and its derivative by P.
    """
    half = 0.5 * np.clip(peclet, -1400, 1400)
    small = np.abs(half) < 1e-3
    safe = np.where(small, 1.0, half)
    coth = 1 / np.tanh(safe)
    factor = np.where(small, 1 + half**2 / 3, safe * coth)
    slope = np.where(small, half / 3, 0.5 * (coth - safe * (coth**2 - 1)))
    return factor, slope


@dataclass(frozen=True)
class ElectrodeProfile:
    """
    What the 1D model needs to know of an electrode, per slab from separator to collector.

    Parameters
    ----------
    thickness_m : float
        Thickness of the electrode; the slabs divide it evenly.
    active : (M,) ndarray
        Volume fraction [-] of the active material.
    electrolyte : (M,) ndarray
        Volume fraction [-] of electrolyte: pores and the nanopores of the CBD.
    surface_1_m : (M,) ndarray
        Reactive surface per volume [1/m]: AM against pore, plus AM against CBD times the
        porosity of the CBD.
    transport : (M,) ndarray
        Effective ionic conductivity relative to the bulk electrolyte [-].
    electronic_S_m : (M,) ndarray
        Effective electronic conductivity [S/m] of AM and CBD together.
    radius_m : float
        Radius of the equivalent spheres of active material.
    """

    thickness_m: float
    active: np.ndarray
    electrolyte: np.ndarray
    surface_1_m: np.ndarray
    transport: np.ndarray
    electronic_S_m: np.ndarray
    radius_m: float

    def __post_init__(self):
        names = ("active", "electrolyte", "surface_1_m", "transport", "electronic_S_m")
        arrays = [np.atleast_1d(np.asarray(getattr(self, name), dtype=float)) for name in names]
        n_slabs = max(array.size for array in arrays)
        for name, array in zip(names, arrays, strict=True):
            if array.ndim != 1 or array.size not in (1, n_slabs):
                raise ValueError(
                    f"Depth profile '{name}' has shape {array.shape}; expected one value or "
                    f"{n_slabs} values, one per slab from separator to collector."
                )
            object.__setattr__(self, name, np.broadcast_to(array, n_slabs).copy())
        self._check()

    def _check(self):
        if not (np.isfinite(self.thickness_m) and 1e-6 < self.thickness_m < 2e-3):
            raise ValueError(
                f"The electrode is {self.thickness_m:g} m thick; expected 1e-6 to 2e-3 m. "
                "Lengths of the electrochemical model are in meters."
            )
        if not (np.isfinite(self.radius_m) and 1e-8 < self.radius_m < 1e-4):
            raise ValueError(
                f"The particle radius is {self.radius_m:g} m; expected 1e-8 to 1e-4 m."
            )
        for name, what in (("active", "active material"), ("electrolyte", "electrolyte")):
            values = getattr(self, name)
            if np.any(~(values >= 0)) or np.any(values > 1):
                raise ValueError(
                    f"Fractions of {what} run from {values.min():.3g} to {values.max():.3g}; "
                    "expected volume fractions between 0 and 1."
                )
        if np.any(self.active + self.electrolyte > 1 + 1e-6):
            raise ValueError(
                "Active material and electrolyte fill more than the volume "
                f"({np.max(self.active + self.electrolyte):.3f}); half of the CBD is electrolyte."
            )
        for name, what in (("transport", "ionic"), ("electronic_S_m", "electronic")):
            closed = np.flatnonzero(~(getattr(self, name) > 0))
            if closed.size:
                raise ValueError(
                    f"No {what} path through the electrode: slab {closed[0]} of "
                    f"{self.active.size}, counted from the separator, conducts nothing. Check "
                    "the labels there, or raise gamma."
                )
        if not (np.any(self.surface_1_m > 0) and np.all(self.surface_1_m >= 0)):
            raise ValueError("The electrode has no reactive surface; expected AM against pore.")
        if np.any(self.transport > 1 + 1e-6):
            raise ValueError(
                f"The transport coefficient reaches {self.transport.max():g}; expected values up "
                "to 1, relative to the bulk electrolyte."
            )
        if not np.all(np.isfinite(np.r_[self.electronic_S_m, self.surface_1_m])):
            raise ValueError("Conductivity or surface hold NaN or infinity; expected numbers.")
        spheres = 3 * np.mean(self.active) / self.radius_m
        ratio = np.mean(self.surface_1_m) / spheres if spheres > 0 else 1.0
        if not 1e-4 < ratio < 1e4:
            raise ValueError(
                f"The reactive surface is {np.mean(self.surface_1_m):g} per m; spheres of the "
                f"radius given have {spheres:g} per m. Is it given per µm? Multiply by 1e6."
            )
        dead = (self.surface_1_m > 0) & (self.active <= 0)
        if np.any(dead):
            raise ValueError(
                f"Slab {np.flatnonzero(dead)[0]} has a reactive surface but no active material."
            )


@dataclass(frozen=True)
class Layers:
    """Finite volumes of separator and electrode; `first` is the first electrode cell."""

    materials: HalfCell
    first: int
    width: np.ndarray  # [m] of each cell
    porosity: np.ndarray  # electrolyte [-]
    transport: np.ndarray  # effective relative to bulk [-]
    surface: np.ndarray  # reactive [1/m], zero in the separator
    active: np.ndarray  # [-], electrode cells only
    electronic: np.ndarray  # [S/m], electrode cells only
    radius: float  # [m]
    boundaries: dict = field(default_factory=dict)  # side -> loss of voltage there [V]

    @property
    def n_cells(self):
        """Number of cells, separator included."""
        return self.width.size

    @property
    def centers(self):
        """Cell centers [m], measured from the lithium metal."""
        return np.cumsum(self.width) - self.width / 2

    @property
    def conductance(self):
        """Ionic conductance [1/m] of the inner faces per unit of bulk conductivity."""
        half = self.width / (2 * self.transport)
        return 1 / (half[:-1] + half[1:])

    @property
    def left_weight(self):
        """Weight of the left neighbor in the face value of a flux-continuous field."""
        ease = self.transport / self.width
        return ease[:-1] / (ease[:-1] + ease[1:])

    def salt_at_faces(self, salt):
        """Salt concentration [mol/m³] at the inner faces, for conductivity and diffusivity."""
        left = self.left_weight
        return left * salt[:-1] + (1 - left) * salt[1:]

    @property
    def electronic_conductance(self):
        """Electronic conductance [S/m²] of the inner faces; zero in the separator."""
        half = self.width[self.first :] / (2 * self.electronic)
        inside = 1 / (half[:-1] + half[1:])
        return np.concatenate([np.zeros(self.first), inside])


def layers(depth, materials=DEFAULT, n_electrode=50, n_separator=20):
    """
    Cut separator and electrode into finite volumes.

    Slab values are carried over exactly: fractions and surfaces as averages, conductivities as
    resistances in series.

    Parameters
    ----------
    depth : ElectrodeProfile
        The electrode.
    materials : HalfCell
        Separator and all constants.
    n_electrode, n_separator : int
        Number of cells. Without separator cells the lithium metal touches the electrode.

    Returns
    -------
    Layers
    """
    if n_electrode < 4 or n_separator < 0:
        raise ValueError(
            f"{n_electrode} electrode and {n_separator} separator cells asked for; expected at "
            "least 4 and 0."
        )
    share = _overlap(n_electrode, depth.active.size)
    _check_cells(share, depth)
    separator = materials.separator
    n = n_separator
    sep = np.full(n, 1.0)
    return Layers(
        materials=materials,
        first=n,
        width=np.concatenate(
            [
                sep * separator.thickness_m / max(n, 1),
                np.full(n_electrode, depth.thickness_m / n_electrode),
            ]
        ),
        porosity=np.concatenate([sep * separator.porosity, share @ depth.electrolyte]),
        transport=np.concatenate([sep * separator.gamma, 1 / (share @ (1 / depth.transport))]),
        surface=np.concatenate([0 * sep, share @ depth.surface_1_m]),
        active=share @ depth.active,
        electronic=1 / (share @ (1 / depth.electronic_S_m)),
        radius=float(depth.radius_m),
    )


def _check_cells(share, depth):
    """Every cell needs active material, its surface and electrolyte, or its equations are empty."""
    for what, values in (
        ("active material", depth.active),
        ("reactive surface", depth.surface_1_m),
        ("electrolyte", depth.electrolyte),
    ):
        empty = np.flatnonzero(share @ values <= 0)
        if empty.size:
            raise ValueError(_empty_cell(int(empty[0]), share, values, what))


def _empty_cell(cell, share, values, what):
    """What is wrong with a cell, in which slabs, and what can be done about it."""
    n_cells, n_slabs = share.shape
    inside = np.flatnonzero(share[cell] > 0)
    filled = np.flatnonzero(values > 0)
    message = (
        f"Cell {cell} of {n_cells}, counted from the separator, has no {what}: slabs {inside[0]} "
        f"to {inside[-1]} of {n_slabs} hold none. The homogenized model needs some in every cell. "
    )
    if not filled.size:
        return message + "Check the labels: there is none in the whole electrode."
    fewer = next(
        (n for n in range(n_cells - 1, 3, -1) if np.all(_overlap(n, n_slabs) @ values > 0)), None
    )
    if inside[-1] < filled[0] or inside[0] > filled[-1]:
        message += f"Cut the volume to the slabs {filled[0]} to {filled[-1]}, where it is filled"
    else:
        message += "A gap inside an electrode is none that this model can bridge: check the labels"
    return message + (f", or pass n_electrode={fewer}." if fewer else ".")


def _overlap(n_cells, n_slabs):
    """Share of each cell that lies in each slab; rows sum to one."""
    cells, slabs = np.linspace(0, 1, n_cells + 1), np.linspace(0, 1, n_slabs + 1)
    low = np.maximum(cells[:-1, None], slabs[None, :-1])
    high = np.minimum(cells[1:, None], slabs[None, 1:])
    share = np.clip(high - low, 0, None)
    return share / share.sum(axis=1, keepdims=True)
