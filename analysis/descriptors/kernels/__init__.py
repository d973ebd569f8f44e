"""Compiled loops of the descriptors.

``bits``      volumes at one bit per voxel, for ``surface`` and ``chords``
``chords``    runs of a single voxel, from which short chords are told
``distance``  squared distance to the nearest voxel of another kind
``balls``     a volume painted with discrete balls, the largest first
``flood``     how large a ball reaches each voxel from a face
``geodesic``  shortest paths on the graph of the 26 neighbors
``pairs``     exact counts of voxel pairs for every lag
"""
