"""Trained segmentation (Section 3.3 of the paper). In reading order:

``fib``         FIB-SEM stacks without a network: thresholds, filling, composition per voxel
``forest``      random forest for pore against CBD, the rival of
``unet``        the U-Net for pore against CBD
``samples``     training samples of the composition network, and the two ways to split them
``symmetries``  the 48 symmetries of the cube, by which samples are multiplied
``network``     the composition network: its layers and its files
``training``    how it is trained and scored
``gray_scale``  gray values of one tomogram on the scale of another
``neural``      the network applied to a volume: 125 gray values in, three fractions out
``conversion``  from predicted composition to labels: the nine conversions

``_mlp_kernels`` and ``_dense`` are the compiled forward pass. Keras is imported inside the
functions that need it.
"""
