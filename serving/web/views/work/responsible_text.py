"""Who has to act on a case, in words: the same on its page, the queue, My day, the accounts and the overview."""

from serving.store.case_states import State
from serving.store.tables import Case
from serving.web.reader import PageReader

NOBODY_YET = "nobody yet"


def responsible_text(case: Case, reader: PageReader) -> str:
    """The person by name; ``, not claimed yet`` where the case is only given to them, by duty or by its path."""
    name = reader.name_of(case.responsible)
    if not name:
        return NOBODY_YET
    if case.owner is not None or case.closed_at is not None:
        return name
    return f"{name}, not {'accepted' if case.state == State.HANDED_OVER else 'claimed'} yet"
