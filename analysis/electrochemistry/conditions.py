"""Current, cut-off and end of a lithiation: what both models of the half cell ask of them."""

import numpy as np

LARGEST_CURRENT_MA_CM2 = 1000.0
# Cells of this material are cycled down to 2.5 to 3 V; far below, the fit of the open-circuit
# potential has no data, and both models end in the same fall.
LOWEST_CUTOFF_V = 2.5


def check_current(current_mA_cm2):
    """
    Return the current as a float.

    Parameters
    ----------
    current_mA_cm2 : float
        Current density of a lithiation [mA/cm²].

    Raises
    ------
    ValueError
        If it is no positive number, or so large that it must be in another unit.
    """
    current = _number(current_mA_cm2)
    if not (np.isfinite(current) and current > 0):
        raise ValueError(
            f"The current is {current_mA_cm2!r} mA/cm²; expected a positive number. Lithiation "
            "counts as positive here."
        )
    if current > LARGEST_CURRENT_MA_CM2:
        raise ValueError(
            f"The current is {current:g} mA/cm²; expected 0.1 to 100. Is it given in A/m²? "
            "Divide by 10."
        )
    return current


def check_cutoff(cutoff_V, materials):
    """
    Return the lower cut-off voltage as a float; that of `materials` if it is None.

    Parameters
    ----------
    cutoff_V : float or None
        Cut-off [V].
    materials : HalfCell
        Gives the voltage of the charged cell at rest.

    Raises
    ------
    ValueError
        If it is no number, below `LOWEST_CUTOFF_V` or not below the voltage at rest.
    """
    cutoff = _number(materials.cutoff_V if cutoff_V is None else cutoff_V)
    rest = float(materials.active.ocp.potential(materials.active.initial_content))
    if not cutoff < rest:
        raise ValueError(
            f"The cut-off of {cutoff:g} V is not below the starting voltage of {rest:.3f} V, the "
            "open-circuit voltage of the charged cell; lithiation lowers the voltage. Give a "
            f"cut-off between {LOWEST_CUTOFF_V:g} and {rest:.1f} V, or a lower initial content."
        )
    if cutoff < LOWEST_CUTOFF_V:
        raise ValueError(
            f"The cut-off of {cutoff:g} V is below the end of the open-circuit potential; the fit "
            f"of this material is no guide below {LOWEST_CUTOFF_V:g} V. Give a cut-off between "
            f"{LOWEST_CUTOFF_V:g} and {rest:.1f} V."
        )
    return cutoff


def check_end(end_s):
    """
    Return the latest time of a lithiation as a float; infinity is allowed.

    Raises
    ------
    ValueError
        If it is no positive time.
    """
    end = _number(end_s)
    if not end > 0:
        raise ValueError(f"end_s is {end_s!r}; expected a positive time in s.")
    return end


def not_carried(current_mA_cm2, what):
    """The error of a current that ends a lithiation before it begins; `what` says how."""
    return ValueError(
        f"A current of {current_mA_cm2:g} mA/cm² cannot be carried even at the start: {what}. "
        "Lower the current, or check transport and surface."
    )


def _number(value):
    if isinstance(value, (bool, np.bool_, str, bytes)):
        return np.nan
    try:
        return float(value)
    except (TypeError, ValueError):
        return np.nan
