"""Signals: what monitoring systems and products report, from a request or a file to rows of the queue's database.

Who may send, what a signal is, CloudEvents and the payloads of vendors belong here. What signals add up to does not
(``serving.incidents``).
"""
