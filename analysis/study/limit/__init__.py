"""How much does a tomogram know? Electrodes of other seeds, and what is learned from them.

``posterior``   electrodes that the posterior is learned from; the training that is stored
``limit``       the posterior judged on new electrodes: overlap, calibration, physics
``limit_runs``  this in the sizes of a profile (chapter 7b)
``beside``      posterior and draws beside the methods of the study; the gamma that each gives
``luck``        how far the errors of the posterior are alike, which draws must imitate
``limit_text``  sentences made of these numbers
"""
