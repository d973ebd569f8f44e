"""What the chapter on the limit of a tomogram runs, in the sizes of a profile."""

from functools import lru_cache

import numpy as np
import pandas as pd

from analysis import profiles, progress, storage
from analysis.phases import Phase
from analysis.segmentation import agreement, draws, posterior
from analysis.segmentation.boosting import posterior_model, posterior_training
from analysis.study.limit import beside, limit
from analysis.study.limit import posterior as training

NOISE = 0.12  # of the reference setting
JUDGED = 60_000  # voxels on which small posteriors are judged


def _known(profile, name, scenario, noises):
    return limit.known(
        name,
        scenario,
        1,
        seed=profile.seed_for("limit", name, scenario),
        lateral=profile.limit_lateral,
        thickness=profile.limit_thickness,
        noises=noises,
    )


@lru_cache(maxsize=2)  # both electrodes; the chapter comes back to them
def reference(profile, name="SL"):
    """
    A tomogram at the reference setting and its posteriors.

    Returns
    -------
    one : analysis.study.limit.limit.Known
    probabilities : dict of str to (Z, Y, X, 3) ndarray
    """
    (one,) = _known(profile, name, profile.scenarios[0], (NOISE,))
    return one, limit.posteriors(one)


def overlap(profile, *, also=None):
    """
    Scores of methods without training and of the posterior on new specimens.

    Every scenario at the reference noise. Writes the table ``limit-overlap``.

    Parameters
    ----------
    profile : analysis.profiles.Profile
    also : callable, optional
        Gives more probabilities of an :class:`analysis.study.limit.limit.Known`, by name.

    Returns
    -------
    table : pandas.DataFrame
        Columns specimen, scenario, number, noise, method, those of
        :func:`analysis.study.trinarization.standing.score`, and ``calibration error`` [-].
    """
    rows = []
    for scenario in profile.scenarios:
        for name in profiles.ELECTRODES:
            if scenario == profile.scenarios[0]:
                one, said = reference(profile, name)
            else:
                (one,) = _known(profile, name, scenario, (NOISE,))
                said = limit.posteriors(one)
            said = said | (also(one) if also else {})
            rows += limit.scores(one, limit.rivals(one), said)
    table = pd.DataFrame(rows)
    storage.save_table("limit-overlap", table, profile=profile)
    return table


def learning(profile):
    """
    Posteriors from few specimens, from one scenario, and what they reach where they were not.

    Writes the table ``limit-learning``.

    Returns
    -------
    table : pandas.DataFrame
        Columns trained on (``both`` or a scenario), specimens, voxels, judged on (scenario) and
        kappa [-], the mean of both electrodes, without the depth profile. The posterior that
        comes with the package is ``stored``.
    """
    shape = {"lateral": profile.limit_lateral, "thickness": profile.limit_thickness}
    most = max(profile.limit_learning)
    seen = [training.examples(n, tomograms=1, **shape)[0] for n in range(most)]
    scenario_of = [training.setting(n).scenario for n in range(most)]
    models = {
        ("both", count): (seen[:count], profile.limit_trees) for count in profile.limit_learning
    }
    for scenario in training.SCENARIOS:
        part = [one for one, of in zip(seen, scenario_of, strict=True) if of == scenario]
        models[scenario, len(part)] = (part, profile.limit_trees)
    judges = {
        scenario: [
            posterior_training.examples(one.gray, one.labels, None, seed=one.seed, voxels=JUDGED)
            for name in profiles.ELECTRODES
            for one in _known(profile, name, scenario, (NOISE,))
        ]
        for scenario in training.SCENARIOS
    }
    rows = []

    def judge(trained_on, count, voxels, model):
        for scenario, examples in judges.items():
            kappas = [kappa(model, one) for one in examples]
            rows.append(
                {
                    "trained on": trained_on,
                    "specimens": count,
                    "voxels": voxels,
                    "judged on": scenario,
                    "kappa": float(np.mean(kappas)),
                }
            )

    lessons = progress.through(models.items(), "posteriors trained", lambda one: f"{one[0]}")
    for (trained_on, count), (part, trees) in lessons:
        model = posterior_training.learn(part, seed=profile.seed_for("limit"), trees=trees)
        judge(trained_on, count, sum(one.phases.size for one in part), model)
    judge("stored", None, None, posterior_model.stored())
    table = pd.DataFrame(rows)
    storage.save_table("limit-learning", table, profile=profile)
    return table


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


def physics(profile):
    """
    What the cell feels of the most probable map, of draws, of independent draws and of a method.

    Writes the table ``limit-physics``.

    Returns
    -------
    table : pandas.DataFrame
        Columns specimen, scenario, number, noise, kind, kappa [-] and those of
        :func:`analysis.study.limit.limit.physics`; kind ``truth`` first.
    """
    rows = []
    for name in profiles.ELECTRODES:
        one, probabilities = reference(profile, name)
        by_scenario = posterior.by_scenario(one.gray, one.cbd_profile)
        best = probabilities[limit.WITH_PROFILE]
        found = limit.maps(one, best, by_scenario, count=profile.limit_draws)
        kinds = (("truth", one.labels), *limit.rivals(one).items(), *found)
        for kind, labels in progress.through(kinds, f"maps of {name}", lambda one: one[0]):
            row = one.place | {"kind": kind, "kappa": agreement.kappa(labels, one.labels)}
            rows.append(row | limit.physics(labels))
    table = pd.DataFrame(rows)
    storage.save_table("limit-physics", table, profile=profile)
    return table


def deviations(table):
    """
    Deviation from the truth of each kind of map, mean of its draws and of the electrodes.

    Parameters
    ----------
    table : pandas.DataFrame
        From :func:`physics`.

    Returns
    -------
    table : pandas.DataFrame
        One row for each kind: kappa [-] and the relative deviation of each quantity [%], of which
        the size was averaged over the electrodes.
    """
    quantities = list(table.columns[table.columns.get_loc("kappa") + 1 :])
    truth = table[table.kind == "truth"].set_index("specimen")[quantities]
    rest = table[table.kind != "truth"]
    each = rest.groupby(["kind", "specimen"], sort=False)[["kappa", *quantities]].mean()
    specimens = each.index.get_level_values("specimen")
    each[quantities] = 100 * np.abs(each[quantities] / truth.loc[specimens].values - 1)
    return each.groupby(level="kind", sort=False).mean().reset_index()


def gammas(profile):
    """
    Gamma of the most probable map and of draws, from a lithiation of the truth they are to show.

    On the tomograms of :func:`reference`. Writes the table ``limit-gamma``.

    Returns
    -------
    table : pandas.DataFrame
        As :func:`analysis.study.limit.beside.ratios` gives it.
    """
    maps, truths = {}, {}
    for name in profiles.ELECTRODES:
        one, probabilities = reference(profile, name)
        truths[name] = one.labels
        by_scenario = posterior.by_scenario(one.gray, one.cbd_profile)
        drawn = draws.several(
            by_scenario, one.targets, count=profile.limit_gamma_draws, seed=one.seed
        )
        found = {"posterior": posterior.ranked(probabilities[limit.WITH_PROFILE], one.targets)}
        found |= {f"draw {number}": labels for number, labels in enumerate(drawn, 1)}
        found |= limit.rivals(one)
        for kind, labels in found.items():
            maps.setdefault(kind, {})[name] = labels
    fitted = beside.gammas(
        maps, truths, gamma=profile.gamma_true, current_mA_cm2=profile.fit_current
    )
    table = beside.ratios(fitted)
    storage.save_table("limit-gamma", table, profile=profile)
    return table
