"""What the kept figures say, in sentences made from the numbers."""

import numpy as np

from analysis.study.limit import kept

WANTED = {"SL": 0.44, "TL": 0.49}  # kappa of the U-Net in the reference scenario
TOLD = {"SL": 0.47, "TL": 0.51}  # of one that need not ask which scenario it is
OURS = (*kept.PROFILED, *kept.PROFILED.values(), kept.INFORMED)
GAIN = 0.01  # of kappa; twice the size or data should gain no more
LOST = 0.5  # share of the lead over chance below which little is left


def reached(record):
    """How far the U-Net gets on fresh electrodes, beside the posterior and what was wanted."""
    rows = kept.evidence(record)
    rows = rows[(rows.scenario == "bridging") & (rows.noise == kept.REFERENCE_NOISE)]
    rows = rows.set_index(["specimen", "method"])
    parts = []
    for name, wanted in WANTED.items():
        net = rows.kappa[name, "U-Net with profile"]
        trees = rows.kappa[name, "posterior with profile"]
        number = int(rows.specimens[name, "U-Net with profile"])
        met = "met" if net >= wanted else f"missed by {wanted - net:.2f}"
        parts.append(
            f"{net:.2f} on {number} electrodes of {name} (the trees: {trees:.2f}; the aim set "
            f"before training: {wanted:.2f}, {met})"
        )
    text = "With the depth profile the U-Net reaches a kappa of " + " and ".join(parts) + "."
    told = rows.kappa.unstack("method").get(kept.INFORMED)
    if told is None:
        return text
    parts = [
        f"{told[name]:.2f} on {name} (the aim set before training: {wanted:.2f}, "
        f"{'met' if told[name] >= wanted else f'missed by {wanted - told[name]:.2f}'})"
        for name, wanted in TOLD.items()
    ]
    return f"{text} Told the scenario, it reaches {' and '.join(parts)}."


def ahead(record):
    """Whether the posterior is above all methods of the paper that know no more than it does."""
    wide = kept.evidence(record).pivot_table(
        index=["scenario", "noise", "specimen"], columns="method", values="kappa", sort=False
    )
    paper = [name for name in wide if name not in OURS]
    sentences = []
    for name, told, rivals in (
        (
            "posterior",
            "Without the depth profile the posterior",
            [m for m in paper if m != "edx-closing"],
        ),
        ("posterior with profile", "With it the posterior", paper),
    ):
        lead = wide[name] - wide[rivals].max(axis=1)
        behind = [
            f"{place[2]}, {place[0]}, noise {place[1]:g}: {-value:.3f} behind {best}"
            for place, value, best in zip(
                lead.index, lead, wide[rivals].idxmax(axis=1), strict=True
            )
            if value <= 0
        ]
        said = "all" if not behind else f"{len(lead) - len(behind)} of"
        sentences.append(
            f"{told} is above each of {len(rivals)} methods of the paper that know no more "
            f"in {said} {len(lead)} settings (lead {lead.min():.3f} to {lead.max():.3f})"
            + (f", but not in: {'; '.join(behind)}" if behind else "")
            + "."
        )
    return " ".join(sentences)


def gain(record):
    """What more steps, weights and specimens gain, in words."""
    table = kept.learning(record)
    half, last = _halves(table)
    text = (
        f"The stored network has {last.parameters / 1e6:.2f} million weights and learned for "
        f"{last.step:.0f} steps ({last.Mvoxel:.0f} million voxels, {last['CPU s']:.0f} s of "
        f"processor time). From half of the steps to all kappa goes from {half.bridging:.3f} to "
        f"{last.bridging:.3f} in the reference scenario and from {half.cluster:.3f} to "
        f"{last.cluster:.3f} in the other."
    )
    for name, rows in table.groupby("training", sort=False):
        if name == last.training:
            continue
        end = rows.iloc[-1]
        text += (
            f" {name.capitalize()} ({end.parameters / 1e6:.2f} million weights, "
            f"{end.specimens:.0f} specimens, {end.scenarios}): {end.bridging:.3f} in the "
            f"reference scenario and {end.cluster:.3f} in the other after {end.step:.0f} steps."
        )
    return text


def stopped(record):
    """Whether the training ended because nothing more was gained, in words."""
    half, last = _halves(kept.learning(record))
    more = (last.bridging + last.cluster - half.bridging - half.cluster) / 2
    if more < GAIN:
        return f"The second half of the training gained {more:.3f}: the curve has flattened."
    return (
        f"The second half of the training gained {more:.3f} on average over both scenarios: the "
        "curve has not flattened, and a longer training would gain more. So the limit lies above "
        "what is stored here."
    )


def _halves(table):
    """Lines of the stored training after half of its steps and at its end."""
    main = table[table.training == table.training.iloc[0]]
    return main.iloc[(main.step - main.step.iloc[-1] / 2).abs().argmin()], main.iloc[-1]


def shifted(record):
    """Where the posteriors keep their lead and where they lose it, in words."""
    table = kept.shift(record).set_index("setting")
    rest = table.drop(index="reference")
    sentences = []
    for name in kept.PROFILED:
        lead = rest[name] > rest["thresholding"]
        worst = (rest[name] / table[name]["reference"]).idxmin()
        sentences.append(
            f"The {'trees stay' if name == 'posterior' else 'U-Net stays'} above thresholding in "
            f"{int(lead.sum())} of {len(rest)} shifted settings; least is left in the setting "
            f"*{worst}*: {rest[name][worst]:.2f} of {table[name]['reference']:.2f}."
        )
    errors = rest[[f"calibration error, {name}" for name in kept.PROFILED]].max(axis=1)
    bad = errors[errors > 0.02]
    silent = [name for name in bad.index if not rest.warned[name]]
    sentences.append(
        f"The calibration error of one of the two exceeds .02 in {len(bad)} of them, and in "
        f"{len(silent)} of these no warning came" + (f": {'; '.join(silent)}." if silent else ".")
    )
    return " ".join(sentences)


def over_noise(record):
    """By how much the U-Net leads the best method that is no posterior, at each noise, in words."""
    curves = kept.sweep(record)["noise"]
    noises = curves["floor"][0]
    ours = (*OURS, "floor")
    others = [name for name in curves if name not in ours]
    best = np.max([curves[name][1] for name in others], axis=0)
    net = curves["U-Net with profile"][1]
    lead = net - best
    return (
        f"The U-Net's kappa falls from {net[0]:.2f} at noise {noises[0]:g} to {net[-1]:.2f} at "
        f"{noises[-1]:g}. The best of {len(others)} methods has {best[0]:.2f} and {best[-1]:.2f}: "
        f"the lead is {'larger' if lead[0] > lead[-1] else 'smaller'} where the image is clean."
    )


def costs(record):
    """Time of a prediction beside Keras' own on both backends, in words."""
    rows = {row["what"]: row for row in record["cost"]}
    ours = rows["limit_network.predict, jax"]
    text = f"A prediction takes {ours['CPU s/Mvoxel']:.1f} s of processor time for a million voxels"
    peers = [
        f"{row['CPU s/Mvoxel']:.1f} s on {name.split(', ')[1]}"
        for name, row in rows.items()
        if name.startswith("Keras")
    ]
    return f"{text}; Keras' own predict of one tile takes {' and '.join(peers)}."
