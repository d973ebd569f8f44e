"""How much AM and CBD an electrode has at each depth: migration, layers, and where they meet."""

import numpy as np

from analysis import electrodes
from analysis.phases import Phase

CBD_MIGRATION = 0.15  # relative excess of CBD at the separator of a single layer; assumed
DIP_AM = 0.10  # of the AM fraction where the two layers meet
PEAK_CBD = 0.08
DIP_WIDTH_UM = 3.5
STEP_WIDTH_UM = 4.0


def depth_targets(name, z_um, thickness_um, targets, layer_contrast=1.0):
    """
    AM and CBD fractions wanted at each depth.

    SL and D have constant AM and a little more CBD near the separator (binder migration).
    TL has the compositions of its two suspensions, scaled to the totals, and where they meet a
    dip of AM and a peak of CBD.

    Parameters
    ----------
    name : str
        Electrode.
    z_um : (K,) ndarray
        Depths [µm] from the separator.
    thickness_um : float
    targets : dict of Phase to float
        Means over the depth.
    layer_contrast : float
        Share of the nominal step in CBD.

    Returns
    -------
    am, cbd : (K,) ndarray
        Volume fractions [-].
    """
    recipe = electrodes.electrode(name)
    if len(recipe.layers) == 1:
        am = np.ones_like(z_um)
        cbd = 1 + CBD_MIGRATION * (1 - 2 * z_um / thickness_um)
    else:
        upper, lower = (
            electrodes.voxel_targets(electrodes.solid_fractions(layer, recipe.density_g_cm3))
            for layer in recipe.layers
        )
        # A thinner specimen (tests) keeps the interface at the same relative depth.
        interface = electrodes.INTERFACE_UM * min(1.0, thickness_um / recipe.thickness_um)
        step = 0.5 * (1 + np.tanh((z_um - interface) / STEP_WIDTH_UM))
        bump = np.exp(-0.5 * ((z_um - interface) / DIP_WIDTH_UM) ** 2)
        am = upper[Phase.AM] + (lower[Phase.AM] - upper[Phase.AM]) * step - DIP_AM * bump
        middle = 0.5 * (upper[Phase.CBD] + lower[Phase.CBD])
        half = 0.5 * layer_contrast * (lower[Phase.CBD] - upper[Phase.CBD])
        cbd = middle + half * (2 * step - 1) + PEAK_CBD * bump
    return am * targets[Phase.AM] / am.mean(), cbd * targets[Phase.CBD] / cbd.mean()
