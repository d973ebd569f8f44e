"""Other forms of the book than the site.

``pdf``    one long page, printed by a browser
``epub``   Sphinx's ePub with the mathematics set, fit for e-readers
``front_and_back``  a title page, and the solutions after the last chapter
``plain``  what both share: a staged book without folds and sliders, and the browser
"""
