"""The kernels of transport on a graphics card, by numba-cuda (optional extra ``[gpu]``).

The algorithm is that of the CPU; only arrays and kernels are others. Read in this order:

1. ``device``: arrays on the card, and ``run``, which finds the kernel of the same name.
2. ``launch``: how a kernel is spread over blocks of threads, and sums in a fixed order;
   ``graphs``: many launches recorded as one.
3. ``stencil``, ``grid_transfer``, ``vectors``, ``fields``: kernels, each named after its twin in
   the room above, which it is compared with in CUDA's simulator.
4. ``card``: whether there is a card that can be used, and what to do if not.
   ``memory``: how much of its memory a volume takes.

Nothing here is imported unless a run asks for ``device="cuda"``.
"""
