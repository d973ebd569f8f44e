"""Figures that answer a hand: plain HTML and JavaScript, offline, by mouse and by keyboard.

``frame``       what they share: style sheet, controls, data handed to a script
``thresholds``  two gray values to move; histogram, slice, fractions and kappa follow
``gamma``       one gamma to move until a cell's voltage meets the experiment

Every number that a script shows is counted from data of the run; nothing is simulated in the page.
Paper and e-readers get a still picture.
"""
