"""Where the data comes from: a folder, a DuckDB file, a database, and a mapping over any of them.

``open_source`` opens one; ``validate_rows`` reads and validates it into a ``History``. Connectors and mappings belong
here; the rules of validation are in ``features.validation``.
"""

from pipelines.sources.base import Source
from pipelines.sources.opening import open_source
from pipelines.sources.read_source import validate_rows

__all__ = ["Source", "open_source", "validate_rows"]
