"""The ``rescue`` command.

``commands`` has one file per command, ``output`` what they print. A command parses its options and calls one function
of the packages beside it.
"""
