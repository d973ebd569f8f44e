"""What the posterior is made of: boosted trees on features of voxels. In reading order:

``voxel_features``      what is seen of a voxel: the same in every orientation, slab by slab
``boosted_trees``       a sum of decision trees as plain arrays; learned by scikit-learn
``posterior_training``  from tomograms of known electrodes to trees
``posterior_model``     the trees in a file with its hash; ``weights`` holds the ones that come along

:mod:`analysis.segmentation.posterior` uses them on a tomogram.
"""
