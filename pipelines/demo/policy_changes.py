"""The versions of the demo's policy: what a lead changes in the app, when and why, and what is taken back."""

from dataclasses import dataclass

from serving.policy_versions.policy_state import PolicySource
from serving.policy_versions.saved_policies import Origin, PolicyChange, newest_saved, read_policy_in_force, save_policy
from serving.store import Store
from serving.store.database import utcnow


@dataclass(frozen=True)
class Edit:
    """A change that is saved so many days before the end: texts of the policy and what replaces them.

    With ``takes_back``, the version before the newest one is restored.
    """

    days_left: int
    author: str
    reason: str
    texts: tuple[tuple[str, str], ...] = ()
    takes_back: bool = False


FIRST = (("enter = 0.08\nleave = 0.05", "enter = 0.12\nleave = 0.08"), ("capacity = 3\n", "capacity = 2\n"))
"""How the first version differs from the file that comes with the demo: fewer customers, and later."""

EDITS = (
    Edit(
        40,
        "amara",
        "Two customers left last month whom we never saw: we take on more, and earlier.",
        tuple((new, old) for old, new in FIRST),
    ),
    Edit(
        17,
        "elif",
        "Support has room for a third case a night.",
        (("capacity = 2\nmax_open = 18", "capacity = 3\nmax_open = 18"),),
    ),
    Edit(3, "elif", "Three a night are too many beside the release: back to two.", takes_back=True),
)


def first_policy(text: str) -> str:
    """The policy with which the demo begins."""
    return _replaced(text, FIRST)


def change_policy(store: Store, source: PolicySource, days_left: int) -> bool:
    """Save the change of this day, where there is one; whether there was."""
    edit = next((edit for edit in EDITS if edit.days_left == days_left), None)
    if edit is None:
        return False
    current = read_policy_in_force(store, source)
    text, restores = _replaced(current.text, edit.texts), None
    if edit.takes_back:
        with store.reading() as session:
            newest = newest_saved(session)
        if newest is None:
            return False
        support = EDITS[1].texts[0]
        text, restores = current.text.replace(support[1], support[0]), newest.number - 1 or None
    if text == current.text:
        return False
    origin: Origin = "rollback" if restores else "app"
    change = PolicyChange(text, edit.author, edit.reason, origin, current.base, restores)
    save_policy(store, source, change, utcnow())
    return True


def _replaced(text: str, texts: tuple[tuple[str, str], ...]) -> str:
    for old, new in texts:
        text = text.replace(old, new, 1)
    return text
