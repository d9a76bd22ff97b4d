"""Model cards and backtests as pages a person reads.

Here belong the pages, their plots and templates. Figures are computed in ``models.evaluation`` and only shown here.
"""
