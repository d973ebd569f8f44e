"""Posteriors from few specimens and from one scenario: what more data gains, what a prior costs.

None of it hangs on a run of the book, so ``benchmarks/limit.py`` makes it once and keeps it.
"""

import numpy as np
import pandas as pd

from analysis.phases import Phase
from analysis.segmentation import agreement, posterior
from analysis.segmentation.boosting import posterior_model, posterior_training
from analysis.study.limit import limit
from analysis.study.limit import posterior as training

SPECIMENS = (1, 2, 4, 8)
TREES = (40, 100)  # for AM and for the CBD: fewer than the stored ones have
LATERAL = 40  # voxels of a specimen along y and x
NOISE = 0.12  # of the tomograms it is judged on
JUDGED = 60_000  # voxels of each of them


def judges(seed_for, *, lateral=LATERAL, thickness=None, voxels=JUDGED):
    """
    Voxels of specimens at the reference setting, of both electrodes.

    Parameters
    ----------
    seed_for : callable
        :meth:`analysis.profiles.Profile.seed_for` of a profile: the specimens are those that the
        chapter of this profile is judged on.
    lateral, thickness : int
        Voxels along y and x, and along z.
    voxels : int
        Of each specimen.

    Returns
    -------
    examples : dict of str to list of Examples
        Keyed by scenario; see :mod:`analysis.segmentation.boosting.posterior_training`.
    """
    found = {}
    for scenario in training.SCENARIOS:
        for name in training.NAMES:
            seed = seed_for("limit", name, scenario)
            (one,) = limit.known(
                name, scenario, 1, seed=seed, lateral=lateral, thickness=thickness, noises=(NOISE,)
            )
            seen = posterior_training.examples(one.gray, one.labels, None, seed=seed, voxels=voxels)
            found.setdefault(scenario, []).append(seen)
    return found


def curve(
    seed_for, *, specimens=SPECIMENS, trees=TREES, lateral=LATERAL, thickness=None, voxels=JUDGED
):
    """
    Posteriors from few specimens, from one scenario, and what they reach where they were not.

    Parameters
    ----------
    seed_for : callable
        As for :func:`judges`.
    specimens : sequence of int
        Of which posteriors are trained, both electrodes and scenarios in turns.
    trees : tuple of int
        For AM and for the CBD.
    lateral, thickness : int
        Voxels along y and x, and along z.
    voxels : int
        Of each specimen that they are judged on.

    Returns
    -------
    table : pandas.DataFrame
        Columns trained on (``both`` or a scenario), specimens, voxels, judged on (scenario) and
        kappa [-], the mean of both electrodes, without the depth profile. The posterior that
        comes with the package is ``stored``.
    """
    most = max(specimens)
    shape = {"lateral": lateral, "thickness": thickness}
    seen = [training.examples(n, tomograms=1, **shape)[0] for n in range(most)]
    scenario_of = [training.setting(n).scenario for n in range(most)]
    parts = {("both", count): seen[:count] for count in specimens}
    for scenario in training.SCENARIOS:
        part = [one for one, of in zip(seen, scenario_of, strict=True) if of == scenario]
        parts[scenario, len(part)] = part
    known = judges(seed_for, voxels=voxels, **shape)
    rows = []

    def judge(trained_on, count, shown, model):
        for scenario, examples in known.items():
            kappas = [kappa(model, one) for one in examples]
            row = {"trained on": trained_on, "specimens": count, "voxels": shown}
            rows.append(row | {"judged on": scenario, "kappa": float(np.mean(kappas))})

    for (trained_on, count), part in parts.items():
        model = posterior_training.learn(part, seed=seed_for("limit"), trees=trees)
        judge(trained_on, count, sum(one.phases.size for one in part), model)
    judge("stored", None, None, posterior_model.stored())
    return pd.DataFrame(rows)


def kappa(model, examples):
    """
    Kappa of CBD against pore on voxels of one tomogram, ranked to their true fractions.

    Parameters
    ----------
    model : analysis.segmentation.boosting.posterior_model.Model
    examples : analysis.segmentation.boosting.posterior_training.Examples

    Returns
    -------
    kappa : float
    """
    found = posterior.of_features(np.ascontiguousarray(examples.features.T), model)
    truth = examples.phases.reshape(-1, 1, 1)
    targets = {phase: float(np.mean(truth == phase)) for phase in Phase}
    labels = posterior.ranked(found.reshape(-1, 1, 1, len(Phase)), targets)
    return agreement.kappa(labels, truth)
