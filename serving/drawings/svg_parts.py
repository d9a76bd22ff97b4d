"""What every SVG drawing shares: the frame with its style for light, dark and print, and texts in lines."""

from collections.abc import Sequence

from serving.drawings.drawing_text import break_lines, xml_text

STYLE = """
svg { --paper: #ffffff; --ink: #1d2733; --quiet: #55606e; --line: #6b7684; --fill: #eef3f8; --band: #f6f8fa;
  --accent: #0b5cad; --warn: #a04000; background: var(--paper); }
@media (prefers-color-scheme: dark) { svg { --paper: #14191f; --ink: #e6ebf0; --quiet: #a5b0bc; --line: #8a96a3;
  --fill: #22303d; --band: #1a2129; --accent: #7ab8f5; --warn: #f0a060; } }
@media print { svg { --paper: #ffffff; --ink: #000000; --quiet: #333333; --line: #333333; --fill: #ffffff;
  --band: #ffffff; --accent: #000000; --warn: #000000; } }
text { font: 12px system-ui, sans-serif; fill: var(--ink); }
.small { font-size: 11px; fill: var(--quiet); } .title { font-size: 16px; font-weight: 600; }
.strong { font-weight: 600; } .middle { text-anchor: middle; }
.paper { fill: var(--paper); } .band { fill: var(--band); stroke: var(--line); }
.box { fill: var(--fill); stroke: var(--line); stroke-width: 1.5; } .shape { fill: var(--paper); stroke: var(--line);
  stroke-width: 1.5; } .thick { stroke-width: 3; } .dashed { stroke-dasharray: 4 3; }
.line { fill: none; stroke: var(--line); stroke-width: 1.5; } .head { fill: var(--line); }
.warn { stroke: var(--warn); } .accent { stroke: var(--accent); } .mark { fill: var(--line); }
""".strip()


def svg_frame(width: float, height: float, title: str, words: str, parts: Sequence[str]) -> str:
    """An SVG file: ``words`` is the text alternative; the arrow head is ``url(#arrow)``."""
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width:g} {height:g}" width="{width:g}" '
        f'height="{height:g}" role="img" aria-labelledby="title words">\n'
        f'<title id="title">{xml_text(title)}</title>\n<desc id="words">{xml_text(words)}</desc>\n'
        f"<style>{STYLE}</style>\n"
        '<defs><marker id="arrow" viewBox="0 0 10 10" refX="9" refY="5" markerWidth="7" markerHeight="7" '
        'orient="auto-start-reverse"><path class="head" d="M0 0 10 5 0 10z"/></marker></defs>\n'
        f'<rect class="paper" width="{width:g}" height="{height:g}"/>\n' + "\n".join(parts) + "\n</svg>\n"
    )


def text_lines(
    x: float, y: float, text: str, width: float, most: int, *, kind: str = "", spacing: float = 14
) -> list[str]:
    """The text from the first baseline at ``y`` on, one element for each line; the whole text is its tooltip."""
    lines = break_lines(text, width, most)
    tooltip = f"<title>{xml_text(text)}</title>" if lines and lines[-1].endswith("…") else ""
    mark = f' class="{kind}"' if kind else ""
    return [
        f'<text{mark} x="{x:g}" y="{y + spacing * place:g}">{xml_text(line)}{tooltip}</text>'
        for place, line in enumerate(lines)
    ]


def centred_lines(x: float, middle: float, text: str, width: float, most: int, *, kind: str = "middle") -> list[str]:
    """The text in the middle of a box."""
    count = len(break_lines(text, width, most))
    return text_lines(x, middle - 7 * (count - 1) + 4, text, width, most, kind=kind)
