"""Training, backtests and promotion of risk models on a source.

Here belongs what brings data, learners and registry together. How a model learns is in ``models``.
"""
