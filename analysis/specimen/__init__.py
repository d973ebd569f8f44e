"""The known truth: virtual electrodes from a stochastic model. In reading order:

``electrode``  draws one realization of SL, TL or D; every point of it has a phase
``depth``      how much AM and CBD is wanted at each depth: migration, two layers, their interface
``particles``  the active material: a relaxed packing of spheres, stretched to its depth profile
``binder``     where the CBD prefers to sit, by scenario: one score, one threshold
``fields``     smooth random fields that can be evaluated anywhere
``levels``     level sets that meet a profile: a threshold for every slice

Begin with :func:`analysis.specimen.electrode.make`; :func:`analysis.specimen.electrode.sample`
looks at the same electrode on any finer grid, as a FIB-SEM does.
"""
