"""What the tables on the network say, in words that follow their numbers.

A sentence here is made from the table that stands beside it, so it turns round when a run does.
"""

import numpy as np

ACTIVATIONS = {"tanh": r"\tanh", "relu": r"\max(0,\cdot)"}
TIE = 0.01  # R² apart by less is no difference


def activation(settings):
    """
    The activation of the study's hidden layers, as word and as formula.

    Parameters
    ----------
    settings : analysis.profiles.Profile
        Of this run.

    Returns
    -------
    word, formula : str

    Raises
    ------
    ValueError
        If the profile names an activation that has no formula here.
    """
    name = settings.nn_activation
    if name not in ACTIVATIONS:
        raise ValueError(
            f"The activation {name!r} has no formula; expected one of {', '.join(ACTIVATIONS)}. "
            "Add it to analysis/study/neural_verdicts.py."
        )
    return name, ACTIVATIONS[name]


def pore_choice(choices, study="as in the study", printed="Table 2"):
    """
    Which setting meets the printed pore radius best, and where the study's own stands.

    Parameters
    ----------
    choices : pandas.DataFrame
        From :func:`analysis.study.trinarization.neural.choices`.
    study, printed : str
        Names of the rows of the study's settings and of the paper's radii.

    Returns
    -------
    text : str
    """
    radii = choices.set_index("setting")["r_max_P"]
    target, ours = radii[printed], radii[study]
    others = radii.drop([printed])
    distance = (others - target).abs()
    nearest = distance.idxmin()
    side = "finer" if ours < target else "coarser"
    head = (
        f"the pores of NN-AM-Cond come out at {ours:.2f} µm with the settings of the study, "
        f"{side} than the paper's {target:.2f} µm"
    )
    if nearest == study:
        return f"{head}; none of the other settings of this run comes nearer"
    return (
        f"{head}; the setting “{nearest}” comes nearer in this run, with {others[nearest]:.2f} "
        "µm. "
        "So the printed radius does not speak for the study's choice"
    )


def split_effect(scores, binning, samples="SL", phase="CBD"):
    """
    What the two splits do to the network itself, judged on voxels that neither has seen.

    Parameters
    ----------
    scores : pandas.DataFrame
        Columns protocol, binning, samples, phase, r2.
    binning : int
    samples, phase : str
        Where and on what they are compared.

    Returns
    -------
    text : str
    """
    leaked, blocks = _after_the_splits(scores, binning, samples, phase)
    numbers = f"R² of the {phase} on {samples} is {leaked:.2f} after the leaking split and "
    numbers += f"{blocks:.2f} after the split by blocks"
    return f"{numbers}: {_better_network(leaked, blocks)}"


def split_effects(scores, binnings, samples="SL", phase="CBD"):
    """
    :func:`split_effect` for several binnings; what is the same for all of them is said once.

    Parameters
    ----------
    scores, samples, phase
        As there.
    binnings : sequence of int

    Returns
    -------
    text : str
    """
    pairs = {binning: _after_the_splits(scores, binning, samples, phase) for binning in binnings}
    verdicts = {_better_network(*pair) for pair in pairs.values()}
    if len(verdicts) > 1:
        return ". ".join(
            f"With a binning of {binning}, {split_effect(scores, binning, samples, phase)}"
            for binning in binnings
        )
    numbers = "; ".join(
        f"{leaked:.2f} and {blocks:.2f} with a binning of {binning}"
        for binning, (leaked, blocks) in pairs.items()
    )
    return (
        f"After the leaking split and after the split by blocks, R² of the {phase} on {samples} is "
        f"{numbers}: {verdicts.pop()}"
    )


def _after_the_splits(scores, binning, samples, phase):
    by = scores.set_index(["protocol", "binning", "samples", "phase"]).r2
    return tuple(float(by[(protocol, binning, samples, phase)]) for protocol in ("paper", "blocks"))


def _better_network(leaked, blocks):
    if abs(leaked - blocks) < TIE:
        return "the networks are equally good, only the score that they report differs"
    if leaked > blocks:
        return (
            "the network whose test was spoiled is the better one. The split by blocks "
            "gives up voxels to keep the test apart, and so few are left to learn from that this "
            "costs more than the leak, which spoils the measurement rather than the training"
        )
    return (
        "here the split by blocks also gives the better network, for its early "
        "stopping sees a score that is not leaked"
    )


def loss_gap(losses, best_epoch):
    """
    How training and validation loss stand to each other at the epoch that is kept.

    Parameters
    ----------
    losses : pandas.DataFrame
        Columns epoch, training, validation (mean squared errors).
    best_epoch : int

    Returns
    -------
    text : str
    """
    row = losses.set_index("epoch").loc[best_epoch]
    ratio = float(row.training / row.validation)
    if not np.isfinite(ratio):
        return "training and validation loss cannot be compared at the kept epoch"
    if 0.8 <= ratio <= 1.25:
        return f"at the kept epoch the training loss is {ratio:.1f} times the validation loss"
    which = "above" if ratio > 1 else "below"
    return (
        f"at the kept epoch the training loss lies {which} the validation loss, {ratio:.1f} times "
        "it. The two are errors on different blocks of one small cutout: where the composition "
        "varies less, the same network makes a smaller squared error, so only the course of a "
        "curve counts, not its height"
    )


def memory(scores, binning=2, phase="CBD"):
    """
    Where the score of the leaking split is lost: inside the specimen, or between electrodes.

    Parameters
    ----------
    scores : pandas.DataFrame
        As for :func:`split_effect`.
    binning : int
    phase : str

    Returns
    -------
    text : str
    """
    by = scores.set_index(["protocol", "binning", "samples", "phase"]).r2
    here, specimen, other = (
        float(by[("paper", binning, samples, phase)])
        for samples in ("same stack", "same specimen", "SL")
    )
    if here - max(specimen, other) < TIE:
        return "In this run the score is not lost on the way, so nothing was memorized"
    if here - specimen > specimen - other:
        return (
            "Most of the drop happens inside one specimen: it is memory, not a difference between "
            "electrodes or between their images"
        )
    return (
        "Most of the drop happens between the electrodes: in this run their images differ more "
        "than the memory of the copies is worth"
    )
