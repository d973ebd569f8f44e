"""How often the interval of gamma holds the true gamma: virtual experiments with wrong parameters.

``python benchmarks/gamma_interval.py --profile demo --record FILE``

Each experiment has a gamma and doubtful parameters drawn from their ranges, the finer mesh, noise,
and a discrepancy drawn from the covariance that the interval assumes. Printed are the gamma of a
fit with the default parameters, the interval, and how many hold; then the same without the drawn
discrepancy, and for the error that such a fit prints itself.
"""

import argparse
import os

os.environ |= {name: "1" for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS")}

import numpy as np
from record import recording

from analysis import profiles, storage
from analysis.electrochemistry import gamma_fit
from analysis.electrochemistry.porous_electrode import homogenization
from analysis.electrochemistry.uncertainty import emulator as emulators
from analysis.electrochemistry.uncertainty import uncertain
from analysis.electrochemistry.uncertainty.experiments import LithiationCurve
from analysis.electrochemistry.uncertainty.interval import gamma_interval

GAMMAS = 0.03, 0.2


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--profile", default="demo", help="whose true labels are lithiated")
    parser.add_argument("--specimen", default="TL")
    parser.add_argument("--experiments", type=int, default=40)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--record", help="keep what is printed in this file as well")
    options = parser.parse_args()
    with recording(options.record):
        run(options)


def run(options):
    profile = profiles.get(options.profile)
    volume = storage.load_volume(f"labels/{options.specimen}-1-truth", profile=profile)
    structure = homogenization.from_labels(volume.values, float(volume.attrs["voxel_size_um"]))
    experiment = LithiationCurve()
    rng = np.random.default_rng(options.seed)
    root = np.linalg.cholesky(experiment.covariance)
    made = emulators.of_model(
        structure, [experiment], number=profile.worth_points, seed=options.seed
    )
    held, exact, printed, factors = 0, 0, 0, []
    print(f"{options.specimen}-1 of {profile}: true gamma, gamma of a fit, interval of 90 %")
    done = 0
    while done < options.experiments:
        gamma = float(np.exp(rng.uniform(*np.log(GAMMAS))))
        z = rng.uniform(-1, 1, len(uncertain.UNCERTAIN))
        capacity, voltage = curve(structure, gamma, z)
        off = root @ rng.normal(size=len(root))
        seen = experiment.reduce(capacity, voltage)
        noisy = voltage + rng.normal(0, profile.noise_V, voltage.size)
        fit = gamma_fit.fit_gamma(structure, capacity, noisy)
        found = [
            gamma_interval(made, numbers, experiment.covariance, seed=options.seed)
            for numbers in (seen + off, seen)
        ]
        done += 1
        one = found[0]
        inside = one.low <= gamma <= one.high
        held += inside
        exact += found[1].low <= gamma <= found[1].high
        printed += abs(fit.gamma - gamma) <= 1.645 * fit.gamma_error
        factors.append(one.factor)
        mark = "" if inside else "  missed"
        mark += "  at a bound" if one.at_bound else ""
        print(
            f"{done:3d}  {gamma:.3f}  fit {fit.gamma:.3f} +- {fit.gamma_error:.4f}  "
            f"{one.low:.3f} to {one.high:.3f}{mark}",
            flush=True,
        )
    n = options.experiments
    print(f"the interval of 90 % holds the true gamma in {held} of {n} ({100 * held / n:.0f} %)")
    print(f"without a drawn discrepancy in {exact} of {n} ({100 * exact / n:.0f} %)")
    print(f"that of the printed error of the fit in {printed} of {n} ({100 * printed / n:.0f} %)")
    print(f"upper over lower end, median: {np.median(factors):.2f}")


def curve(structure, gamma, z):
    """The curve of an experiment, 300 points evenly in capacity, without noise."""
    materials = uncertain.materials_at(z)
    done = gamma_fit.simulate(
        structure.at(gamma), gamma_fit.FIT_CURRENT_MA_CM2, materials=materials, fidelity="fine"
    )
    even = np.linspace(0, done.capacity_mAh_cm2[-1], 300)
    return even, np.interp(even, done.capacity_mAh_cm2, done.voltage_V)


if __name__ == "__main__":
    main()
