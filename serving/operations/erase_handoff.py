"""Erase what a frozen hand-off says about a customer, and keep what it says about model, policy and product.

Names, the owner, where the account is and what it does, quotes, ticket subjects and texts, and sentences about the
account are replaced. Sentences that are the same for every account stay: titles of risks, the playbook and its steps,
titles and units of usage, messages of the policy's triggers. So do ids, dates, states and numbers. A text that no rule
names, as one of an earlier schema version or of a later field, is replaced unless it is a code.
"""

import re
from collections.abc import Sequence
from typing import Any

ERASED = "(erased)"

_CODE = re.compile(r"[a-z0-9_.:/+-]{1,60}|[A-Z]{3}|\d{4}-\d\d-\d\d[\dT:.+Z-]*")
"""Codes, ids, currencies and dates, which a schema may require and which identify nobody."""
_GENERIC = (
    ("binding",),
    ("case", "risk"),
    ("case", "severity"),
    ("case", "squad"),
    ("case", "routing", "skill"),
    ("case", "routing", "text"),
    ("case", "triggers"),
    ("case", "uplift"),
    ("account", "account_id"),
    ("account", "parent_id"),
    ("account", "source"),
    ("contract", "plans"),
    ("currency",),
    ("evidence", "ticket_id"),
    ("risks", "risk"),
    ("risks", "title"),
    ("risks", "quality"),
    ("risks", "reasons", "feature"),
    ("risks", "reasons", "group"),
    ("playbook",),
    ("tickets", "ticket_id"),
    ("tickets", "category"),
    ("tickets", "priority"),
    ("tickets", "state"),
    ("tickets", "source"),
    ("usage",),
    ("health", "source"),
    ("invoices", "invoice_id"),
    ("invoices", "source"),
    ("invoices", "currency"),
    ("links", "system"),
    ("gaps",),
)
"""Places of texts that are not the customer's, items of lists without their number."""
_EARLIER = {"raised": "case", "play": "playbook"}
"""Sections that schema 1.0 named otherwise."""
_OWN = frozenset(
    {"name", "owner", "segment", "industry", "region", "unserved_region", "quote", "subject", "last_words", "sentence"}
    | {"headline", "why_now", "changes", "external_id"}
)
"""Keys of texts about the customer, which are replaced even where they look like a code."""


def erase_from_handoff(content: dict[str, Any], name: str | None) -> dict[str, Any]:
    """The content of a hand-off without what identifies the account and what was said about it.

    ``name`` is the account's present name; the one that the hand-off was written with is taken out, too.
    """
    account = content.get("account") or {}
    routing = (content.get("case") or {}).get("routing") or {}
    own = (name, account.get("name"), account.get("owner"), routing.get("unserved_region"))
    names = sorted({text for text in own if text}, key=len, reverse=True)
    return {key: _erased(value, (_EARLIER.get(key, key),), names) for key, value in content.items()}


def _erased(content: Any, place: tuple[str, ...], names: Sequence[str]) -> Any:
    if isinstance(content, dict):
        return {key: _erased(value, (*place, key), names) for key, value in content.items()}
    if isinstance(content, list):
        return [_erased(value, place, names) for value in content]
    if not isinstance(content, str) or not content:
        return content
    if place[-1] == "url":
        return None
    if any(place[: len(generic)] == generic for generic in _GENERIC):
        return _without(content, names)
    own = place[-1] in _OWN and place != ("case", "routing", "subject")  # which is a group of features
    return content if not own and content not in names and _CODE.fullmatch(content) else ERASED


def _without(text: str, names: Sequence[str]) -> str:
    """The text without these names where they are whole words."""
    for name in names:
        text = re.sub(rf"(?<!\w){re.escape(name)}(?!\w)", ERASED, text)
    return text
