"""How measures become numbers: for each account at each cutoff, in one pass over each source.

Here belong the cube, windows, relations, and the state of feeds. An engine knows measures, never what a feature means,
and it reads rows only through the history.
"""
