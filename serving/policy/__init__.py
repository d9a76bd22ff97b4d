"""Which accounts get a case tonight, in which order, and from which squad: pure, from data to data.

``definition`` is what a policy file may say, ``decision`` how a night is decided by it, ``replay`` what it would have
decided on past nights. Nothing here reads a database, a clock or a network.
"""
