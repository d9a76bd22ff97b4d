"""The reasons of a case that somebody can disagree with, without opening its page."""

import json

from serving.store import Store
from serving.store.queries.case_queries import case_file

WHOLE_CASE = ("other", "The case as a whole")
"""What can be disagreed with where a case lists no reasons."""


def disagreeable_reasons(store: Store, case_id: str) -> list[tuple[str, str]]:
    """The groups of the reasons of a case's newest hand-off, each with its first sentence."""
    with store.reading() as session:
        file = case_file(session, case_id, visible=None)
    content = json.loads(file.handoff) if file is not None else {}
    facts = [fact for card in content.get("risks", ()) for fact in card.get("reasons", ())]
    reasons: dict[str, str] = {}
    for fact in facts:
        reasons.setdefault(str(fact["group"]), str(fact["sentence"]))
    return list(reasons.items()) or [WHOLE_CASE]
