"""Trinarization: gray values in, labels out, with the volume fractions of the experiment.

In reading order:

``methods``       the catalogue: the twelve trinarizations by name, in one calling form
``thresholding``  two gray values (Section 3.1 of the paper)
``clustering``    weighted k-means on sorted neighborhoods (Section 3.2), on a sample
                  (``cluster_sample``), with weights (``cluster_weights``) that meet the fractions;
                  compiled loops are in ``_cluster_kernels``
``networks``      what is trained: the composition network, the U-Net and the forest (Section 3.3)
``closing``       the CBD fills narrow places, slice by slice as EDX saw it (Section 3.4)
``posterior``     ours, not the paper's: probabilities learned on virtual electrodes by the trees
                  in ``boosting``
``limit_network`` the same by a U-Net, the one in ``residual_unet``, which sees what trees do not
``draws``         whole maps drawn from these probabilities
``agreement``     how far two labelled volumes agree, voxel by voxel (Section 3.5)
``stored_weights`` how the weights of both come with the package, checked by their hash
``ranking``       the n highest voxels, exactly n and always the same: how fractions are met

Every method has a function ``trinarize`` that works on arrays ``(Z, Y, X)``; nothing here
reads results or knows of a profile. Labels are :class:`analysis.phases.Phase` as ``uint8``.
"""
