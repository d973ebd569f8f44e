"""What the labels look like (part 3 of the book, Section 5.1 of the paper). In reading order:

``descriptors``     describes every labelled volume on disk: the loop that all others share
``sizes``           surfaces, phase sizes, intrusion, constrictivity; Table 2 (chapter 10)
``median_intervals``  which radii of Table 2 are not sharp, and the interval they may lie in
``size_findings``   what the paper says about them, checked
``realism``         how real the virtual electrodes are, judged by these sizes (chapter 10b)
``tortuosity``      shortest paths through each phase; Figure 8 (chapter 11)
``coverage``        centered two-point coverage; Figure 9 (chapter 12)
``depth_profiles``  volume fractions against the depth; Figure 10 (chapter 13)

``ours`` adds posterior and draw of this book to what a page shows (chapters 10 to 13).

``peers`` puts PoreSpy and scikit-image beside ours on a small cutout (chapters 10 to 12).

Each of the others has ``run(profile)`` for all volumes, ``describe(labels, voxel_size_um)`` for
one, and ``findings(described)``. The descriptors themselves are in :mod:`analysis.descriptors`.
"""
