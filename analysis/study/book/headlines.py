"""The two figures of the answer: the score, and what the score does not say."""

from analysis.figures import plots, style

_FLOOR = {"color": "#6b7280", "ls": "--", "lw": 1.2}
_CEILING = {"color": style.color("posterior"), "ls": "-", "lw": 1.6}


def score(scores, ceiling):
    """
    Kappa of every method on each electrode, between chance and what a posterior reaches.

    Parameters
    ----------
    scores : pandas.DataFrame
        From :func:`analysis.study.book.overview.scores`.
    ceiling : dict of str to float
        From :func:`analysis.study.book.answer.ceiling`.

    Returns
    -------
    panels : ndarray of Axes
    """
    panels = style.axes(1, 2, sharey=True, height=4.8)
    for panel, (specimen, rows) in zip(panels, scores.groupby("specimen", sort=False), strict=True):
        plots.dots(
            rows, ax=panel, value="kappa", xlabel="kappa of CBD against pore [-]",
            title=style.SPECIMEN_LABELS.get(specimen, specimen), legend=False,
        )  # fmt: skip
        panel.axvline(0.0, label="dealt at random", **_FLOOR)
        if specimen in ceiling:
            panel.axvline(ceiling[specimen], label="posterior with depth profile", **_CEILING)
        panel.set_xlim(min(-0.05, float(scores.kappa.min()) - 0.05), 1.0)
    style.legend(panels[0])
    return panels


def cost_against_score(table):
    """
    Error of the capacity with the true gamma over kappa, one marker per map, electrodes apart.

    Parameters
    ----------
    table : pandas.DataFrame
        From :func:`analysis.study.book.answer.maps`.

    Returns
    -------
    panels : ndarray of Axes
    """
    panels = style.axes(1, 2, sharex=True, sharey=True, height=3.8)
    for panel, (specimen, rows) in zip(panels, table.groupby("specimen", sort=False), strict=True):
        for one in rows.itertuples():
            panel.plot(
                one.kappa, one.error, ls="none", ms=7, color=style.color(one.method),
                marker=style.marker(one.method) or "o",
            )  # fmt: skip
        panel.axhline(0.0, color="#20242f", lw=0.8)
        panel.set(
            title=style.SPECIMEN_LABELS.get(specimen, specimen),
            xlabel="kappa of CBD against pore [-]",
        )
    panels[0].set_ylabel("error of the capacity [%]")
    style.legend(panels[0], methods=list(dict.fromkeys(table.method)))
    return panels
