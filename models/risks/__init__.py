"""What is predicted, as data: each risk's label, horizon and eligibility.

Here belong the risk itself, the default risks, and the settings that change them or declare more. How an event is
found in the tables is in ``features.labels``.
"""
