"""The CBD challenge: anyone's method on volumes whose truth is known. In reading order:

``quantities``   what the score is made of, and what counts as an error
``sets``         the specimens: the study's own, the open and the sealed set
``confined``     a program in a process of its own, with limits of time and memory
``worker``       what runs in that process
``answers``      what a method gives back, checked and made labels
``study_files``  whether files of the study were touched meanwhile
``attempt``      a script put to all volumes of a set
``score``        one map held against the truth, by the book's functions
``rivals``       the methods of the book on the same volumes, and the floor
``submissions``  entries that others have sent in: a YAML file and a script
``standings``    the table of all methods on a set, kept with the results
``ranking``      mean, spread, rank in every quantity, the scale from floor to truth
``text``         sentences made of these numbers (chapter 22)
"""
