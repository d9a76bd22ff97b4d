"""Reports of the previous version, converted to the present schema.

Version 1 kept counts under keys that were sentences, warnings as sentences, and in the database counts in place of the
queue. What it did not record is left out: a number is never made up, and a sentence stays a sentence.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

NOT_SCORED_CODES: Final = {
    "no running subscription": "no_subscription",
    "notice is already known": "cancellation_known",
    "no model of this risk": "no_model",
}
SUPPRESSION_CODES: Final = {
    "has an open case that is not worse": "open_case",
    "is cooling down after its last case": "cooling_down",
    "a rescue would cost more than it can save": "below_minimum",
    "has not been above the threshold for enough nights": "too_few_nights",
}
STEPS: Final = {"admit": "validate", "hindsight": "realised outcomes", "clocks": "timers"}
DECISION: Final = {
    "candidates": "accounts",
    "flags": "flagged",
    "raised again": "raised_again",
    "waiting": "waiting",
    "held out": "held_out",
    "exempted": "exempted",
}


def convert(report: Mapping[str, Any]) -> dict[str, Any]:
    """A report of version 1 as the JSON of the present one; anything it lacks is left to the schema's defaults."""
    queue = report.get("queue")
    return {
        "as_of": report["as_of"],
        "run_id": report.get("run_id", ""),
        "tables": [_table(report, name, counts) for name, counts in report.get("tables", {}).items()],
        "missing_tables": report.get("missing", ()),
        "risks": [_risk(report, name) for name in report.get("scored", {})],
        "decision": _decision(report),
        "cases": _cases(report, queue if isinstance(queue, Mapping) else {}),
        "queue": queue if isinstance(queue, list) else [],
        "realised_outcomes": [_outcomes(risk, row) for risk, row in report.get("came_of", {}).items()],
        "warnings": [{"code": "text", "text": text} for text in report.get("warnings", ())],
        "seconds": {STEPS.get(step, step): seconds for step, seconds in report.get("seconds", {}).items()},
        "unchanged": report.get("unchanged", False),
    }


def _table(report: Mapping[str, Any], name: str, counts: Mapping[str, Any]) -> dict[str, Any]:
    files = report.get("files", {}).get(name, {})
    return {
        "name": name,
        "rows": counts["rows"],
        "accepted": counts["accepted"],
        "duplicates": counts.get("repeats", 0),
        "quarantined": counts["quarantined"],
        "files_read": files.get("read", 0),
        "files_cached": files.get("kept", 0),
    }


def _risk(report: Mapping[str, Any], name: str) -> dict[str, Any]:
    reasons = report.get("not_scored", {}).get(name, {})
    return {
        "name": name,
        "title": name.capitalize(),
        "model_version": report.get("models", {}).get(name),
        "eligible": report.get("eligible", {}).get(name, 0),
        "scored": report["scored"][name],
        "not_scored": [_not_scored(reason, count) for reason, count in reasons.items()],
    }


def _not_scored(reason: str, count: int) -> dict[str, Any]:
    code = NOT_SCORED_CODES.get(reason)
    return {"code": code, "count": count} if code else {"code": "other", "count": count, "text": reason}


def _decision(report: Mapping[str, Any]) -> dict[str, Any]:
    counts: Mapping[str, int] = report.get("counts", {})
    named = {field: counts[key] for key, field in DECISION.items() if key in counts}
    return {
        "flagged": report.get("flagged", 0),
        **named,
        "suppressed": {
            code: counts[key] for why, code in SUPPRESSION_CODES.items() if (key := f"suppressed: {why}") in counts
        },
        "detected": _after("noticed for ", counts),
        "triggers": _after("trigger ", counts),
    }


def _after(start: str, counts: Mapping[str, int]) -> dict[str, int]:
    return {key.removeprefix(start): count for key, count in counts.items() if key.startswith(start)}


def _cases(report: Mapping[str, Any], changes: Mapping[str, int]) -> dict[str, int]:
    raised_again = report.get("counts", {}).get("raised again", 0)
    return {
        "opened": changes.get("opened", report.get("cases_opened", 0)),
        "raised_again": changes.get("raised_again", raised_again),
        "expired": changes.get("expired", 0),
    }


def _outcomes(risk: str, row: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "risk": risk,
        "horizon_days": row["horizon"],
        "cases": row["cases"],
        "settled": row["settled"],
        "events": row["happened"],
        "median_lead_days": row["lead_days"],
        "effect": None,
    }
