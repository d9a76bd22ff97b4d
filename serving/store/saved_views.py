"""Saved views of the queue, each of one person."""

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from features.errors import UsageError
from serving.store.database import Store, utcnow
from serving.store.people_tables import SavedView

MAX_SAVED_VIEWS = 30
"""The largest number of views of one person."""

MAX_NAME_LENGTH = 60
MAX_URL_LENGTH = 2000


def saved_views(session: Session, person: str) -> tuple[SavedView, ...]:
    """The person's views by name; without those whose stored address is none of this app."""
    found = session.scalars(select(SavedView).where(SavedView.person == person).order_by(SavedView.name))
    return tuple(view for view in found if _is_local(view.url))


def save_view(store: Store, person: str, name: str, url: str) -> None:
    """Save a view; one of the same name is replaced.

    Raises:
        UsageError: it has no name, its address is outside the app, or there are too many.
    """
    title = name.strip()
    if not 0 < len(title) <= MAX_NAME_LENGTH:
        raise UsageError(f"A view has a name of 1 to {MAX_NAME_LENGTH} characters: give it one.")
    if not _is_local(url) or len(url) > MAX_URL_LENGTH:
        raise UsageError("A view is an address of this app: save it from the queue.")
    with store.transaction() as session:
        mine = select(SavedView).where(SavedView.person == person)
        view = session.scalar(mine.where(SavedView.name == title))
        if view is None and (session.scalar(select(func.count()).select_from(mine.subquery())) or 0) >= MAX_SAVED_VIEWS:
            raise UsageError(f"At most {MAX_SAVED_VIEWS} views can be saved: delete one first.")
        view = view or SavedView(person=person, name=title, created_at=utcnow())
        view.url = url
        session.add(view)


def _is_local(url: str) -> bool:
    """Whether a browser stays on this site when it follows the address."""
    return url.startswith("/") and not url.startswith(("//", "/\\")) and url.isprintable()


def delete_view(store: Store, person: str, view: int) -> None:
    """Delete a view of the person; a view of another person is left alone."""
    with store.transaction() as session:
        saved = session.get(SavedView, view)
        if saved is not None and saved.person == person:
            session.delete(saved)
