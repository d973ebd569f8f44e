"""``make plan``, ``make record`` and ``make verify``."""

from analysis import profiles
from analysis.electrochemistry.transport import devices
from analysis.record import collect, plan, verify


def run(command, *, profile="", cases="", seed="", device="", progress=print):
    """
    Run one of the three commands.

    Parameters
    ----------
    command : {"plan", "record", "verify"}
    profile : str
        Name; by default ``paper`` to plan, and for the others the largest that is there.
    cases, seed : str
        To verify: how many are drawn, and by which seed.
    device : str
        To verify: where voxels are lithiated, ``cpu`` (default) or ``cuda``.
    progress : callable
        Receives lines.

    Returns
    -------
    status : int
        0, or 1 if a verified case differs.

    Raises
    ------
    ValueError
        If the profile or the device does not exist, or a number is none.
    transport.cuda.card.CudaError
        If the card is asked for and cannot be used.
    """
    if command == "plan":
        progress(plan.text(profiles.get(profile or "paper")))
        return 0
    if command == "record":
        collect.collect(profiles.get(profile or "paper"), progress=progress)
        return 0
    chosen = profiles.get(profile or _largest_recorded())
    devices.choose(device)
    number, seed = _whole(cases or "3", "CASES"), _whole(seed, "SEED") if seed else None
    verdicts = verify.verify(chosen, number=number, seed=seed, progress=progress)
    differ = [verdict for verdict in verdicts if not verdict.agrees]
    if differ:
        progress(
            f"{len(differ)} of {len(verdicts)} cases differ from the record: "
            + "; ".join(f"{one.case}: {one.said}" for one in differ)
            + f". Allowed: {verify.TOLERANCES}."
        )
        return 1
    progress(f"All {len(verdicts)} agree with the record.")
    return 0


def _largest_recorded():
    for name in ("paper", "demo", "smoke"):
        if verify.recorded_cases(profiles.get(name)):
            return name
    return "paper"  # whose error says how to make a record


def _whole(text, name):
    try:
        return int(text)
    except ValueError:
        raise ValueError(f"{name}={text!r} is no whole number.") from None
