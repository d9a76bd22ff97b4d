"""Who can act, who is on duty, and whom a role stands for."""

from datetime import datetime, time, timedelta

import pytest

from serving.paths.absences import Absence, AbsenceIndex
from serving.paths.calendars import WorkingCalendar
from serving.paths.duty import ObstacleCode, Situation, find_obstacle, find_on_duty, find_party, shift_number
from serving.paths.roster import DutyRota, PersonEntry, Roster, SquadEntry, parse_handover

MONDAY = datetime.fromisoformat("2026-06-01T12:00")
BERLIN = WorkingCalendar("Europe/Berlin", ("mon-fri 09:00-17:00",))
PEOPLE = {
    "ann": PersonEntry("ann", timezone="America/New_York", max_open=3, manager="bob"),
    "bob": PersonEntry("bob", weight=0.5, manager="cid"),
    "cid": PersonEntry("cid", calendar=BERLIN, manager="ann"),
}


def roster(duty: DutyRota | None = None, **more: object) -> Roster:
    squads = {
        "care": SquadEntry("care", ("ann", "bob", "cid"), ("ann", "bob", "cid"), duty=duty),
        "support": SquadEntry("support", ("dan",), ("dan",), calendar=BERLIN),
    }
    return Roster(PEOPLE, squads, **more)  # type: ignore[arg-type]


def away(person: str, hours: int = 24) -> AbsenceIndex:
    return AbsenceIndex([Absence(person, MONDAY - timedelta(hours=1), MONDAY + timedelta(hours=hours))])


def test_without_a_rota_the_escalation_path_counts() -> None:
    duty = find_on_duty(roster(), "care", MONDAY, Situation(disabled=frozenset({"bob"})))
    assert (duty.tiers, duty.tier("secondary"), duty.tier("tertiary")) == (("ann", "cid"), "cid", None)
    assert [str(obstacle) for obstacle in duty.skipped] == ["bob is disabled"]
    assert find_on_duty(roster(), "nowhere", MONDAY, Situation()).people == ()


def test_by_load_the_fewest_open_cases_count_by_weight_and_ties_by_order() -> None:
    by_load = roster(DutyRota("load", ("cid", "ann", "bob")))
    situation = Situation(open_cases={"ann": 2, "bob": 1, "cid": 2})  # bob counts double
    assert find_on_duty(by_load, "care", MONDAY, situation).people == ("cid", "ann", "bob")
    assert find_on_duty(by_load, "care", MONDAY, Situation(open_cases={"cid": 1})).people == ("ann", "bob", "cid")


def test_who_is_at_capacity_or_absent_is_skipped_and_the_reason_is_said() -> None:
    situation = Situation(absences=away("bob"), open_cases={"ann": 3})
    duty = find_on_duty(roster(), "care", MONDAY, situation)
    assert duty.people == ("cid",)
    assert [str(obstacle) for obstacle in duty.skipped] == [
        "ann has 3 of at most 3 open cases",
        "bob is absent (back on 2 Jun 2026, 12:00 UTC)",
    ]
    assert find_obstacle(roster(), "ann", MONDAY, Situation(open_cases={"ann": 2})) is None


def test_the_return_is_in_the_persons_time_zone() -> None:
    absent = AbsenceIndex([Absence.of_days("ann", MONDAY.date(), MONDAY.date(), "America/New_York")])
    obstacle = find_obstacle(roster(), "ann", MONDAY, Situation(absences=absent))
    assert obstacle is not None
    assert (obstacle.code, obstacle.text) == (ObstacleCode.ABSENT, "is absent (back on 2 Jun 2026)")
    back = datetime.fromisoformat("2026-06-02T04:00")
    assert find_obstacle(roster(), "ann", back, Situation(absences=absent)) is None


@pytest.mark.parametrize(("hour", "people"), [(6, ("ann", "bob")), (7, ("ann", "bob", "cid")), (15, ("ann", "bob"))])
def test_working_hours_count_only_where_the_rota_says_so(hour: int, people: tuple[str, ...]) -> None:
    at = MONDAY.replace(hour=hour)  # cid works from 09:00 in Berlin, which is 07:00 UTC
    follows = DutyRota("daily", ("ann", "bob", "cid"), start=MONDAY.date(), handover_time=time(0), working_hours=True)
    assert find_on_duty(roster(follows), "care", at, Situation()).people == people
    assert len(find_on_duty(roster(), "care", at, Situation()).people) == 3


def test_a_role_stands_for_people_squads_or_others_by_squad() -> None:
    roles = {"lead": {"care": ("bob",), "": ("ann",)}, "board": {"": ("ann", "support")}, "none": {"care": ("bob",)}}
    raci = {"high": {"accountable": ("lead",), "informed": ("board", "sales")}}
    full = roster(roles=roles, raci=raci)

    def names(party: str, squad: str = "care", **more: object) -> tuple[str, ...]:
        return find_party(full, party, squad, MONDAY, Situation(**more), severity="high").people  # type: ignore[arg-type]

    assert (names("lead"), names("Lead", "support")) == (("bob",), ("ann",))
    assert (names("board"), names("primary"), names("support")) == (("ann", "dan"), ("ann",), ("dan",))
    assert (names("accountable"), names("informed"), names("sales")) == (("bob",), ("ann", "dan"), ())
    assert full.role_targets("none", "support") is None
    assert names("lead", absences=away("bob")) == ()
    assert names("ann", open_cases={"ann": 3}) == ("ann",)  # a message needs no place


def test_the_zone_and_calendar_of_a_person_come_from_the_nearest_place() -> None:
    full = roster()
    assert [full.timezone_of(name) for name in ("ann", "bob", "cid", "dan", "eve")] == [
        "America/New_York",
        "UTC",
        "Europe/Berlin",
        "Europe/Berlin",
        "UTC",
    ]
    assert full.calendar_of("bob", "support") == full.calendar_of(None, "support") == BERLIN
    assert full.calendar_of("ann", "care") is None


@pytest.mark.parametrize("text", ["noon", "mon", "mon 25:00", "day 09:00", "mon 09:00 x", ""])
def test_a_hand_over_that_cannot_be_read_is_refused(text: str) -> None:
    with pytest.raises(ValueError):
        parse_handover(text)


def test_shifts_before_the_start_are_negative() -> None:
    rota = DutyRota("weekly", ("ann",), start=MONDAY.date(), handover_time=time(9))
    assert [shift_number(rota, MONDAY + timedelta(days=days)) for days in (-8, -1, 0, 6, 7)] == [-2, -1, 0, 0, 1]
