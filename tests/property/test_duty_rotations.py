"""Rotations and absences against a brute force that walks the minutes of the wall clock."""

from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from hypothesis import given, settings
from hypothesis import strategies as st

from serving.paths.absences import Absence, AbsenceIndex
from serving.paths.duty import Situation, find_on_duty
from serving.paths.roster import DutyRota, PersonEntry, Roster, SquadEntry

ZONES = ("Europe/Berlin", "America/New_York", "Australia/Lord_Howe", "Asia/Kathmandu", "UTC")
CHANGES = {  # the days on which clocks change, and a turn of the year
    "Europe/Berlin": (date(2026, 3, 29), date(2026, 10, 25), date(2026, 12, 31)),
    "America/New_York": (date(2026, 3, 8), date(2026, 11, 1), date(2026, 12, 31)),
    "Australia/Lord_Howe": (date(2026, 4, 5), date(2026, 10, 4), date(2026, 12, 31)),
    "Asia/Kathmandu": (date(2026, 12, 31),),
    "UTC": (date(2027, 1, 1),),
}
NAMES = ("ann", "bob", "cid", "dan")


def shifts_by_minute(rota: DutyRota, begin: datetime, end: datetime) -> list[tuple[datetime, int]]:
    """Each minute with the number of hand-overs since ``begin``: one where the wall clock reaches the time of it."""
    zone, count, found, at = ZoneInfo(rota.timezone), 0, [], begin
    handed: set[date] = set()
    while at < end:
        local = at.replace(tzinfo=UTC).astimezone(zone)
        due = local.time() >= rota.handover_time and local.date() not in handed
        if due and (rota.rotation == "daily" or local.weekday() == rota.handover_weekday):
            handed.add(local.date())
            count += at > begin
        found.append((at, count))
        at += timedelta(minutes=1)
    return found


@st.composite
def rotas(draw: st.DrawFn) -> DutyRota:
    zone = draw(st.sampled_from(ZONES))
    hour = draw(st.sampled_from([0, 4, 9, 17, 23]))
    return DutyRota(
        rotation=draw(st.sampled_from(["weekly", "daily"])),
        order=NAMES[: draw(st.integers(1, 4))],
        timezone=zone,
        handover_weekday=draw(st.integers(0, 6)),
        handover_time=time(hour, draw(st.sampled_from([0, 30]))),
        start=draw(st.dates(date(2025, 1, 1), date(2026, 12, 31))),
    )


def roster_of(rota: DutyRota) -> Roster:
    squad = SquadEntry("care", NAMES, NAMES[:3], duty=rota)
    return Roster({name: PersonEntry(name) for name in NAMES}, {"care": squad})


@settings(max_examples=25, deadline=None)
@given(rotas(), st.data())
def test_a_rotation_changes_at_the_wall_clock_time_of_each_hand_over(rota: DutyRota, data: st.DataObject) -> None:
    around = data.draw(st.sampled_from(CHANGES[rota.timezone]))
    begin = datetime.combine(around - timedelta(days=2), time())
    roster, situation = roster_of(rota), Situation()
    minutes = shifts_by_minute(rota, begin, begin + timedelta(days=4))
    first = find_on_duty(roster, "care", begin, situation).people[0]
    offset = rota.order.index(first)
    for at, shifts in minutes[:: data.draw(st.integers(1, 7))]:
        expected = [rota.order[(offset + shifts + tier) % len(rota.order)] for tier in range(len(rota.order))]
        assert list(find_on_duty(roster, "care", at, situation).people) == expected, at


@settings(max_examples=60, deadline=None)
@given(rotas())
def test_the_first_member_has_the_shift_that_contains_the_start(rota: DutyRota) -> None:
    noon = datetime.combine(rota.start, rota.handover_time, ZoneInfo(rota.timezone)).astimezone(UTC)
    at = noon.replace(tzinfo=None)
    assert find_on_duty(roster_of(rota), "care", at, Situation()).people[0] == rota.order[0]
    days = 7 * len(rota.order) if rota.rotation == "weekly" else len(rota.order)
    later = datetime.combine(rota.start + timedelta(days=days), rota.handover_time, ZoneInfo(rota.timezone))
    round_trip = later.astimezone(UTC).replace(tzinfo=None)
    assert find_on_duty(roster_of(rota), "care", round_trip, Situation()).people[0] == rota.order[0]


SPANS = st.lists(
    st.tuples(st.sampled_from(NAMES), st.integers(0, 240), st.integers(0, 90)).map(
        lambda drawn: (drawn[0], drawn[1], drawn[1] + drawn[2])
    ),
    max_size=12,
)


@settings(max_examples=60, deadline=None)
@given(rotas(), SPANS)
def test_the_next_in_order_steps_in_for_whoever_is_absent_and_returns(
    rota: DutyRota, spans: list[tuple[str, int, int]]
) -> None:
    begin = datetime.fromisoformat("2026-03-27")

    def at_hour(hour: int) -> datetime:
        return begin + timedelta(hours=hour)

    index = AbsenceIndex(Absence(name, at_hour(first), at_hour(last)) for name, first, last in spans)
    roster = roster_of(rota)
    for hour in range(0, 340, 5):
        at = at_hour(hour)
        away = {name for name, first, last in spans if first <= hour < last}
        everybody = find_on_duty(roster, "care", at, Situation()).people
        duty = find_on_duty(roster, "care", at, Situation(absences=index))
        assert duty.people == tuple(name for name in everybody if name not in away)
        assert {obstacle.person for obstacle in duty.skipped} <= away
        for name in away:
            absence = index.at(name, at)
            assert absence is not None
            back = next(  # the first hour from which no span covers the person
                later
                for later in range(hour, 400)
                if not any(who == name and first <= later < last for who, first, last in spans)
            )
            assert absence.ends_at == at_hour(back)
