"""Which method for which tomogram: branches of a decision, each with numbers of the run."""

import numpy as np
import pandas as pd

from analysis import profiles, storage
from analysis.figures import style
from analysis.instruments import image_quality
from analysis.phases import VOXEL_SIZE_UM
from analysis.study.book.answer import KINDS
from analysis.study.limit import kept, limit, limit_runs
from analysis.study.own_data.image_branch import branch

# What one may ask a map, and the column of the table of physics that answers.
ASKED = {
    "size of the pores": "r_max_P",
    "size of the CBD": "r_max_CBD",
    "surface that pores wet": "AM-pore",
    "interface of CBD and pore": "CBD-pore",
    "conductivity of the electrolyte, gamma 0.08": "k_eff 0.08",
}
LATERAL, THICKNESS = 40, 90  # voxels of the images in which the noise is measured


def noises(profile, record=None):
    """
    For each noise: what is measured in the image, and how far methods and posteriors get.

    Parameters
    ----------
    profile : analysis.profiles.Profile
    record : dict, optional
        Figures of the limit that are kept, see :func:`analysis.study.limit.kept.load`.

    Returns
    -------
    table : pandas.DataFrame
        Columns branch, measured noise [-], the best method without training and its kappa, kappa of
        the best posterior without (``learned``) and with depth profile, ``blur`` [µm] and the
        ``nominal`` noise; means of SL and TL.
    """
    curves = kept.sweep(kept.load() if record is None else record)["noise"]
    told = list(kept.PROFILED.values())
    untrained = [name for name in limit.RIVALS if name in curves]
    rows = []
    for place, noise in enumerate(curves["floor"][0]):
        kappa = pd.Series({name: float(values[place]) for name, (_, values) in curves.items()})
        found = [_quality(profile, name, float(noise)) for name in profiles.ELECTRODES]
        measured = float(np.mean([one.noise for one in found]))
        rows.append(
            {
                "branch": branch(measured),
                "measured": measured,
                "without training": style.label(kappa[untrained].idxmax()),
                "its kappa": kappa[untrained].max(),
                "learned": kappa[list(kept.PROFILED)].max(),
                "with profile": kappa[told].max(),
                "blur": float(np.mean([one.blur_um for one in found])),
                "nominal": float(noise),
            }
        )
    return pd.DataFrame(rows)


def asked(profile):
    """
    For each thing that one may ask a map: which kind of map is nearest to the truth.

    Parameters
    ----------
    profile : analysis.profiles.Profile

    Returns
    -------
    table : pandas.DataFrame
        Columns asked, best map, its deviation [%], best method without training, its deviation [%].
    """
    storage.require("tables", "limit-physics", profile=profile)
    physics = storage.load_table("limit-physics", profile=profile)
    rows = limit_runs.deviations(physics).set_index("kind")
    found = []
    for question, column in ASKED.items():
        off = rows[column]
        rival = off[[kind for kind in off.index if kind in limit.RIVALS]]
        found.append(
            {
                "asked": question,
                "nearest": KINDS.get(off.idxmin(), style.label(off.idxmin())),
                "off by": float(off.min()),
                "without training": style.label(rival.idxmin()),
                "it is off by": float(rival.min()),
            }
        )
    return pd.DataFrame(found)


def noise_text(table):
    """
    What the noise decides, in words.

    Parameters
    ----------
    table : pandas.DataFrame
        From :func:`noises`.
    """
    first, last = table.iloc[0], table.iloc[-1]
    gains = table.learned - table["its kappa"]
    if (gains > 0).all():
        verdict = "At every noise a trained posterior without any profile is ahead"
    elif (gains > 0).any():
        ahead = f"{int((gains > 0).sum())} of {len(gains)} noises"
        verdict = f"A trained posterior without any profile is ahead at {ahead}"
    else:
        verdict = "At no noise of this run is a trained posterior without any profile ahead"
    return (
        f"From {first.branch} to {last.branch} noise the best method without training falls from "
        f"a kappa of {first['its kappa']:.2f} to {last['its kappa']:.2f}. {verdict}: by "
        f"{gains.min():+.2f} to "
        f"{gains.max():+.2f}".replace("-", "−")
    )


def network_text(scores, kappas):
    """
    Whether a FIB-SEM stack pays, in words.

    Parameters
    ----------
    scores : pandas.DataFrame
        Table ``network-scores``.
    kappas : pandas.Series
        Mean kappa by method.
    """
    cbd = scores[(scores.protocol == "paper") & (scores.phase == "CBD")]
    same = cbd[cbd["samples"] == "same stack"].r2.mean()
    other = cbd[cbd["samples"].isin(profiles.ELECTRODES)].r2.mean()
    network = kappas[[name for name in kappas.index if name.startswith("nn-")]]
    rest = kappas[[name for name in limit.RIVALS if name in kappas.index]]
    if network.empty or rest.empty:
        return "This run has no network to compare"
    verdict = "beats" if network.max() > rest.max() else "does not beat"
    return (
        f"A network trained on one small stack explains {100 * max(same, 0):.0f} % of the "
        "variance of the CBD share there and "
        f"{100 * max(other, 0):.0f} % in the other electrodes; its best conversion "
        f"({style.label(network.idxmax())}, kappa {network.max():.2f}) {verdict} the best method "
        f"without training ({style.label(rest.idxmax())}, {rest.max():.2f})"
    ).replace("kappa -", "kappa −")


def _quality(profile, name, noise):
    (one,) = limit.known(
        name, profile.scenarios[0], 1, seed=profile.seed_for("limit", name, profile.scenarios[0]),
        lateral=LATERAL, thickness=THICKNESS, noises=(noise,),
    )  # fmt: skip
    return image_quality.measure(one.gray, one.targets, VOXEL_SIZE_UM)
