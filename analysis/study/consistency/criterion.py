"""One binder, one gamma: maps rejected without knowing the truth.

A map of the right electrode gives the same gamma for every electrode that holds this binder and
in every experiment. Gammas that differ by more than their limit reject the map. Gammas that agree
do not confirm it: all of them can be wrong by the same factor.
"""

import math
from dataclasses import dataclass
from itertools import combinations

REJECTED, PASSED, OPEN = "rejected", "not rejected", "cannot be judged"


@dataclass(frozen=True)
class Estimate:
    """
    A fitted gamma.

    Attributes
    ----------
    value : float
        Gamma [-]; NaN where nothing was fitted.
    bound : int
        0 for a value inside the range of the search; 1 where the fit stopped at its upper end, so
        that gamma is at least `value`; -1 where it stopped at the lower end.
    """

    value: float
    bound: int = 0


@dataclass(frozen=True)
class Judgement:
    """
    What the criterion says of one map.

    Attributes
    ----------
    verdict : str
        One of :data:`REJECTED`, :data:`PASSED`, :data:`OPEN`.
    ratio : float
        Of the pair that decides, the larger gamma over the smaller [-]; NaN if no pair has two
        gammas.
    pair : tuple of str
        That pair: the one whose ratio lies farthest beyond (or nearest below) its limit.
    limit : float
        Largest ratio that does not reject [-].
    excess : float
        Logarithm of `ratio` over that of `limit` [-]: above 1 it rejects. Maps are ranked by it;
        NaN, and no rank, for a map of which some pair says nothing.
    """

    verdict: str
    ratio: float
    pair: tuple[str, ...]
    limit: float
    excess: float


def range_of_ratio(first, second):
    """
    Range in which the logarithm of the ratio of two gammas lies.

    Parameters
    ----------
    first, second : Estimate

    Returns
    -------
    low, high : float
        Equal for two gammas inside their range; infinite where a gamma is only a bound; NaN where
        one is missing.

    Examples
    --------
    >>> low, high = range_of_ratio(Estimate(0.5, bound=1), Estimate(0.25))
    >>> round(low, 3), high
    (0.693, inf)
    """
    if not (first.value > 0 and second.value > 0):
        return math.nan, math.nan
    middle = math.log(first.value / second.value)
    low = -math.inf if first.bound < 0 or second.bound > 0 else middle
    high = math.inf if first.bound > 0 or second.bound < 0 else middle
    return low, high


def compare(first, second, limit):
    """
    Whether two gammas can be those of one binder.

    Parameters
    ----------
    first, second : Estimate
    limit : float
        Largest ratio of the two, above 1, that their intervals allow.

    Returns
    -------
    verdict : str
        :data:`REJECTED` only if every ratio that the two allow lies beyond the limit. With a
        missing gamma, or a bound that leaves room, :data:`OPEN`.

    Raises
    ------
    ValueError
        If the limit is not above 1.
    """
    if not limit > 1:
        raise ValueError(
            f"The limit of a ratio of gammas is {limit}; expected a value above 1. A limit of "
            "1 would reject every map, for no gamma is known exactly."
        )
    low, high = range_of_ratio(first, second)
    if math.isnan(low):
        return OPEN
    if low > math.log(limit) or high < -math.log(limit):
        return REJECTED
    if math.isinf(low) or math.isinf(high):
        return OPEN
    return PASSED


def judge(estimates, limit_of):
    """
    Judge one map by all its gammas.

    Parameters
    ----------
    estimates : dict of str to Estimate
        Keyed by experiment, such as ``"SL"`` and ``"TL"``; two or more.
    limit_of : callable
        Takes the names of two experiments, gives the largest ratio that their intervals allow [-].

    Returns
    -------
    judgement : Judgement
        Rejected if any pair rejects; not rejected if every pair was compared and none does.

    Raises
    ------
    ValueError
        If there are fewer than two experiments: one gamma agrees with itself.

    Examples
    --------
    >>> judge({"SL": Estimate(0.08), "TL": Estimate(0.2)}, lambda *pair: 1.5).verdict
    'rejected'
    """
    if len(estimates) < 2:
        raise ValueError(
            f"Gammas of {len(estimates)} experiments ({', '.join(estimates) or 'none'}); expected "
            "two or more, for instance one of each electrode."
        )
    verdicts, found, silent = [], [], False
    for pair in combinations(estimates, 2):
        first, second = (estimates[name] for name in pair)
        limit = float(limit_of(*pair))
        verdicts.append(compare(first, second, limit))
        apart = least_apart(first, second)
        if math.isnan(apart):
            silent = True
        else:
            found.append((verdicts[-1] == REJECTED, apart / math.log(limit), pair, limit, apart))
    if REJECTED in verdicts:
        verdict = REJECTED
    else:
        verdict = PASSED if set(verdicts) == {PASSED} else OPEN
    if not found:
        return Judgement(verdict, math.nan, (), math.nan, math.nan)
    _, excess, pair, limit, apart = max(found, key=lambda one: one[:2])
    return Judgement(verdict, math.exp(apart), pair, limit, math.nan if silent else excess)


def least_apart(first, second):
    """
    Least distance of the logarithms of two gammas, given their bounds.

    Returns
    -------
    apart : float
        NaN if the two may be equal for all that is known: a gamma is missing, or both stopped at
        the same end of their range.

    Examples
    --------
    >>> least_apart(Estimate(0.005, bound=-1), Estimate(0.005, bound=-1))
    nan
    """
    low, high = range_of_ratio(first, second)
    if low == high:
        return abs(low)
    apart = max(low, -high)  # one of them is infinite, the other the end that is known
    return apart if 0 < apart < math.inf else math.nan


def named(judgements, tie=1e-3):
    """
    The map whose gammas agree best.

    Parameters
    ----------
    judgements : dict of str to Judgement
        Keyed by map.
    tie : float
        Difference in `excess` up to which maps are tied [-].

    Returns
    -------
    maps : list of str
        One map, or those that are tied; empty if none could be compared in every pair.

    Examples
    --------
    >>> limit = lambda *pair: 1.5
    >>> maps = {"a": (0.1, 0.11), "b": (0.1, 0.3)}
    >>> gammas = {key: {"SL": Estimate(x), "TL": Estimate(y)} for key, (x, y) in maps.items()}
    >>> named({key: judge(both, limit) for key, both in gammas.items()})
    ['a']
    """
    known = {name: one.excess for name, one in judgements.items() if not math.isnan(one.excess)}
    if not known:
        return []
    least = min(known.values())
    return [name for name, excess in known.items() if excess <= least + tie]
