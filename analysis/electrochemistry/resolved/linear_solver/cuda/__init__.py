"""The linear system of a Newton step on a graphics card.

Each module has the kernels of the module of the same name in the room above:
``conjugate_residuals``, ``bicgstab``, ``exchange``, ``exchange_links``, ``lithium_electrode``,
``block_smoother``,
``interface_coarsening``, ``coarse_levels``, ``floating_clusters``.
"""
