"""Pieces of HTML for notebooks: they take font and colours from the page, so they are right in light and dark.

Tables are those of pandas, which every notebook has a style for. Nothing is said by colour alone.
"""

from __future__ import annotations

import base64
from collections.abc import Iterable
from html import escape
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import pandas as pd

SHOWN_ROWS = 60
"""Rows of a table that a summary shows."""


def paragraph(text: str) -> str:
    """A sentence or two."""
    return f"<p>{escape(text)}</p>"


def title(text: str, detail: str = "") -> str:
    """A bold line, with an explanation beside it."""
    return f"<p><strong>{escape(text)}</strong> {escape(detail)}</p>"


def bullets(sentences: Iterable[str]) -> str:
    """Sentences as a list; nothing where there are none."""
    items = "".join(f"<li>{escape(sentence)}</li>" for sentence in sentences)
    return f"<ul>{items}</ul>" if items else ""


def table(rows: pd.DataFrame, *, index: bool = True) -> str:
    """A data frame, with text that is escaped."""
    text = rows.head(SHOWN_ROWS).to_html(index=index, escape=True, border=0, na_rep="–", classes="dataframe")
    return f'<div style="overflow-x:auto">{text}</div>'


def figure_cells(rows: pd.DataFrame) -> str:
    """A data frame of figures with intervals, each interval on a line of its own below its value."""
    return table(rows).replace(" [", "<br>[").replace("<td>", '<td style="white-space:nowrap">')


def details(summary: str, content: str) -> str:
    """A part that is folded until somebody opens it."""
    return f"<details><summary>{escape(summary)}</summary>{content}</details>"


def picture(png: bytes, alt: str) -> str:
    """A picture on white paper, which is readable on a dark page as well, with its description."""
    address = f"data:image/png;base64,{base64.b64encode(png).decode()}"
    style = "background:#fff;max-width:min(100%,760px);border-radius:4px"
    return (
        f'<figure style="margin:0 0 1em"><img src="{address}" alt="{escape(alt)}" style="{style}">'
        f"<figcaption>{escape(alt)}</figcaption></figure>"
    )
