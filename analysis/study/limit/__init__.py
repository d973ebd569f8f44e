"""How much does a tomogram know? Electrodes of other seeds, and what is learned from them.

``posterior``   electrodes that the posterior is learned from; the training that is stored
``limit``       the posterior judged on new electrodes: overlap, calibration, physics
``limit_runs``  this in the sizes of a profile (chapter 7b)
``learning``    posteriors from few specimens, and from one scenario
``beside``      posterior and draws beside the methods of the study; the gamma that each gives
``luck``        how far the errors of the posterior are alike, which draws must imitate
``intervals``   the spread of draws, and what it does not know
``limit_text``  sentences made of these numbers
``lessons``     what the residual U-Net learns from
``network``     its training, as it is stored
``network_runs``  the U-Net beside the posterior, in the sizes of a profile
``rivals``      cleaner images, smoother labels, sharper images: one of each kind
``shift``       settings in which what was learned is wrong
``kept``        figures that cost too much for the book, as ``benchmarks/limit.py`` left them
``kept_text``   sentences made of these
"""
