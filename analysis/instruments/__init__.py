"""Virtual instruments: arrays of known composition in, what a microscope would show out.

``optics``        how the phases attenuate and refract hard X-rays; how a near-field image forms
``transfer``      fast tomograph: the whole imaging chain as one transfer function
``tomograph``     the real chain, projection by projection, against which the fast one is tested
``denoising``     noise filters of the beamlines: total variation, non-local means
``fibsem``        FIB-SEM: what a scanning electron microscope shows slice by slice
``registration``  a surface scan found in a slice of the tomogram: SIFT key points and RANSAC
``edx``           a fluorine map of a polished section, and what is read off it
``image_quality``  contrast, noise and blur of a tomogram, measured without labels

``transfer``, ``tomograph`` and ``fibsem`` each have a function ``image``, which takes the seed of
its noise. Lengths are in µm.
"""
