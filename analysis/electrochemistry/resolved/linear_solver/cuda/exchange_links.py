"""Slopes of the faces that are one link, on a card.

Kernel of :mod:`analysis.electrochemistry.resolved.linear_solver.exchange_links`.
"""

from numba import cuda

from analysis.electrochemistry.resolved.cuda.groups import grouped
from analysis.electrochemistry.transport.cuda.launch import over_entries, plan


@plan
def sum_over_links(device, faces, rates, of_face, slopes):
    groups = grouped(device, of_face)
    what = (rates.slope_phi, rates.slope_w, slopes)
    over_entries(_sum_over_links, groups.count, groups, *what)


@cuda.jit
def _sum_over_links(groups, slope_phi, slope_w, slopes):
    link, first, entry = groups
    for t in range(cuda.grid(1), link.shape[0], cuda.gridsize(1)):
        at = link[t]
        g, m = slopes[0][at], slopes[1][at]
        for n in range(first[t], first[t + 1]):
            g += slope_phi[entry[n]]
            m += slope_w[entry[n]]
        slopes[0][at], slopes[1][at] = g, m
