"""What the posterior is made of: boosted trees on features of voxels. In reading order:

``voxel_features``      what is seen of a voxel: the same in every orientation, slab by slab
``hessian``             the curvatures among them
``boosted_trees``       a sum of decision trees as plain arrays; learned by scikit-learn
``posterior_training``  from tomograms of known electrodes to trees
``posterior_model``     the trees in a file with its hash; those that come along are in ``weights``

:mod:`analysis.segmentation.posterior` uses them on a tomogram.
"""
