"""The electrodes and their images (part 1 of the book). In reading order:

``recipes``      what follows from Table 1 alone: fractions, thickness, capacity, rates (chapter 1)
``specimens``    truth and tomogram of every cutout, on disk: what all later chapters start from
``tomography``   what imaging does to the gray values, and whether the fast tomograph is right
                 (chapter 2)
``correlative``  the FIB-SEM stack of sample D, registered in the tomogram (chapter 2b)
``edx``          fluorine maps, the lines fitted to them, and the CBD that they promise (chapter 2b)

Begin with :func:`analysis.study.imaging.specimens.build`. The instruments are in
:mod:`analysis.instruments`, the electrode model is in :mod:`analysis.specimen`.
"""
