"""What pages show of the whole book.

``overview``    one electrode, every method that has run, and its error (landing page)
``answer``      the answer in five sentences, from the results (landing page, chapter 16)
``gammas``      the part of the answer on which fitted gammas can be believed
``headlines``   its two figures: score between floor and ceiling, cost against score
``advice``      which method for which tomogram, branch by branch
``printed``     what the paper's tables hold when one computes with them
``conclusion``  every finding that was checked, gathered from what the chapters left (chapter 16)
``paper_size``  results of the record at the paper's size, first, and of this run beside them
``colophon``    commit, versions, machine, times and checksums of a run (chapter 17)
``preview``     the picture that stands for the book in the README and where its address is shared
"""
