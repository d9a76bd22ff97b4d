"""Whether a challenger replaces the champion.

Here belong the gate and the rows on which two models are compared. The registry carries out what the gate decides.
"""
