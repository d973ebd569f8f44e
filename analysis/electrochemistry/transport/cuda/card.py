"""Whether there is a graphics card that can be used; if not, what is missing and what to do."""

import importlib.util
from dataclasses import dataclass

import numba

LEAST_CUDA = (12, 0)  # of the driver; 525.60 on Linux

INSTALL = 'Install the optional extra: .venv/bin/python -m pip install -e ".[gpu]".'


class CudaError(RuntimeError):
    """A graphics card was asked for and cannot be used. Nothing was run on the CPU instead."""


@dataclass(frozen=True)
class CardState:
    """
    What there is of all that a run on a card needs.

    Attributes
    ----------
    simulated : bool
        Kernels run in CUDA's simulator, in Python.
    package, compiler : bool
        Whether numba-cuda is installed, and whether it finds NVIDIA's compiler.
    driver : tuple of int or None
        CUDA version that the driver supports; None if no driver was found.
    card : str or None
        Name of the card; None if there is none.
    error : str
        What the driver said when it was started.
    """

    simulated: bool
    package: bool
    compiler: bool = True
    driver: tuple | None = None
    card: str | None = None
    error: str = ""


def look():
    """What this machine has, as a :class:`CardState`."""
    if numba.config.ENABLE_CUDASIM:
        return CardState(True, True, True, LEAST_CUDA, "simulator")
    if importlib.util.find_spec("numba_cuda") is None:
        return CardState(False, False, False)
    from numba import cuda

    driver, card, error, compiler = None, None, "", True
    try:
        from numba.cuda.cudadrv import nvvm

        nvvm.NVVM()
    except Exception:  # of several kinds, from missing libraries to missing symbols
        compiler = False
    try:
        driver = tuple(cuda.cudadrv.driver.driver.get_version())
        name = cuda.get_current_device().name
        card = name.decode() if isinstance(name, bytes) else str(name)
    except Exception as found:  # numba has a dozen kinds of errors here, some not public
        error = " ".join(str(found).split()).rstrip(".: ")
    return CardState(False, True, compiler, driver, card, error)


def fault_of(state):
    """One sentence that says why the card cannot be used, and one what to do; "" if it can."""
    if state.simulated:
        return ""
    if not state.package:
        return f"numba-cuda is not installed. {INSTALL}"
    said = f" ({state.error})" if state.error else ""
    if state.driver is None:
        return (
            f"No driver of NVIDIA was found{said}. Install the driver of the card, and see that "
            "nvidia-smi lists it."
        )
    if state.driver < LEAST_CUDA:
        return (
            f"The driver is too old: it supports CUDA {_dotted(state.driver)}; expected "
            f"{_dotted(LEAST_CUDA)} or newer. Update the driver of NVIDIA."
        )
    if not state.compiler:
        return f"numba-cuda does not find NVIDIA's compiler (NVVM). {INSTALL}"
    if state.card is None:
        return (
            f"No card was found{said}. See that nvidia-smi lists one and that "
            "CUDA_VISIBLE_DEVICES does not hide it."
        )
    return ""


def check():
    """
    Return if a card can be used.

    Raises
    ------
    CudaError
        If not; the message says what is missing and what to do.
    """
    fault = fault_of(look())
    if fault:
        raise CudaError(
            f"device='cuda' was asked for. {fault} Nothing was run; device='cpu' runs the same "
            "algorithm on the CPU."
        )


def _dotted(version):
    return ".".join(map(str, version))
