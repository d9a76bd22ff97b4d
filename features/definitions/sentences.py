"""Sentences for a person, from a template and a row of features.

A field is ``{feature:how}``. ``how`` is one of

- ``n ticket`` – a count with its noun: "no tickets", "1 ticket", "1,204 tickets" (``n reply|replies`` for its plural);
- ``moved`` – a share of change: "fell 43%", "rose 12%", "rose more than 200%", "did not change";
- ``moved COUNT`` – with the feature that has changed: "rose 12% to 56", and where a share misleads, because it is above
  200% or both counts are below 10, "rose from 0.2 to 4"; ``moved COUNT NOUN`` – "rose 12%", "rose from 2 to 40 events"
  (``moved COUNT money``: in the row's currency);
- ``pct`` – a share: "43%";   ``num`` – a plain number: "3.4";
- ``money`` – "12,400 EUR" where the row has a ``currency``, else "12,400";
- ``text`` – the value, the underscores of a code as spaces;
- ``in UNIT`` / ``by UNIT`` – a value in a unit of the settings: "42%", "7 days"; or a difference: "fell by 3 days";
- ``days`` / ``hours`` – a duration: "1 day", "12 days", "3 hours";
- ``points`` – a difference: "fell 12 points", "rose 1 point";   ``later`` – "3 days later", "1 day earlier";
- ``against`` – a difference of shares: "49 points less than for", "about the same as for";
- ``yes`` – "yes" or "no";
- ``ago`` / ``ahead`` – that many days before or after the cutoff, as a date: "12 Feb", "12 Feb 2024" in another year.

A part in square brackets is left out where one of its fields is missing.

Sentences are said to customers, so an impossible one must not exist: a count, a share or a duration below zero, or a
fall by more than 100%, comes from untidy data and has no words. A sentence with such a value is ``None``; an optional
part with one is left out.
"""

import re
from collections.abc import Callable, Collection, Mapping, Sequence
from datetime import date, timedelta
from functools import cache
from math import inf, isfinite

from features.errors import UsageError, suggest_name

_FIELD = re.compile(r"\{(\w+)(?::([^}]*))?\}")
_OPTIONAL = re.compile(r"\[([^\]]*)\]")
HOURS_AS_DAYS = 72
"""From so many hours on a duration is said in days: "12 days", not "296 hours"."""
LEAST_SHARE_SAID = 0.005
"""A smaller share is no change."""
MOST_SHARE_RISE = 2.0
"""A growth above this share is said with counts: "2,071%" of almost nothing tells nobody what happened."""
FEW_COUNTED = 10
"""Where both counts are below it, a change is said with counts."""
_LEAST = {"n": 0.0, "pct": 0.0, "days": 0.0, "hours": 0.0, "money": 0.0, "ago": 0.0, "ahead": 0.0, "moved": -1.0}
"""The smallest possible value, by the first word of ``how``; the others may be of any size."""


def check_template(template: str, known: Collection[str]) -> None:
    """Check that a template uses features that are ``known``, and words for values that exist.

    Raises:
        UsageError: it does not; the sentence names the field.
    """
    for match in _FIELD.finditer(template):
        name, how = match[1], match[2] or "num"
        if name not in known:
            raise UsageError(f"its sentence uses {name!r}, which is no feature; {suggest_name(name, known)}")
        if (counted := _counted(how)) is not None and counted not in known:
            raise UsageError(f"its sentence uses {counted!r}, which is no feature; {suggest_name(counted, known)}")
        if not how.startswith(("n ", "in ", "by ", "moved ")) and how not in (
            words := (*_NUMBERS, "text", "ago", "ahead")
        ):
            raise UsageError(f"its sentence says {name} as {how!r}; {suggest_name(how, (*words, 'n NOUN', 'in UNIT'))}")
    rest = _FIELD.sub("", _OPTIONAL.sub(lambda part: part[1], template))
    if set(rest) & set("{}[]"):
        raise UsageError(f"its sentence has a bracket without its pair: {template!r}.")


def render_sentence(template: str, row: Mapping[str, object], as_of: date) -> str | None:
    """The template's sentence for this row; ``None`` where one of its values is impossible."""

    def optional_part(match: re.Match[str]) -> str:
        known = all(row.get(name) is not None for name, _ in _fields(match[1]))
        return match[1] if known and _possible(match[1], row) else ""

    def value(match: re.Match[str]) -> str:
        how, currency = match[2] or "num", row.get("currency") or ""
        if how.startswith("moved ") and isinstance(share := row.get(match[1]), int | float):
            return _moved_count(float(share), row.get(_counted(how) or ""), how.split(" ", 2)[2:], currency)
        return _render(row.get(match[1]), how.split(" ")[0] if how.startswith("moved ") else how, as_of, currency)

    required = _OPTIONAL.sub(optional_part, template)
    if not _possible(required, row):
        return None
    sentence = _FIELD.sub(value, required)
    return sentence[:1].upper() + sentence[1:]


def can_be_said(template: str, row: Mapping[str, object]) -> bool:
    """Whether :func:`render_sentence` of this row is a sentence: optional parts have none or possible values."""
    return _possible(_without_optional_parts(template), row)


@cache
def _without_optional_parts(template: str) -> str:
    return _OPTIONAL.sub("", template)


def _possible(template: str, row: Mapping[str, object]) -> bool:
    """Whether each value of the template is in the range of its words."""
    return all(_in_range(row.get(name), how) for name, how in _fields(template))


@cache
def _fields(template: str) -> tuple[tuple[str, str], ...]:
    """The name of each field of a template, and how it is said."""
    return tuple((match[1], match[2] or "num") for match in _FIELD.finditer(template))


