"""The currency of money whose rows name none: from the headers of the columns, where they agree."""

import re
from collections.abc import Sequence

from pipelines.onboarding.propose import SourceProposal

_CODE = re.compile(
    r"(?:^|[^A-Za-z])(USD|EUR|GBP|CHF|JPY|AUD|CAD|SEK|NOK|DKK|PLN|INR|BRL)(?:$|[^A-Za-z])", re.IGNORECASE
)


def find_currency(proposals: Sequence[SourceProposal]) -> str | None:
    """The one currency that the names of money's columns have (``Amount (EUR)``); ``None`` without one, or with two."""
    codes = {
        found[1].upper()
        for proposal in proposals
        for profile in proposal.profiles.values()
        for name in profile.columns
        for found in [_CODE.search(name.replace("_", " "))]
        if found is not None
    }
    return codes.pop() if len(codes) == 1 else None
