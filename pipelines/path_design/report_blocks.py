"""A report as blocks, written as Markdown and as a page of its own without any file beside it."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from html import escape

STYLE = """
:root { color-scheme: light dark; --line: #8884; --soft: #8881; }
body { font: 16px/1.5 system-ui, sans-serif; max-width: 70rem; margin: 2rem auto; padding: 0 1rem; }
h1 { font-size: 1.6rem; } h2 { font-size: 1.25rem; margin-top: 2rem; } h3 { font-size: 1.05rem; }
.wide { overflow-x: auto; }
table { border-collapse: collapse; margin: 1rem 0; font-size: .92rem; }
th, td { border-bottom: 1px solid var(--line); padding: .35rem .7rem; text-align: left; vertical-align: top; }
td.number, th.number { text-align: right; font-variant-numeric: tabular-nums; white-space: nowrap; }
pre { background: var(--soft); padding: .8rem; overflow-x: auto; white-space: pre-wrap; overflow-wrap: anywhere; }
"""


@dataclass(frozen=True)
class Heading:
    """A heading of level 1 to 3."""

    text: str
    level: int = 2


@dataclass(frozen=True)
class Paragraph:
    """A paragraph."""

    text: str


@dataclass(frozen=True)
class Listing:
    """A list of sentences."""

    items: tuple[str, ...]


@dataclass(frozen=True)
class TextTable:
    """A table; every column but the first ``texts`` ones is right-aligned."""

    header: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    texts: int = 1


@dataclass(frozen=True)
class CodeBlock:
    """Text to copy as it is, in a language."""

    text: str
    language: str = "toml"


ReportBlock = Heading | Paragraph | Listing | TextTable | CodeBlock


def write_markdown(blocks: Iterable[ReportBlock]) -> str:
    """The report as Markdown."""
    return "\n\n".join(_markdown(block) for block in blocks) + "\n"


def write_page(title: str, blocks: Iterable[ReportBlock]) -> str:
    """The report as one HTML page that loads nothing."""
    body = "\n".join(_html(block) for block in blocks)
    return (
        '<!doctype html>\n<html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<title>{escape(title)}</title><style>{STYLE}</style></head>\n<body><main>\n{body}\n</main></body></html>\n"
    )


def _markdown(block: ReportBlock) -> str:
    if isinstance(block, Heading):
        return f"{'#' * block.level} {block.text}"
    if isinstance(block, Paragraph):
        return block.text
    if isinstance(block, Listing):
        return "\n".join(f"- {item}" for item in block.items)
    if isinstance(block, CodeBlock):
        return f"```{block.language}\n{block.text.rstrip()}\n```"
    lines = [_row(block.header), _row([":--" if place < block.texts else "--:" for place in range(len(block.header))])]
    return "\n".join([*lines, *(_row(row) for row in block.rows)])


def _row(cells: Sequence[str]) -> str:
    return f"| {' | '.join(cell.replace('|', chr(92) + '|').replace(chr(10), ' ') for cell in cells)} |"


def _html(block: ReportBlock) -> str:
    if isinstance(block, Heading):
        return f"<h{block.level}>{escape(block.text)}</h{block.level}>"
    if isinstance(block, Paragraph):
        return f"<p>{escape(block.text)}</p>"
    if isinstance(block, Listing):
        return "<ul>" + "".join(f"<li>{escape(item)}</li>" for item in block.items) + "</ul>"
    if isinstance(block, CodeBlock):
        return f'<pre tabindex="0">{escape(block.text.rstrip())}</pre>'
    header = _cells("th", block.header, block.texts, ' scope="col"')
    rows = "".join(f"<tr>{_cells('td', row, block.texts)}</tr>" for row in block.rows)
    return f'<div class="wide" tabindex="0"><table><thead><tr>{header}</tr></thead><tbody>{rows}</tbody></table></div>'


def _cells(tag: str, cells: Sequence[str], texts: int, more: str = "") -> str:
    return "".join(
        f"<{tag}{more}{'' if place < texts else ' class=number'}>{escape(cell)}</{tag}>"
        for place, cell in enumerate(cells)
    )
