"""Where the solvers run: threads of this machine, or a graphics card. The one place that chooses.

Both have the same methods: ``zeros``, ``put`` and ``get`` for arrays, ``run`` for the kernels of
``transport.stencil``, ``grid_transfer`` and ``vectors``, ``whole`` for the functions of
``fields``. The algorithm above them (time steps, cycles, conjugate gradients) is one.
"""

from analysis.electrochemistry.transport.threads import ThreadPool

DEVICES = ("cpu", "cuda")


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
    if device == "cpu":
        return ThreadPool(threads)
    if device == "cuda":
        from analysis.electrochemistry.transport.cuda import card

        card.check()
        from analysis.electrochemistry.transport.cuda.device import CudaDevice

        return CudaDevice()
    raise ValueError(f"There is no device {device!r}; expected one of {', '.join(DEVICES)}.")
