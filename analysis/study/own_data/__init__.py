"""Electrodes that are not ours.

``volume``        one gray volume through the whole study: trinarize, compare, describe
``measured``      NREL's measured electrode, imaged and trinarized like ours (chapter 20)
``own_tomogram``  what the chapter on a reader's own tomogram needs beside that (chapter 21)
``own_posterior``  probabilities and draws of a reader's tomogram, and what speaks against them
``image_branch``  the branch of the chapter on methods that an image points to
``own_spectrum``  a reader's blocking spectrum: ionic resistance, tortuosity, gamma

Begin with ``volume``: it needs gray values, a voxel size and target fractions, and no profile.
``make own`` runs chapter 21 on a file, see ``publishing/own.py``.
"""
