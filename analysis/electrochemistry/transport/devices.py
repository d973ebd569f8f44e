"""Where the solvers run: threads of this machine, or a graphics card. The one place that chooses.

Both have the same methods: ``zeros``, ``put`` and ``get`` for arrays, ``run`` for the kernels of
``transport.stencil``, ``grid_transfer`` and ``vectors``, ``whole`` for the functions of
``fields``; the resolved half cell also calls ``peak`` and ``scatter``. The algorithm above them
(time steps, cycles, conjugate gradients) is one.
"""

import os
from dataclasses import fields, is_dataclass, replace

from analysis.electrochemistry.transport.threads import ThreadPool

DEVICES = ("cpu", "cuda")
VARIABLE = "CBD_DEVICE"  # of the environment, by which a run tells the processes that it starts


def open_device(device="cpu", threads=1):
    """
    Threads or a graphics card.

    Parameters
    ----------
    device : {"cpu", "cuda"}
        A card is worth it from about a million voxels on, where the memory's speed decides.
    threads : int
        Threads of the CPU; of no meaning on a card.

    Returns
    -------
    device : ThreadPool or cuda.device.CudaDevice

    Raises
    ------
    ValueError
        If there is no such device.
    cuda.card.CudaError
        If the card cannot be used. A run for a card never goes on on the CPU by itself.
    """
    check(device)
    if device == "cpu":
        return ThreadPool(threads)
    from analysis.electrochemistry.transport.cuda.device import CudaDevice

    return CudaDevice()


def check(device, here=True):
    """
    Check a device before any work.

    Parameters
    ----------
    device : str
        Its name.
    here : bool
        Whether it must be in this machine, and not only in others that will run the cases.

    Raises
    ------
    ValueError
        If there is no such device.
    cuda.card.CudaError
        If the card cannot be used; the message says what is missing and what to do.
    """
    if device not in DEVICES:
        raise ValueError(f"There is no device {device!r}; expected one of {', '.join(DEVICES)}.")
    if device == "cuda" and here:
        from analysis.electrochemistry.transport.cuda import card

        card.check()


def choose(device, here=True):
    """
    Let the study run on a device, in this process and those that it starts; see :func:`check`.

    An empty name leaves what the environment says.
    """
    device = device or chosen()
    check(device, here)
    os.environ[VARIABLE] = device


def chosen():
    """The device on which the study runs: that of :func:`choose`, else the CPU."""
    return os.environ.get(VARIABLE) or "cpu"


def put_each(device, group):
    """
    A group of arrays where the kernels run.

    Parameters
    ----------
    device : ThreadPool or CudaDevice
        Where.
    group : tuple, named tuple, dataclass, array or anything else
        Arrays are put there, also those of groups in it; what is no array stays as it is.
    """
    if isinstance(group, tuple):
        inner = [put_each(device, one) for one in group]
        return type(group)(*inner) if hasattr(group, "_fields") else tuple(inner)
    if is_dataclass(group) and not isinstance(group, type):
        names = [one.name for one in fields(group) if one.init]
        return replace(group, **{name: put_each(device, getattr(group, name)) for name in names})
    return device.put(group)
