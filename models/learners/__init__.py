"""What learns from examples and gives log-odds: trees, logistic regression, their ensemble, and baselines.

Here belong estimators, calibration, the trained risk model and its files. How good a model is does not belong here
(``models.evaluation``).
"""
