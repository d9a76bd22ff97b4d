"""How a value of a source is read: its type, the texts that mean nothing, and the words of other systems.

Here belongs what turns one value into the contract's. Rules that reject a row belong to ``features.validation.rules``.
"""
