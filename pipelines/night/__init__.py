"""The nightly run, step by step, from the source to the recorded queue.

Here belong the steps and the night report. What is written in the one transaction is in ``serving.nights``.
"""
