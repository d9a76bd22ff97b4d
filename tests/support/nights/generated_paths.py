"""Random policies with escalation paths, people and absences, and what happens to one case under them."""

from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

from hypothesis import strategies as st

from serving.paths.protocol import ProtocolEvent
from support.nights.path_world import OPENED, rules_text

PEOPLE = ("ann", "bob", "cid", "eve", "fay", "lia", "max")
ZONES = ("UTC", "Europe/Berlin", "America/New_York", "Asia/Kolkata")
WORDS = (
    *("primary", "secondary", "tertiary", "responsible", "accountable", "account owner", "informed"),
    *("support lead", "engineering", "max", "cid", "noc@vendor.example"),
)
CLOCK = ("20 minutes", "1 hour", "5 hours", "30 hours")
WORKING = ("2 working hours", "1 working day")
PARTIES = ("responsible", "accountable", "consulted", "informed", "account_owner", "receiving_squad", "vendor")


@dataclass(frozen=True)
class Scenario:
    """A policy and what happens to its people and to the case."""

    text: str
    absent: dict[str, tuple[date, date]]
    disabled: tuple[str, ...]
    actions: tuple[tuple[float, str], ...]


@st.composite
def scenarios(draw: st.DrawFn, *, with_actions: bool) -> Scenario:
    """A valid policy of a team with an escalation path; with actions of people and outages of the timers."""
    calendar = draw(st.sampled_from(["", "mon-fri 09:00-17:00", "mon-sat 10:00-13:00 14:00-19:00"]))
    parts = [_person(draw, name) for name in PEOPLE]
    leads = draw(st.sampled_from(["lia", "engineering", "ann", ["max", "bob"]]))
    parts.append(f"[roles]\n'support lead' = {_toml(leads)}\n'architect' = 'max'")
    if draw(st.booleans()):
        parts.append("'account executive' = 'fay'")
    if calendar:
        zone = draw(st.sampled_from(ZONES))
        parts.append(f"[calendars.office]\ntimezone = '{zone}'\nhours = ['{calendar}']")
    rotation = draw(st.sampled_from(["", "weekly", "daily"]))
    if rotation:
        parts.append(f"[squads.support.duty]\nrotation = '{rotation}'")
    parts += [_step(draw, "p", place, bool(calendar)) for place in range(draw(st.integers(1, 5)))]
    if draw(st.booleans()):
        parts.append("then = 'q'")
        parts += [_step(draw, "q", 1, bool(calendar)) for _ in range(draw(st.integers(1, 2)))]
    for name in draw(st.lists(st.sampled_from([e.value for e in ProtocolEvent][:10]), unique=True, max_size=4)):
        parts.append(_protocol(draw, name))
    absent = {
        name: (OPENED.date() + timedelta(days=first), OPENED.date() + timedelta(days=first + length))
        for name, first, length in draw(
            st.lists(st.tuples(st.sampled_from(PEOPLE), st.integers(-2, 4), st.integers(0, 3)), max_size=2)
        )
    }
    disabled = tuple(draw(st.lists(st.sampled_from(PEOPLE[:5]), unique=True, max_size=1)))
    squad = "calendar = 'office'" if calendar else ""
    text = rules_text("\n".join(parts), "path = 'p'", squad)
    actions = tuple(draw(st.lists(st.tuples(_HOURS, st.sampled_from(ACTIONS)), max_size=7))) if with_actions else ()
    return Scenario(text, absent, disabled, actions)


_HOURS = st.sampled_from([0.1, 0.4, 1.0, 3.5, 8.0, 26.0])
ACTIONS = ("acknowledge", "claim", "assign", "hand over", "snooze", "contact", "resolve", "reopen", "outage", "wait")


def _person(draw: st.DrawFn, name: str) -> str:
    words = draw(st.lists(st.sampled_from(["mail", "chat", "slack"]), unique=True, max_size=2))
    addresses = ", ".join(f"{word} = '{name}@{word}.example'" for word in words)
    return f"[people.{name}]\ntimezone = '{draw(st.sampled_from(ZONES))}'\naddresses = {{ {addresses} }}"


def _step(draw: st.DrawFn, name: str, place: int, working: bool) -> str:
    lines = [f"[[paths.{name}]]", f"to = {_toml(draw(st.lists(st.sampled_from(WORDS), min_size=1, max_size=2)))}"]
    if place or draw(st.booleans()):
        lines.append(f"after = '{draw(st.sampled_from((*CLOCK, *WORKING) if working else CLOCK))}'")
    channels = draw(st.sampled_from([[], [], ["mail"], ["hook", "mail"]]))
    if channels:
        lines.append(f"channels = {_toml(channels)}")
    if draw(st.integers(0, 3)) == 0:
        lines.append("acknowledge = false")
    if draw(st.integers(0, 2)) == 0:
        lines.append(f"repeat = {{ count = {draw(st.integers(1, 3))}, every = '{draw(st.sampled_from(CLOCK[:2]))}' }}")
    return "\n".join(lines)


def _protocol(draw: st.DrawFn, name: str) -> str:
    parties = draw(st.lists(st.sampled_from(PARTIES), unique=True, max_size=4))
    lines = [f"[protocol.{name}]"]
    lines += [
        f"{party} = {draw(st.sampled_from(['true', _toml(['mail']), _toml(['hook', 'chat'])]))}" for party in parties
    ]
    daily = [party for party in parties if draw(st.integers(0, 3)) == 0]
    return "\n".join([*lines, f"daily = {_toml(daily)}"] if daily else lines)


def _toml(value: Any) -> str:
    return repr(list(value)) if isinstance(value, list | tuple) else repr(value)
