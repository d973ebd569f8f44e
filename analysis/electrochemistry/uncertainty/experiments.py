"""Experiments on a half cell, each reduced to a few numbers that say all it has to say.

Hundreds of points of one curve are no hundreds of measurements: what a model gets wrong, it gets
wrong over a whole stretch. So a curve becomes a dozen numbers, and with them comes a covariance:
how far the model may be off even with all parameters right. Its size is that of the difference
between the homogenized and the resolved model on the same voxels (chapter on the resolved cell:
10 to 20 mV, 2 % of the capacity); over the curve it is correlated.
"""

from dataclasses import dataclass

import numpy as np

from analysis.electrochemistry import gamma_fit
from analysis.electrochemistry.current_profile import CurrentProfile, lithiation, rest
from analysis.electrochemistry.materials import DEFAULT
from analysis.electrochemistry.porous_electrode.current_profiles.following import follow
from analysis.electrochemistry.porous_electrode.half_cell import Control
from analysis.electrochemistry.target_curve import check_curve

SHARES = (0.02, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 0.97)  # of the capacity at the end
DISCREPANCY_V = 0.015
DISCREPANCY_CAPACITY = 0.02  # of its logarithm
DISCREPANCY_RESISTANCE = 0.05  # of its logarithm
CORRELATION = 0.3  # share of the capacity over which a discrepancy stays alike
NOISE_V = 1e-3  # of a voltage that is interpolated from many
QUICK = Control(voltage_error_V=1e-3, salt_error_mol_m3=5.0)


@dataclass(frozen=True)
class LithiationCurve:
    """
    A lithiation down to the cut-off: its capacity, and the voltage at shares of it.

    Attributes
    ----------
    current_mA_cm2 : float
        Current density.
    """

    current_mA_cm2: float = gamma_fit.FIT_CURRENT_MA_CM2

    def __str__(self):
        return f"lithiation at {self.current_mA_cm2:g} mA/cm²"

    def simulate(self, structure, gamma, materials=DEFAULT, fidelity="coarse"):
        """The numbers that the homogenized model gives, see :meth:`reduce`."""
        run = gamma_fit.simulate(
            structure.at(gamma), self.current_mA_cm2, materials=materials, fidelity=fidelity
        )
        return self.reduce(run.capacity_mAh_cm2, run.voltage_V, materials.cutoff_V)

    def reduce(self, capacity_mAh_cm2, voltage_V, cutoff_V=DEFAULT.cutoff_V):
        """
        Numbers of a curve.

        Parameters
        ----------
        capacity_mAh_cm2, voltage_V : (N,) array
            The curve.
        cutoff_V : float
            Where it must end [V].

        Returns
        -------
        numbers : (F,) ndarray
            Logarithm of the capacity at the end, then voltages at :data:`SHARES` of it.

        Raises
        ------
        ValueError
            If it is no curve, or ends elsewhere: then its capacity says nothing.
        """
        capacity, voltage = check_curve(capacity_mAh_cm2, voltage_V)
        if abs(voltage[-1] - cutoff_V) > 0.05:
            raise ValueError(
                f"The curve ends at {voltage[-1]:.2f} V; expected the cut-off of {cutoff_V:g} V, "
                "for the capacity down to it is what tells most. Give the whole lithiation."
            )
        at = np.interp(np.array(SHARES) * capacity[-1], capacity, voltage)
        return np.concatenate([[np.log(capacity[-1])], at])

    @property
    def covariance(self):
        """Covariance (F, F) of what the model cannot be expected to meet."""
        return _block(DISCREPANCY_CAPACITY, np.array(SHARES), CORRELATION)


@dataclass(frozen=True)
class Relaxation:
    """
    The rest after a short lithiation: voltages at times of the rest.

    Attributes
    ----------
    current_mA_cm2, lithiated_s : float
        Of the lithiation before.
    times_s : tuple of float
        After the end of the current.
    """

    current_mA_cm2: float = 3.0
    lithiated_s: float = 900.0
    times_s: tuple = (1.0, 10.0, 60.0, 300.0, 1200.0, 3600.0)

    def __str__(self):
        return f"rest after {self.current_mA_cm2:g} mA/cm²"

    def simulate(self, structure, gamma, materials=DEFAULT, fidelity="coarse"):
        """Voltages at `times_s` [V]; the last one, then what is left of the others above it."""
        level = gamma_fit.FIDELITIES[fidelity]
        steps = CurrentProfile(
            (lithiation(self.current_mA_cm2, duration_s=self.lithiated_s), rest(self.times_s[-1]))
        )
        run = follow(
            structure.at(gamma),
            steps,
            materials=materials,
            n_electrode=level.n_electrode,
            n_separator=level.n_separator,
            control=QUICK,
        )
        at = np.interp(self.lithiated_s + np.array(self.times_s), run.time_s, run.voltage_V)
        return np.concatenate([at[-1:], at[:-1] - at[-1]])

    @property
    def covariance(self):
        """Covariance (F, F) of what the model cannot be expected to meet."""
        lags = np.log(self.times_s[:-1])
        return _block(DISCREPANCY_V, lags, np.log(10.0), DISCREPANCY_V / 3)


@dataclass(frozen=True)
class BlockingSpectrum:
    """The ionic resistance of a blocking spectrum, in a cell with the same electrode."""

    def __str__(self):
        return "blocking spectrum"

    def simulate(self, structure, gamma, materials=DEFAULT, fidelity="coarse"):
        """Logarithm of the ionic resistance [Ω m²]; the salt is everywhere that at rest."""
        salt = materials.electrolyte.initial_mol_m3
        kappa = float(materials.electrolyte.conductivity_S_m(salt))
        return np.array([np.log(structure.thickness_m / (kappa * structure.effective(gamma)))])

    @property
    def covariance(self):
        """Covariance (1, 1) of what the model cannot be expected to meet."""
        return np.array([[DISCREPANCY_RESISTANCE**2]])


def joint_covariance(experiments):
    """Covariance of several experiments, whose discrepancies are taken as independent."""
    from scipy.linalg import block_diag

    return block_diag(*(one.covariance for one in experiments))


def _block(first, places, length, voltage=DISCREPANCY_V):
    """One number of its own, then voltages with a correlated discrepancy, and noise."""
    apart = (places[:, None] - places) / length
    volts = voltage**2 * np.exp(-0.5 * apart**2) + NOISE_V**2 * np.eye(places.size)
    out = np.zeros((places.size + 1, places.size + 1))
    out[0, 0], out[1:, 1:] = first**2, volts
    return out
