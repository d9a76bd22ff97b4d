"""Where the data comes from: a folder, a DuckDB file, a database, and a mapping over any of them.

``open_source`` names one; ``examined`` reads it through admission into a ``History``.
"""

from pipelines.sources.base import Source
from pipelines.sources.opening import open_source
from pipelines.sources.read_source import examined

__all__ = ["Source", "examined", "open_source"]
