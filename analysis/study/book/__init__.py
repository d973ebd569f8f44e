"""What pages show of the whole book.

``overview``    one electrode, every method that has run, and its error (landing page)
``printed``     what the paper's tables hold when one computes with them
``conclusion``  every finding that was checked, gathered from what the chapters left (chapter 16)
``colophon``    commit, versions, machine, times and checksums of a run (chapter 17)
``preview``     the picture that stands for the book in the README and where its address is shared
"""
