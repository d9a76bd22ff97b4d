"""A drawing as a page of HTML: it needs nothing else, follows light and dark, and can be printed."""

from collections.abc import Sequence

from serving.drawings.drawing_text import xml_text

_STYLE = """
:root { color-scheme: light dark; --ink: #1d2733; --quiet: #55606e; --line: #c8d0d8; --paper: #ffffff;
  --band: #f3f6f9; }
@media (prefers-color-scheme: dark) { :root { --ink: #e6ebf0; --quiet: #a5b0bc; --line: #3c4854; --paper: #14191f;
  --band: #1d252d; } }
body { margin: 2rem auto; max-width: 110rem; padding: 0 1rem; background: var(--paper); color: var(--ink);
  font: 16px/1.5 system-ui, sans-serif; }
h1 { font-size: 1.5rem; } h2 { font-size: 1.15rem; margin-top: 2rem; }
table { border-collapse: collapse; } th, td { border: 1px solid var(--line); padding: .35rem .6rem; text-align: left;
  vertical-align: top; } thead th, tbody th { background: var(--band); font-weight: 600; } td.letter, th.letter {
  text-align: center; } .quiet { color: var(--quiet); } .wide { overflow-x: auto; } figure { margin: 1rem 0; }
figure svg { max-width: 100%; height: auto; } a { color: inherit; }
@media print { body { margin: 0; max-width: none; background: #ffffff; color: #000000; } .wide { overflow: visible; }
  section { break-inside: avoid; } table { font-size: 10pt; } @page { size: A4 landscape; margin: 12mm; } }
""".strip()


def html_page(title: str, parts: Sequence[str]) -> str:
    """A whole page; ``parts`` are HTML."""
    return (
        '<!doctype html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        f"<title>{xml_text(title)}</title>\n<style>{_STYLE}</style>\n</head>\n<body>\n"
        f"<h1>{xml_text(title)}</h1>\n" + "\n".join(parts) + "\n</body>\n</html>\n"
    )


def html_table(caption: str, head: Sequence[str], rows: Sequence[Sequence[str]], *, letters: bool = False) -> str:
    """A table of texts, whose first column are headings; ``letters`` centres all others."""
    kind = ' class="letter"' if letters else ""
    cells = [f'<th scope="col"{kind if place else ""}>{xml_text(text)}</th>' for place, text in enumerate(head)]
    body = []
    for row in rows:
        values = "".join(f"<td{kind}>{xml_text(text)}</td>" for text in row[1:])
        body.append(f'<tr><th scope="row">{xml_text(row[0])}</th>{values}</tr>')
    return (
        f'<div class="wide"><table><caption class="quiet">{xml_text(caption)}</caption>\n'
        f"<thead><tr>{''.join(cells)}</tr></thead>\n<tbody>\n" + "\n".join(body) + "\n</tbody></table></div>"
    )


def html_section(title: str, parts: Sequence[str]) -> str:
    """A section with a heading; ``parts`` are HTML."""
    return f"<section>\n<h2>{xml_text(title)}</h2>\n" + "\n".join(parts) + "\n</section>"


def html_paragraph(text: str, *, quiet: bool = False) -> str:
    """A paragraph of text."""
    kind = ' class="quiet"' if quiet else ""
    return f"<p{kind}>{xml_text(text)}</p>"


def html_list(items: Sequence[str]) -> str:
    """A list of texts."""
    return "<ul>" + "".join(f"<li>{xml_text(item)}</li>" for item in items) + "</ul>"
