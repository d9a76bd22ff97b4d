"""Hypothesis draws the same examples in every run: on each machine, in each order of tests, after each edit.

Two sources of chance are switched off. The seed comes from the test itself (``derandomize``) and nothing is read from
an earlier run. And Hypothesis takes numbers and texts out of the source of every module loaded so far: a test then
depends on the tests before it in the same process, and an unrelated edit of the product changes its examples.

``pytest --hypothesis-profile=search tests/property`` looks for new examples instead.
"""

from hypothesis import settings
from hypothesis.internal.conjecture import providers

NO_CONSTANTS = providers.Constants()


def use_repeatable_examples() -> None:
    """Make the repeatable profile the default one; the profile ``search`` draws at random."""
    assert callable(providers._get_local_constants), "Hypothesis has renamed what this module replaces"
    providers._get_local_constants = lambda: NO_CONSTANTS
    settings.register_profile("repeatable", derandomize=True, database=None, deadline=None)
    settings.register_profile("search", derandomize=False, deadline=None, print_blob=True)
    settings.load_profile("repeatable")
