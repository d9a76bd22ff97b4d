"""Figures on weighted rows in every draw of accounts: ranking within nights, probabilities, and the test of signal.

Here belongs how a figure is computed. Which figures a report has does not belong here (``models.evaluation.metrics``).
"""
