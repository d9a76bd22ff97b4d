"""The sentences about the team's effect on one risk.

*Selected* are the accounts that a squad had a place for, whether or not somebody worked on them: chance decided that,
and what people did afterwards does not change who is compared (intention to treat).
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date

from serving.night_report.effect_report import EffectReport
from serving.night_report.report_text import day_text, plural


def effect_line(effect: EffectReport | None) -> str:
    """The team's effect on one risk."""
    if effect is None:
        return "Not recorded by the version of Rescue that ran this night."
    worked, held_out = effect.worked, effect.held_out
    if effect.valid == "one_look" and worked.accounts and not held_out.accounts:
        return f"Not measurable: the policy held out none of {plural(worked.accounts, 'flagged account')}."
    if not worked.accounts and not held_out.accounts:
        return "Not measurable yet: no account of the nights before took part in the draw of who is held out."
    if effect.difference is None:
        return (
            f"Not measurable yet: {worked.settled:,} selected and {held_out.settled:,} held-out accounts "
            f"have a known outcome; each group needs {effect.needed}."
        )
    groups = f"{worked.settled:,} selected and {held_out.settled:,} held-out accounts"
    value, low, high = (
        100 * share for share in (effect.difference.value, effect.difference.low, effect.difference.high)
    )
    valid = ", valid on every night" if effect.valid == "every_night" else ""
    shown = "" if low > 0 or high < 0 else " This does not show an effect yet."
    return (
        f"The event happened to {abs(value):.1f} percentage points {_fewer(value)} of the selected accounts than of "
        f"the held-out accounts (95% interval{valid}: {_interval(low, high)}; {groups}).{shown}"
    )


def effect_outlook(effect: EffectReport | None, today: date) -> Iterator[str]:
    """What can be seen and when, the effect in revenue, and what the hold-out costs, a sentence each."""
    if effect is None or effect.valid == "one_look":
        return
    if effect.detectable is not None:
        yield (
            f"With {plural(effect.worked.settled + effect.held_out.settled, 'account')} whose outcome is known, a "
            f"difference of {100 * effect.detectable:.0f} points or more is found with a probability of 80%."
        )
    if line := _answer_line(effect, today):
        yield line
    if effect.revenue is not None:
        value, low, high = (_amount(number, effect.currency) for number in vars(effect.revenue).values())
        yield f"Effect in revenue a year, selected against held-out accounts: {value} (95% interval: {low} to {high})."
    if effect.holdout_cost:
        cost = _amount(effect.holdout_cost, effect.currency)
        yield (
            f"{plural(effect.held_out.accounts, 'account')} held out so far. By the policy's save rates, work on them "
            f"would have been worth about {cost} a year."
        )


def _answer_line(effect: EffectReport, today: date) -> str:
    """When an effect as large as the policy assumes would be found; empty where that is not known."""
    settled = effect.worked.settled + effect.held_out.settled
    found = effect.difference is not None and (effect.difference.low > 0 or effect.difference.high < 0)
    if effect.assumed is None or found:
        return ""
    points = f"{100 * effect.assumed:.0f} points, as the policy's save rates assume,"
    if effect.detectable_of is None:
        return f"A difference of {points} is too small to be found."
    if settled >= effect.detectable_of:
        return f"A difference of {points} would have been found by now with a probability of 80%."
    needed = f"needs {effect.detectable_of:,} accounts with a known outcome"
    return f"A difference of {points} {needed}{_expected(effect, today)}."


def _expected(effect: EffectReport, today: date) -> str:
    """By when the accounts that are needed will be settled, as the end of a sentence."""
    if effect.answer_on is None and effect.per_week is None:
        return "; when that will be is known after a week of nights"
    if effect.answer_on is None:
        return (
            ", and at the present flow that takes more than ten years: too few accounts are at risk to measure the "
            "effect by chance. Judge the work by the outcomes of cases, and hold out a larger share, or nobody"
        )
    if effect.answer_on <= today:
        return "; they are settled as soon as the source has newer data"
    day = day_text(effect.answer_on)
    if effect.per_week is None:
        return f"; they are settled on {day}"
    return f"; at the present flow of {effect.per_week:.1f} a week an answer is expected on {day}"


def _amount(amount: float, currency: str | None) -> str:
    return f"{amount:,.0f} {currency or ''}".strip()


def _interval(low: float, high: float) -> str:
    if _fewer(low) != _fewer(high):
        return f"{-low:.1f} more to {high:.1f} fewer"
    least, most = sorted((abs(low), abs(high)))
    return f"{least:.1f} to {most:.1f} {_fewer(high)}"


def _fewer(points: float) -> str:
    return "fewer" if points >= 0 else "more"
