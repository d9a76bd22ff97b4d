"""Where the queue lives: one schema, on SQLite by default and on PostgreSQL by URL.

``tables`` says what is kept, ``database`` how it is reached, ``migrations`` how it grows, ``bulk`` how a whole night of
scores gets in. Nothing outside this folder writes SQL dialects.
"""

from sqlalchemy.orm import Session

from serving.store.database import Store, utcnow

__all__ = ["Session", "Store", "utcnow"]
