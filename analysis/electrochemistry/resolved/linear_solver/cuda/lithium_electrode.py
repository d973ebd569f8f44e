"""The lithium electrode on a card.

Kernels of :mod:`analysis.electrochemistry.resolved.linear_solver.lithium_electrode`; a thread takes
a column.
"""

import math

import numpy as np
from numba import cuda

from analysis.electrochemistry.resolved.butler_volmer import LARGEST_ARGUMENT
from analysis.electrochemistry.resolved.cuda.butler_volmer import diffusion_potential
from analysis.electrochemistry.transport.cuda.grid_transfer import first_of, past_of
from analysis.electrochemistry.transport.cuda.launch import (
    compiled,
    keep_two,
    over_entries,
    plan,
    unsigned,
)

ZERO = np.float32(0)


@compiled
def first_slice(t, shape):
    """Place of column `t` of the first slice in a padded array."""
    _, rows, columns = shape
    return unsigned((rows + t // (columns - 2) + 1) * columns + t % (columns - 2) + 1)


def columns_of(field):
    """Number of columns of cells."""
    return (field.shape[1] - 2) * (field.shape[2] - 2)


@plan
def evaluate(device, psi, salt, kinetics, unit, shift, rates):
    laws = (kinetics.thermal, kinetics.beta0, kinetics.log_c0, kinetics.star, kinetics.rest)
    laws += (kinetics.tail, kinetics.inverse_c, kinetics.metal_rate)
    numbers = psi.shape, laws, float(unit), float(shift)
    return over_entries(_evaluate, columns_of(psi), psi, salt, *numbers, rates, sums=2)


@cuda.jit
def _evaluate(psi, salt, shape, laws, unit, shift, rates, parts):
    thermal, beta0, log_c0, star, rest, tail, inverse_c, metal_rate = laws
    currents, rises, falls = rates
    total, slopes = np.float64(0.0), np.float64(0.0)
    for t in range(cuda.grid(1), currents.shape[0], cuda.gridsize(1)):
        here = first_slice(t, shape)
        c = max(salt[here], 1e-15)
        B, slope = diffusion_potential(c, beta0, log_c0, star, rest, tail, inverse_c)
        i0 = metal_rate * c / math.sqrt(c + star)
        z = min(max(-thermal * (psi[here] + shift + B), -LARGEST_ARGUMENT), LARGEST_ARGUMENT)
        up = math.exp(z)
        current = i0 * (up - 1 / up)
        rise = thermal * i0 * (up + 1 / up)
        currents[t] = current
        rises[t] = rise
        falls[t] = unit * (rise * slope - current * (1 / c - 0.5 / (c + star)))
        total += current
        slopes += rise
    keep_two(total, slopes, parts)


@plan
def set_boundary(device, slope, cz):
    over_entries(_set_boundary, slope.size, slope, cz.shape, cz)


@cuda.jit
def _set_boundary(slope, shape, cz):
    for t in range(cuda.grid(1), slope.shape[0], cuda.gridsize(1)):
        cz[first_slice(t, shape)] = slope[t]


@plan
def add_boundary(device, cz, diagonal):
    over_entries(_add_boundary, columns_of(cz), columns_of(cz), cz.shape, cz, diagonal)


@cuda.jit
def _add_boundary(count, shape, cz, diagonal):
    for t in range(cuda.grid(1), count, cuda.gridsize(1)):
        here = first_slice(t, shape)
        diagonal[here] += cz[here]


@plan
def add_current(device, rates, charge, salt):
    over_entries(_add_current, rates.current.size, rates.current, charge.shape, charge, salt)


@cuda.jit
def _add_current(current, shape, charge, salt):
    for t in range(cuda.grid(1), current.shape[0], cuda.gridsize(1)):
        here = first_slice(t, shape)
        charge[here] += current[t]
        salt[here] += current[t]


@plan
def add_change(device, rates, x, y):
    over_entries(_add_change, rates.rise.size, rates.rise, rates.fall, x[0].shape, x, y)


@cuda.jit
def _add_change(rise, fall, shape, x, y):
    for t in range(cuda.grid(1), rise.shape[0], cuda.gridsize(1)):
        here = first_slice(t, shape)
        change = rise[t] * x[0][here] + fall[t] * x[1][here]
        y[0][here] += change
        y[1][here] += change


@plan
def exchange(device, psi_cz, salt_cz, x, residuals):
    count = columns_of(psi_cz)
    over_entries(_exchange, count, count, psi_cz.shape, psi_cz, salt_cz, x, residuals)


@cuda.jit
def _exchange(count, shape, psi_cz, salt_cz, x, residuals):
    for t in range(cuda.grid(1), count, cuda.gridsize(1)):
        here = first_slice(t, shape)
        residuals[0][here] -= salt_cz[here] * x[1][here]
        residuals[1][here] -= psi_cz[here] * x[0][here]


@plan
def exchange_restricted(device, psi_cz, salt_cz, x, aggregates, residuals):
    folds = bool(aggregates.fold_y), bool(aggregates.fold_x)
    shapes = psi_cz.shape, residuals[0].shape
    count = columns_of(residuals[0])
    over_entries(_exchange_restricted, count, count, shapes, folds, psi_cz, salt_cz, x, residuals)


@cuda.jit
def _exchange_restricted(count, shapes, folds, psi_cz, salt_cz, x, residuals):
    _, rows, columns = shapes[0]
    coarse_columns = shapes[1][2]
    for t in range(cuda.grid(1), count, cuda.gridsize(1)):
        jc, ic = t // (coarse_columns - 2) + 1, t % (coarse_columns - 2) + 1
        charge, salt = ZERO, ZERO
        for j in range(first_of(jc, folds[0]), past_of(jc, folds[0], rows)):
            for i in range(first_of(ic, folds[1]), past_of(ic, folds[1], columns)):
                here = unsigned((rows + j) * columns + i)
                charge += salt_cz[here] * x[1][here]
                salt += psi_cz[here] * x[0][here]
        there = first_slice(t, shapes[1])
        residuals[0][there] -= charge
        residuals[1][there] -= salt
