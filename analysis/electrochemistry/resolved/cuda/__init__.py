"""The equations of the resolved cell on a graphics card, by numba-cuda (optional extra ``[gpu]``).

Each module has the kernels of the module of the same name in the room above; steps, Newton's method
and the control of both are there, once for both devices. Read first
:mod:`analysis.electrochemistry.transport.cuda`, then

1. ``electrolyte_fluxes``, ``solid_diffusion``, ``field_sums``, ``time_differences``,
   ``conservation``: cell by cell.
2. ``groups``: faces by the cells they write to. ``butler_volmer``, ``interface``: face by face.
3. ``memory``: what a cell takes of the card.
"""
