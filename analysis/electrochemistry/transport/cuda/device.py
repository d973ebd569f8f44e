"""A graphics card as a place for the solvers to run, with the methods of a pool of threads."""

import weakref

import numpy as np
from numba import cuda

from analysis.electrochemistry.transport import fields, grid_transfer, stencil, vectors
from analysis.electrochemistry.transport.cuda import fields as cuda_fields
from analysis.electrochemistry.transport.cuda import grid_transfer as cuda_grid_transfer
from analysis.electrochemistry.transport.cuda import launch, memory
from analysis.electrochemistry.transport.cuda import stencil as cuda_stencil
from analysis.electrochemistry.transport.cuda import vectors as cuda_vectors

# Modules of the CPU and of the card whose functions have the same names
MIRRORED = (
    (stencil, cuda_stencil),
    (grid_transfer, cuda_grid_transfer),
    (vectors, cuda_vectors),
    (fields, cuda_fields),
)


def twins():
    """Each kernel of the card by its twin on the CPU: ``{function: CudaKernel}``."""
    return {
        getattr(there, kernel.name): kernel
        for there, here in MIRRORED
        for kernel in vars(here).values()
        if isinstance(kernel, launch.CudaKernel)
    }


class CudaDevice:
    """
    The current card: its arrays, and its kernels by their twins on the CPU.

    Attributes
    ----------
    allocated, peak : int
        Bytes of the arrays that :meth:`zeros` and :meth:`put` made and that are still in use, and
        the most so far.
    """

    threads = 1  # of the CPU, for what is still done there

    def __init__(self):
        self._twins = twins()
        self.allocated = self.peak = 0

    def zeros(self, shape, dtype=np.float32):
        """An array of zeros on the card."""
        shape = (shape,) if np.isscalar(shape) else tuple(shape)
        flat = cuda.device_array(int(np.prod(shape)), dtype)
        threads = launch.BLOCK[0] * launch.BLOCK[1]
        blocks = min(-(-flat.size // threads), launch.SUM_BLOCKS)
        launch.fill[blocks, threads](flat.dtype.type(0), flat)
        return self._counted(launch.CudaField(flat, shape))

    def put(self, value):
        """An array of numpy on the card; anything else as it is."""
        if not isinstance(value, np.ndarray):
            return value
        flat = cuda.to_device(np.ascontiguousarray(value).reshape(-1))
        return self._counted(launch.CudaField(flat, value.shape))

    @staticmethod
    def get(field):
        """The array of numpy with the values of one on the card."""
        return field.flat.copy_to_host().reshape(field.shape)

    def run(self, kernel, size, n, *args):
        """Like :meth:`.ThreadPool.run`: the twin of `kernel` on `n` slices; its sum, if any."""
        return self._twin(kernel).launch(n, args)

    def whole(self, function, *args):
        """The twin of a function of ``transport.fields`` on all slices; its sum, if any."""
        twin = self._twin(function)
        return twin.launch(twin.shapes(args)[0][0] - 2, args)

    def check_memory(self, problem, shape, vectors=0):
        """
        Compare what a problem needs with what is free.

        Raises
        ------
        card.CudaError
            If it does not fit; the message says how much is needed and what would fit.
        """
        free, total = cuda.current_context().get_memory_info()[:2]
        memory.check(problem, shape, free, total, vectors)

    def _twin(self, function):
        if function not in self._twins:
            raise NotImplementedError(
                f"{function.__name__} has no kernel on the card; expected one of that name in "
                "analysis/electrochemistry/transport/cuda. Run this with device='cpu'."
            )
        return self._twins[function]

    def _counted(self, field):
        self.allocated += field.nbytes
        self.peak = max(self.peak, self.allocated)
        weakref.finalize(field, self._forget, field.nbytes)
        return field

    def _forget(self, size):
        self.allocated -= size