def _in_range(value: object, how: str) -> bool:
    if not isinstance(value, int | float):
        return True
    if not isfinite(value):
        return False
    return value >= _LEAST.get(how.split(" ")[0], -inf)


def fields_of(template: str) -> tuple[str, ...]:
    """The names of the features that a template uses."""
    fields = _fields(template)
    counted = (_counted(how) for _, how in fields)
    return tuple(dict.fromkeys([*(name for name, _ in fields), *(name for name in counted if name is not None)]))


def _counted(how: str) -> str | None:
    """The feature whose change is said; None where the sentence names none."""
    return how.split(" ")[1] if how.startswith("moved ") else None


def _render(value: object, how: str, as_of: date, currency: object) -> str:
    if value is None:
        return "an unknown number of " + _plural(how[2:]) if how.startswith("n ") else "unknown"
    if how == "text" or isinstance(value, str):
        return str(value).replace("_", " ")
    number = float(value)  # type: ignore[arg-type]  # a feature is text or a number
    if how.startswith("n "):
        return _count(number, how[2:])
    if how.startswith(("in ", "by ")):
        return _amount(number, how[3:]) if how.startswith("in ") else _difference(number, how[3:])
    if how in ("ago", "ahead"):
        return _day(as_of + timedelta(days=round(number if how == "ahead" else -number)), as_of)
    return f"{_NUMBERS[how](number)} {currency if how == 'money' else ''}".rstrip()


def _count(number: float, noun: str) -> str:
    """A count with its noun, singular or plural: "1 ticket", "no tickets"."""
    if number == 0:
        return f"no {_plural(noun)}"
    return f"{_plain(number)} {noun.split('|')[0] if number == 1 else _plural(noun)}"


def _plural(noun: str) -> str:
    singular, _, plural = noun.partition("|")
    return plural or f"{singular}s"


def _plain(number: float) -> str:
    if number == int(number):
        return f"{int(number):,}"
    return f"{number:,.0f}" if abs(number) >= 100 else f"{number:.1f}"


def _share(number: float) -> str:
    share = abs(number) * 100
    return f"{share:,.0f}%" if share >= 1 or share == 0 else "less than 1%"


def _moved(number: float) -> str:
    if abs(number) < LEAST_SHARE_SAID:
        return "did not change"
    if number > MOST_SHARE_RISE:
        return f"rose more than {MOST_SHARE_RISE:.0%}"
    return f"{'rose' if number > 0 else 'fell'} {_share(number)}"


def _moved_count(share: float, count: object, noun: Sequence[str], currency: object) -> str:
    """The change of a count: as a share, or from what to what where a share misleads.

    A count that is missing, impossible or zero does not tell what was before; then it is the share.
    """
    if not isinstance(count, int | float) or not 0 < count < inf or share <= -1 or abs(share) < LEAST_SHARE_SAID:
        return _moved(share)
    before = round(count / (1 + share), 6)
    texts = [_shown_count(before, noun), _shown_count(count, noun)]
    if (share > MOST_SHARE_RISE or max(before, count) < FEW_COUNTED) and texts[0] != texts[1]:
        unit = f" {currency if noun[0] == 'money' else _plural(noun[0])}".rstrip() if noun else ""
        return f"{'rose' if share > 0 else 'fell'} from {texts[0]} to {texts[1]}{unit}"
    return _moved(share) if noun else f"{_moved(share)} to {texts[1]}"


def _shown_count(count: float, noun: Sequence[str]) -> str:
    if noun == ["money"]:
        return f"{count:,.0f}"
    return "less than 0.1" if count < 0.05 else _plain(count)


def _against(number: float) -> str:
    """A difference of two shares, in percentage points."""
    if abs(number) < 0.05:
        return "about the same as for"
    return f"{_count(round(abs(number) * 100), 'point')} {'more' if number > 0 else 'less'} than for"


def _duration(noun: str) -> Callable[[float], str]:
    def duration(number: float) -> str:
        rounded = round(number) if number >= 1 else round(number, 1)
        return f"{_plain(rounded)} {noun if rounded == 1 else noun + 's'}"

    return duration


def _points(number: float) -> str:
    if abs(number) < 0.05:
        return "did not change"
    return f"{'rose' if number > 0 else 'fell'} {_count(round(abs(number), 1), 'point')}"


def _amount(number: float, unit: str) -> str:
    """To three digits, since a unit of the settings may be of any size; a percent sign follows without a space."""
    digits = f"{number:,.0f}" if abs(number) >= 100 else f"{number:.3g}"
    return f"{digits}{unit}" if unit == "%" else f"{digits} {unit}".rstrip()


def _difference(number: float, unit: str) -> str:
    if abs(number) < 1e-6:
        return "did not change"
    return f"{'rose' if number > 0 else 'fell'} by {_amount(abs(number), unit)}"


def _later(number: float) -> str:
    if abs(number) < 0.5:
        return "no later"
    return f"{_count(round(abs(number)), 'day')} {'later' if number > 0 else 'earlier'}"


def _day(day: date, as_of: date) -> str:
    return f"{day.day} {day:%b}" if day.year == as_of.year else f"{day.day} {day:%b %Y}"


_NUMBERS: Mapping[str, Callable[[float], str]] = {
    "num": _plain,
    "points": _points,
    "against": _against,
    "later": _later,
    "yes": lambda number: "yes" if number else "no",
    "pct": _share,
    "moved": _moved,
    "money": lambda number: f"{abs(number):,.0f}",
    "days": _duration("day"),
    "hours": lambda number: _duration("hour")(number) if number < HOURS_AS_DAYS else _duration("day")(number / 24),
}
