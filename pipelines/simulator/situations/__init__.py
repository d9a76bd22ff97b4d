"""Situations that real companies have every week, added to the plain world at realistic rates.

Here belongs how a source *records* what happened: renewals as new contracts, merged records, holidays, tickets without
an account, stopped feeds. Who leaves and why is decided in ``pipelines.simulator.population``. Each situation is also
written to the truth, so that rules can be measured at scale.
"""

from pipelines.simulator.situations.real_world import NIGHT, RealWorld

__all__ = ["NIGHT", "RealWorld"]
