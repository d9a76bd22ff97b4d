"""The operation of Rescue over years: attempts of nights, its state, messages to operators, retention, erasure.

Here belongs what an operator asks or does. What a night or a person does to cases is in ``serving.nights`` and
``serving.cases``.
"""
