"""From gray values to labels (part 2 of the book). In reading order:

``thresholding``     two gray values, on a window and per cutout (chapter 3)
``clustering``       k-means with weights that meet the fractions (chapter 4)
``fib_stack``        the FIB-SEM stack segmented: Otsu, random forest, U-Net (chapter 5)
``network_data``     gray values whose composition the stack gives: what the network learns from
``neural``           the network trained, scored and applied to every cutout (chapters 5 and 5b)
``network_choices``  what the paper leaves open about it, varied (chapter 5)
``cached``           networks on disk: trained once, read back while nothing they need has changed
``closing``          the AM of k-means, the CBD along the fluorine line (chapter 6)
``agreement``        every method beside every other and beside the truth (chapter 7)
``standing``         how the methods stand: scores beside chance, ranks that admit ties
``contrast``         when the ranking of the methods changes (chapter 7)

``standing_text`` and ``neural_verdicts`` make sentences of these numbers.

Each ``run(profile)`` writes ``labels/<specimen>-<cutout>-<method>``. The methods themselves are
functions on arrays in :mod:`analysis.segmentation`.
"""
