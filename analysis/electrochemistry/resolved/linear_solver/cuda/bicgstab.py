"""Vector kernels of :mod:`analysis.electrochemistry.resolved.linear_solver.bicgstab` on a card."""

from numba import cuda

from analysis.electrochemistry.transport.cuda.launch import kernel


@kernel(0, over="numbers")
def copy(n, shapes, x, y):
    for i in range(cuda.grid(1), x.shape[0], cuda.gridsize(1)):
        y[i] = x[i]


@kernel(2, over="numbers")
def add_two(n, shapes, a, b, x, y, z):
    for i in range(cuda.grid(1), x.shape[0], cuda.gridsize(1)):
        z[i] += a * x[i] + b * y[i]
