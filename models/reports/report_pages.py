"""What the model card and the backtest's page share: facts of an evaluation, pictures inside the page, templates."""

import base64
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

from models.evaluation.metrics_report import Evaluation
from models.learners.estimators import estimator_title
from models.reports.figures import SHOWN, figure_table, figure_title, report_line
from models.reports.sentences import render_finding, warnings_of
from models.risks.risk import Risk

TEMPLATES = Path(__file__).with_name("templates")


def evaluation_facts(risk: Risk, evaluation: Evaluation) -> dict[str, Any]:
    """What both pages show of an evaluation, rendered for their templates."""
    overall, unseen = evaluation.overall, evaluation.unseen_accounts
    return {
        "title": risk.title,
        "event": describe_event(risk),
        "capacity": evaluation.capacity,
        "kind": estimator_title(evaluation.kind),
        "reason": render_finding(evaluation.reason),
        "verdict": render_finding(evaluation.verdict),
        "warnings": warnings_of(evaluation),
        "overall": overall,
        "figures": figure_table(overall, evaluation.kind),
        "folds": [{**report_line(fold), "figures": figure_table(fold, evaluation.kind)} for fold in evaluation.folds],
        "unseen": report_line(unseen) if unseen else None,
        "segments": [report_line(segment) for segment in evaluation.segments],
    }


def describe_event(risk: Risk) -> str:
    """What is predicted, in the words of the data contract."""
    rule = risk.label
    window = rule.window
    event = {
        "contract": f"The decision to end the account's last running subscription falls {window}.",
        "silence": f"An account that was active in the last {rule.active} days shows no activity {window}.",
        "event": f"A row of {rule.table} where {rule.where or 'nothing else is asked'} occurs {window}.",
        "decrease": f"The {rule.measure} of the account's running subscriptions falls by {rule.share:.0%} {window}.",
        "overdue": f"An invoice becomes {rule.days} days overdue {window}.",
    }[rule.kind]
    return f"{event} Only accounts with {risk.eligible}." if risk.eligible else event


def format_date(value: date | str) -> str:
    """A date as people read it: ``1 Jul 2026``."""
    day = date.fromisoformat(value[:10]) if isinstance(value, str) else value
    return f"{day.day} {day:%b %Y}"


@dataclass(frozen=True)
class Picture:
    """A picture on a page: where it is, and what it shows in words."""

    address: str
    alt: str


def inline_picture(file: Path, alt: str) -> Picture:
    """The picture with its content as the address, so that the page needs no other file."""
    return Picture("data:image/png;base64," + base64.b64encode(file.read_bytes()).decode(), alt)


def write_page(file: Path, facts: Mapping[str, Any]) -> None:
    """Render the template of the file's own name with these facts; a source's name is escaped."""
    from jinja2 import Environment, FileSystemLoader, StrictUndefined, select_autoescape

    environment = Environment(
        loader=FileSystemLoader(TEMPLATES),
        autoescape=select_autoescape(["html.jinja"]),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters["day"] = format_date
    shown = [figure_title(name) for name in SHOWN]
    text = environment.get_template(f"{file.name}.jinja").render(facts, shown=shown)
    file.write_text(text + "\n", encoding="utf-8")
