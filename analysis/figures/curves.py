"""Figures of curves: distributions, profiles, voltage, spectra, training, convergence."""

import numpy as np

from analysis.figures import style


def by_method(data, *, ax, x, xlabel="", ylabel="", title="", markers=8, band=True):
    """
    One curve per method and specimen: color by method, line style by specimen.

    Distributions of size (Figs. 6 and 7 of the paper), geodesic tortuosity (Fig. 8) and
    covariances (Fig. 9) are drawn by this function.

    Parameters
    ----------
    data : xarray.DataArray
        Dimensions `x`, and any of `method`, `specimen`, `cutout`. The mean of the cutouts is
        drawn, with a band from the lowest to the highest. Entries that are all NaN are left out.
    ax : matplotlib.axes.Axes
        Where to draw.
    x : str
        Dimension along the abscissa.
    xlabel, ylabel, title : str
        Texts, quantities with unit.
    markers : int
        About how many markers to put on a curve, so that gray print can be read.
    band : bool
        Whether to draw the range of the cutouts.

    Returns
    -------
    ax : matplotlib.axes.Axes

    Examples
    --------
    >>> import xarray as xr
    >>> methods = ["kmeans", "truth"]
    >>> data = xr.DataArray(
    ...     [[1, 0.4], [1, 0.5]], {"method": methods, "r": [0, 1]}, ["method", "r"]
    ... )
    >>> len(by_method(data, ax=style.axes(), x="r", xlabel="radius [µm]").lines)
    2
    """
    for method, specimen, curve in _each(data, x):
        abscissa = np.asarray(curve[x])
        low, mean, high = _range(curve)
        place = list(style.METHODS).index(method) if method in style.METHODS else 0
        step = max(1, abscissa.size // markers)
        ax.plot(
            abscissa, mean, color=style.color(method), ls=style.SPECIMEN_STYLES.get(specimen, "-"),
            marker=style.marker(method), markevery=(place % step, step), ms=3.5,
            label=style.label(method), lw=2.0 if method == "truth" else 1.3,
            zorder=3 if method == "truth" else 2,
        )  # fmt: skip
        if band and np.any(high > low):
            ax.fill_between(abscissa, low, high, color=style.color(method), alpha=0.15, lw=0)
    ax.set(xlabel=xlabel, ylabel=ylabel, title=title)
    return ax


def profile(
    data, *, ax, x="z_um", ylabel="volume fraction [-]", title="", interface_um=None, **kwargs
):
    """
    A quantity against the distance to the separator (Fig. 10 of the paper), with band.

    Parameters
    ----------
    data : xarray.DataArray
        As in :func:`by_method`.
    ax : matplotlib.axes.Axes
        Where to draw.
    x : str
        Dimension of the depth [µm].
    ylabel, title : str
        Texts.
    interface_um : float, optional
        Depth of the boundary between two layers, drawn as a vertical line.
    **kwargs
        Passed to :func:`by_method`.
    """
    by_method(
        data, ax=ax, x=x, xlabel="distance to separator [µm]", ylabel=ylabel, title=title, **kwargs
    )
    if interface_um is not None:
        ax.axvline(interface_um, color="#555555", lw=0.9, ls=":")
        ax.text(
            interface_um, 0.98, " layers meet", transform=ax.get_xaxis_transform(), va="top",
            fontsize=7, color="#555555",
        )  # fmt: skip
    return ax


def voltage(curves, *, ax, measured=None, colorbar_label=None, xlabel=None, title=""):
    """
    Voltage against capacity for several currents or values of gamma (Fig. 11 of the paper).

    Parameters
    ----------
    curves : dict of float or str to (capacity, voltage), or to a list of such pairs
        Capacity [mAh/cm²] and cell voltage [V], keyed by what changes from curve to curve. A
        list holds the cutouts: the first is drawn strong, the others thin.
    ax : matplotlib.axes.Axes
        Where to draw.
    measured : dict, optional
        The target, keyed alike; drawn as open circles ("virtual experiment" or experiment).
    colorbar_label : str, optional
        What the keys are, for the title of the legend, as "current [mA/cm²]".
    xlabel : str, optional
        "capacity [mAh/cm²]" by default.
    title : str
        Heading of the panel.
    """
    import matplotlib

    keys = sorted(curves, key=lambda key: (isinstance(key, str), key))
    shades = matplotlib.colormaps[style.SEQUENTIAL](np.linspace(0.0, 0.85, max(len(keys), 2)))
    lines = ["-", "--", "-.", ":", (0, (5, 1, 1, 1, 1, 1)), (0, (8, 2))]
    for place, key in enumerate(keys):
        for number, (capacity, volts) in enumerate(_pairs(curves[key])):
            ax.plot(
                capacity, volts, color=shades[place], ls=lines[place % len(lines)],
                label=f"{key:g}" if not isinstance(key, str) and number == 0 else
                (key if number == 0 else None),
                lw=1.5 if number == 0 else 0.8, alpha=1.0 if number == 0 else 0.7,
            )  # fmt: skip
        for capacity, volts in _pairs(measured[key]) if measured and key in measured else ():
            every = max(1, len(capacity) // 18)
            ax.plot(
                capacity[::every], volts[::every], ls="none", marker="o", mfc="white",
                mec=shades[place], ms=4, zorder=4,
            )  # fmt: skip
    ax.set(xlabel=xlabel or "capacity [mAh/cm²]", ylabel="cell voltage [V]", title=title)
    style.legend_below(ax, title=colorbar_label)
    return ax


def spectra(impedances, *, ax, title="", scale=1.0, unit="Ω cm²"):
    """
    Impedance spectra in the complex plane, both axes to the same scale.

    Parameters
    ----------
    impedances : dict of str to (F,) ndarray of complex
        Impedance keyed by method (or any name), frequencies descending or ascending.
    ax : matplotlib.axes.Axes
        Where to draw.
    title : str
        Heading of the panel.
    scale : float
        Factor from the data to `unit`.
    unit : str
        Unit on the axes.
    """
    for name in style.ordered(impedances):
        values = np.asarray(impedances[name]) * scale
        ax.plot(
            values.real, -values.imag, color=style.color(name), label=style.label(name),
            marker=style.marker(name), markevery=max(1, values.size // 10),
            lw=2.0 if name == "truth" else 1.3,
        )  # fmt: skip
    ax.set(xlabel=f"Re Z [{unit}]", ylabel=f"−Im Z [{unit}]", title=title)
    ax.set_aspect("equal", adjustable="datalim")
    style.legend_below(ax)
    return ax


def learning(history, *, ax, ylabel="loss [-]", title="", best_epoch=None, log=True):
    """
    Training and validation loss against the epoch.

    Parameters
    ----------
    history : pandas.DataFrame or dict of str to sequence
        Columns are drawn against their position (epoch 1, 2, …); a column `epoch` is used as the
        abscissa if there is one. `loss` and `val_loss` are called training and validation.
    ax : matplotlib.axes.Axes
        Where to draw.
    ylabel, title : str
        Texts.
    best_epoch : int, optional
        Epoch whose weights are kept, drawn as a vertical line.
    log : bool
        Whether the ordinate is logarithmic.
    """
    names = {"loss": "training", "val_loss": "validation", "test_loss": "test"}
    columns = {key: np.asarray(history[key], float) for key in history}
    epochs = columns.pop("epoch", None)
    for (key, values), line in zip(columns.items(), ["-", "--", "-.", ":"] * 4, strict=False):
        abscissa = np.arange(1, values.size + 1) if epochs is None else epochs
        ax.plot(abscissa, values, ls=line, label=names.get(key, key))
    if best_epoch is not None:
        ax.axvline(best_epoch, color="#555555", lw=0.9, ls=":", label="kept")
    ax.set(xlabel="epoch", ylabel=ylabel, title=title, yscale="log" if log else "linear")
    ax.xaxis.get_major_locator().set_params(integer=True)
    style.legend_below(ax)
    return ax


def convergence(size, errors, *, ax, order=2, xlabel="cell size [µm]", ylabel="error", title=""):
    """
    Error against cell size, with the slope that theory promises.

    Parameters
    ----------
    size : (N,) ndarray
        Cell or step size.
    errors : dict of str to (N,) ndarray
        Error keyed by what was measured.
    ax : matplotlib.axes.Axes
        Where to draw.
    order : float
        Order of the reference line.
    xlabel, ylabel, title : str
        Texts.
    """
    size = np.asarray(size, float)
    lines = zip(errors.items(), "osD^v<>p" * 3, strict=False)
    for (name, error), marker in lines:
        ax.loglog(size, error, marker=marker, label=name)
    first = np.asarray(next(iter(errors.values())), float)
    anchor = first[np.argmax(size)]
    ax.loglog(size, anchor * (size / size.max()) ** order, "k:", lw=1, label=f"order {order:g}")
    ax.set(xlabel=xlabel, ylabel=ylabel, title=title)
    ax.set_xticks(size, [f"{value:.3g}" for value in size], minor=False)
    ax.set_xticks([], minor=True)
    style.legend_below(ax)
    return ax


def lines(curves, *, ax, xlabel="", ylabel="", title="", legend=True):
    """
    Plain labeled curves, told apart by color, line style and marker.

    Parameters
    ----------
    curves : dict of str to (x, y)
        Abscissa and ordinate of each curve. Names of methods get their colors.
    ax : matplotlib.axes.Axes
        Where to draw.
    xlabel, ylabel, title : str
        Texts, quantities with unit.
    legend : bool
        Whether to explain the curves.
    """
    others = ["#2b4ca0", "#c23b0a", "#00836a", "#b08b00", "#d267ae", "#3b9fe3", "#000000"]
    styles = ["-", "--", "-.", ":"]
    for place, (name, (x, y)) in enumerate(curves.items()):
        known = name in style.METHODS or name in style.OURS
        ax.plot(
            x, y, label=style.label(name), ls="-" if known else styles[place % 4],
            color=style.color(name) if known else others[place % len(others)],
            marker=style.marker(name),
            markevery=max(1, len(np.atleast_1d(x)) // 8),
        )  # fmt: skip
    ax.set(xlabel=xlabel, ylabel=ylabel, title=title)
    if legend:
        style.legend_below(ax)
    return ax


def _each(data, x):
    """Method, specimen and curve `(cutout, x)` for each pair that holds values."""
    methods = style.ordered(data["method"].values) if "method" in data.dims else [None]
    specimens = (
        [str(name) for name in data["specimen"].values] if "specimen" in data.dims else [None]
    )
    for method in methods:
        for specimen in specimens:
            curve = (
                data if method is None else data.sel({"method": method})
            )  # sel(method=) means another thing
            curve = curve if specimen is None else curve.sel({"specimen": specimen})
            extra = set(curve.dims) - {x, "cutout"}
            if extra:
                raise ValueError(
                    f"The curves still have the dimensions {sorted(extra)}; expected {x!r} and any "
                    "of method, specimen, cutout. Select one entry of the others first."
                )
            name = method or _scalar(curve, "method")
            if bool(curve.notnull().any()):
                yield name, specimen or _scalar(curve, "specimen"), curve
    return


def _range(curve):
    """Lowest, mean and highest of the cutouts."""
    if "cutout" not in curve.dims:
        values = np.asarray(curve, float)
        return values, values, values
    return tuple(
        np.asarray(getattr(curve, name)("cutout", skipna=True), float)
        for name in ("min", "mean", "max")
    )


def _scalar(curve, name):
    return str(curve[name].values) if name in curve.coords else ""


def _pairs(entry):
    """A list of (abscissa, ordinate) pairs from one pair or a list of pairs."""
    is_pair = len(entry) == 2 and np.ndim(entry[0]) == 1 and np.ndim(entry[0][0]) == 0
    return [entry] if is_pair else list(entry)
