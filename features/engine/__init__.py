"""Measures become numbers: for each account at each cutoff, in one pass over each source.

Here belong the cube, the arithmetic of windows, the relations whose rows measures count, and the state of feeds. An
engine knows measures and not the meaning of a feature, and it reads rows only through the history.
"""
