"""A graphics card as a place for the solvers to run, with the methods of a pool of threads."""

import importlib
import pkgutil
import weakref

import numpy as np
from numba import cuda

from analysis.electrochemistry.transport.cuda import graphs, launch, memory

TRANSPORT = "analysis.electrochemistry.transport"


def twin_of(function):
    """
    The kernel of the card for a function of the CPU.

    That of ``room.module.name`` is ``room.cuda.module.name``: here alone it is chosen.

    Raises
    ------
    NotImplementedError
        If there is none.
    """
    room, _, module = function.__module__.rpartition(".")
    name = f"{room}.cuda.{module}"
    try:
        twin = getattr(importlib.import_module(name), function.__name__, None)
    except ModuleNotFoundError:
        twin = None
    if not isinstance(twin, launch.CudaKernel | launch.CudaPlan):
        raise NotImplementedError(
            f"{function.__name__} has no kernel on the card; expected {name}.{function.__name__}. "
            "Run this with device='cpu'."
        )
    return twin


def twins(room=TRANSPORT):
    """Each kernel of the card by its twin on the CPU, of one room: ``{function: twin}``."""
    found = {}
    for one in pkgutil.iter_modules(importlib.import_module(f"{room}.cuda").__path__):
        here = importlib.import_module(f"{room}.cuda.{one.name}")
        for twin in vars(here).values():
            if isinstance(twin, launch.CudaKernel | launch.CudaPlan):
                there = importlib.import_module(f"{room}.{one.name}")
                found[getattr(there, twin.name)] = twin
    return found


class Tally:
    """Bytes of the arrays that are in use, and the most so far."""

    def __init__(self):
        self.now = self.most = 0

    def count(self, field):
        """Count a field until it is gone; this keeps nothing alive but the tally."""
        self.now += field.nbytes
        self.most = max(self.most, self.now)
        weakref.finalize(field, self._forget, field.nbytes)
        return field

    def _forget(self, size):
        self.now -= size


class CudaDevice:
    """
    The current card: its arrays, and its kernels by their twins on the CPU.

    Attributes
    ----------
    memory : Tally
        Of the arrays that :meth:`zeros` and :meth:`put` made.
    """

    threads = 1  # of the CPU, for what is still done there

    def __init__(self):
        self._twins, self._recorder = {}, graphs.Recorder()
        self.memory = Tally()

    def zeros(self, shape, dtype=np.float32):
        """An array of zeros on the card."""
        shape = (shape,) if np.isscalar(shape) else tuple(shape)
        flat = cuda.device_array(int(np.prod(shape)), dtype)
        threads = launch.BLOCK[0] * launch.BLOCK[1]
        blocks = min(-(-flat.size // threads), launch.SUM_BLOCKS)
        launch.fill[blocks, threads, launch.stream()](flat.dtype.type(0), flat)
        return self.memory.count(launch.CudaField(flat, shape))

    def put(self, value):
        """An array of numpy on the card; anything else as it is."""
        if not isinstance(value, np.ndarray):
            return value
        if not value.size:  # an array of none takes one place, which nobody looks at
            return launch.CudaField(cuda.device_array(1, value.dtype), value.shape)
        flat = cuda.to_device(np.ascontiguousarray(value).reshape(-1), stream=launch.stream())
        return self.memory.count(launch.CudaField(flat, value.shape))

    @staticmethod
    def get(field):
        """The array of numpy with the values of one on the card."""
        return launch.to_host(field.flat)[: field.size].reshape(field.shape)

    def run(self, kernel, size, n, *args):
        """Like :meth:`.ThreadPool.run`: the twin of `kernel` on `n` slices; its sum, if any."""
        return self._twin(kernel).launch(self, n, args)

    peak = run  # a kernel knows whether it sums or looks for the largest

    def scatter(self, kernel, starts, *args):
        """Like :meth:`.ThreadPool.scatter`: the twin of `kernel` on all entries of its list."""
        return self._twin(kernel).launch(self, None, args)

    def whole(self, function, *args):
        """The twin of a function on whole arrays, on all slices; what it returns."""
        return self._twin(function).launch(self, None, args)

    def repeat(self, work, *args):
        """Do work that only launches kernels, on arrays of the card; see :mod:`.graphs`."""
        self._recorder.repeat(work, args)

    @staticmethod
    def free_memory():
        """Bytes of the card that are free, and of the whole card."""
        context = cuda.current_context()
        if not launch.SIMULATED:
            context.deallocations.clear()  # numba gives back later what is no longer used
        return context.get_memory_info()[:2]

    def check_memory(self, problem, shape, vectors=0):
        """
        Compare what a problem needs with what is free.

        Raises
        ------
        card.CudaError
            If it does not fit; the message says how much is needed and what would fit.
        """
        memory.check(problem, shape, *self.free_memory(), vectors)

    def _twin(self, function):
        if function not in self._twins:
            self._twins[function] = twin_of(function)
        return self._twins[function]
