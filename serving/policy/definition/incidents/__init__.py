"""The incidents of a policy: ``[incidents.NAME]``, the fields of signals, their checks, and their words.

Finding incidents in signals does not belong here (``serving.incidents``).
"""
