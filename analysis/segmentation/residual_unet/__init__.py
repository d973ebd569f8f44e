"""What the limit of a tomogram is measured with: a residual U-Net in three dimensions.

``architecture``       the network as one function of named weights and a block of gray values
``conditions``         what it is told of each slice beside the gray values
``network_file``       its weights in a file with its hash; those that come along are in ``weights``
``tiles``              a large volume in overlapping tiles, the same result whatever the tiles
``network_training``   from tomograms of known electrodes to weights

:mod:`analysis.segmentation.limit_network` uses them on a tomogram.
"""
