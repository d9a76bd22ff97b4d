"""Views of the queue that people keep for themselves."""

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from features.errors import UsageError
from serving.store.database import Store, utcnow
from serving.store.people_tables import SavedView

MOST = 30
"""Views that one person can keep."""

LONGEST = 60
LONGEST_URL = 2000


def saved_views(session: Session, person: str) -> tuple[SavedView, ...]:
    """The person's views by name."""
    return tuple(session.scalars(select(SavedView).where(SavedView.person == person).order_by(SavedView.name)))


def save(store: Store, person: str, name: str, url: str) -> None:
    """Keep a view; one of that name is replaced.

    Raises:
        UsageError: it has no name, leads out of the app, or there are too many.
    """
    title = name.strip()
    if not 0 < len(title) <= LONGEST:
        raise UsageError(f"A view has a name of 1 to {LONGEST} characters: give it one.")
    if not url.startswith("/") or url.startswith(("//", "/\\")) or not url.isprintable() or len(url) > LONGEST_URL:
        raise UsageError("A view is an address of this app: save it from the queue.")
    with store.transaction() as session:
        mine = select(SavedView).where(SavedView.person == person)
        view = session.scalar(mine.where(SavedView.name == title))
        if view is None and (session.scalar(select(func.count()).select_from(mine.subquery())) or 0) >= MOST:
            raise UsageError(f"At most {MOST} views can be kept: forget one first.")
        view = view or SavedView(person=person, name=title, created_at=utcnow())
        view.url = url
        session.add(view)


def forget(store: Store, person: str, view: int) -> None:
    """Forget one of the person's own views; another's does not exist for them."""
    with store.transaction() as session:
        found = session.get(SavedView, view)
        if found is not None and found.person == person:
            session.delete(found)
