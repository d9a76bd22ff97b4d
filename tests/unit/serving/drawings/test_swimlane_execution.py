"""SpiffWorkflow executes the swimlanes, and its timers move the work at the same times as the queue does."""

from collections.abc import Sequence
from datetime import datetime, timedelta

from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from support.nights.bpmn_engine import SwimlaneRun, minutes_between

from serving.drawings.bpmn_file import write_bpmn
from serving.drawings.swimlane_flow import build_flow
from serving.drawings.swimlane_graph import build_graph
from serving.drawings.swimlane_layout import lay_out
from serving.policy.definition.policy_file import Policy
from serving.rehearsal.rehearse import rehearse
from serving.rehearsal.scenario_file import parse_scenario

START = datetime.fromisoformat("2026-06-05T13:30")  # a Friday: working time goes over the weekend
TICK = timedelta(seconds=1)
AROUND = (-TICK, *(2**power * TICK for power in range(5)))
"""Instants around a time: the engine's timers fire after it, and the next timer counts from then."""

POLICY = """
[risks.churn]
enter = 0.5
leave = 0.3
[calendars.office]
timezone = "UTC"
hours = ["mon-fri 09:00-17:00"]
[people.ana]
[people.ben]
calendar = "office"
[people.cleo]
[people.lou]
addresses = {{ mail = "lou@example.com" }}
[people.desk]
addresses = {{ mail = "desk@example.com" }}
[roles]
lead = "lou"
vendor = "desk"
{paths}
[[severities]]
name = "only"
respond_hours = "{respond}"
resolve_hours = "{resolve}"
responsible = "primary"
accountable = "lead"
{escalation}
[squads.care]
skills = ["retention"]
members = [{members}]
capacity = 3
{calendar}
[routing]
fallback = "care"
"""


def swimlane(policy: Policy, incident: str | None = None) -> str:
    return write_bpmn(lay_out(build_graph(build_flow(policy.rules, "care", "only", incident))))


def queue_times(policy: Policy, act: str = "") -> dict[str, list[int]]:
    """When the queue escalates, asks again and records missed deadlines, in minutes."""
    text = f'start = {START.isoformat()}\n[[cases]]\nname = "acme"\nsquad = "care"\nseverity = "only"\n{act}'
    timeline = rehearse(policy, parse_scenario(text, policy.rules)).timeline
    found: dict[str, list[datetime]] = {"escalated": [], "path_repeated": [], "breached": []}
    for event in timeline.events:
        if event.kind in found and not event.comment.startswith("No contact in time, and there is nobody else"):
            found[event.kind].append(event.at)
    return {kind: minutes_between(START, times) for kind, times in found.items()}


def engine_times(
    policy: Policy, done_after: timedelta | None = None, candidates: Sequence[int] = ()
) -> dict[str, list[int]]:
    """The same of the BPMN engine; it runs just before and after each candidate, and every eight hours."""
    calendars = {name: rule.calendar for name, rule in policy.rules.calendars.items()}
    run = SwimlaneRun(swimlane(policy), START, calendars)
    instants = {START + step * timedelta(hours=8) for step in range(1, 3 * 10)}
    instants |= {START + timedelta(minutes=minute) + shift for minute in candidates for shift in AROUND}
    done = done_after is None
    for now in sorted(instants):
        if not done and done_after is not None and now > START + done_after:
            run.advance(START + done_after - TICK)
            step = next(task.task_spec.bpmn_id for task in run.open_tasks())
            run.now = START + done_after
            run.complete(step)
            done = True
        if now > run.now:
            run.advance(now)
    reached = {name: minutes_between(START, times) for name, times in run.reached.items()}
    steps = sorted(
        time
        for name, times in reached.items()
        for time in times
        if (name.startswith("step_") and name.count("_") == 1)
        or (name.startswith("notice_") and name.endswith("_send"))
    )
    again = [time for name, times in reached.items() if name.endswith("_reminder") for time in times]
    late = sorted({*reached.get("respond_missed", []), *reached.get("resolve_missed", [])})
    return {"steps": steps, "again": sorted(again), "breached": late}


def policy_of(
    paths: str = "",
    escalation: str = "",
    respond: str = "4 hours",
    resolve: str = "3 days",
    members: int = 3,
    office: bool = False,
) -> Policy:
    names = ", ".join(f'"{name}"' for name in ("ana", "ben", "cleo")[:members])
    return Policy.parse(
        POLICY.format(
            paths=paths,
            escalation=escalation,
            respond=respond,
            resolve=resolve,
            members=names,
            calendar='calendar = "office"' if office else "",
        )
    )


def assert_same_times(policy: Policy, act: str = "", done_after: timedelta | None = None) -> None:
    expected = queue_times(policy, act)
    candidates = [time for times in expected.values() for time in times]
    found = engine_times(policy, done_after, candidates)
    first = [0] if found["steps"][:1] == [0] else []
    assert found["steps"] == [*first, *expected["escalated"]]
    assert found["again"] == expected["path_repeated"]
    assert found["breached"] == sorted(set(expected["breached"]))


def test_the_tiers_of_a_squad() -> None:
    policy = policy_of(escalation="escalate_after_hours = [4, 10]")
    assert queue_times(policy)["escalated"] == [240, 600]
    assert_same_times(policy)


def test_working_time_goes_over_a_weekend() -> None:
    """Friday 13:30: four working hours end on Monday at 09:30, 68 hours later."""
    policy = policy_of(
        escalation='escalate_after_hours = ["4 working hours", "8 working hours"]',
        respond="8 working hours",
        resolve="2 working days",
        office=True,
    )
    assert queue_times(policy)["escalated"][0] == 68 * 60
    assert_same_times(policy)


def test_a_contact_ends_the_escalation_and_the_response_deadline() -> None:
    policy = policy_of(escalation="escalate_after_hours = [1, 2]")
    act = "".join(f'[[acts]]\nat = "90 minutes"\nwho = "ben"\ndo = "{deed}"\n' for deed in ("claim", "contact"))
    assert queue_times(policy, act) == {"escalated": [60], "path_repeated": [], "breached": [72 * 60]}
    assert_same_times(policy, act, timedelta(minutes=90))


WORDS = ("primary", "secondary", "tertiary", "lead")
ALWAYS = {"primary", "lead"}
"""Who can be asked whatever the size of the squad; a step for nobody is skipped, and its time goes to the next."""
TIMES = {"hours": ("30 minutes", "1 hour", "2 hours"), "working hours": ("1 working hour", "3 working hours")}
RESPOND = {"hours": "3 hours", "working hours": "5 working hours"}


@st.composite
def paths(draw: st.DrawFn, unit: str) -> str:
    """A path of one to four steps, in one kind of time: the policy refuses a mixture."""
    steps = []
    words = draw(st.lists(st.sampled_from(WORDS), min_size=1, max_size=4, unique=True))
    for number, word in enumerate(words):
        after = f'after = "{draw(st.sampled_from(TIMES[unit]))}"\n' if number or draw(st.booleans()) else ""
        informs = number > 0 and draw(st.integers(0, 3)) == 0
        to = "vendor" if informs else word
        repeat = ""
        if unit == "hours" and to in ALWAYS and draw(st.booleans()):
            every = draw(st.sampled_from(["20 minutes", "50 minutes"]))
            repeat = f'repeat = {{ count = {draw(st.integers(1, 3))}, every = "{every}" }}\n'
        steps.append(f'[[paths.p]]\nto = ["{to}"]\n{after}{repeat}acknowledge = {str(not informs).lower()}\n')
    return "".join(steps)


@settings(max_examples=8, deadline=None, phases=[Phase.generate], suppress_health_check=[HealthCheck.too_slow])
@given(drawn=st.data(), unit=st.sampled_from(sorted(TIMES)), members=st.integers(1, 3), acted=st.booleans())
def test_generated_paths_move_at_the_same_times(drawn: st.DataObject, unit: str, members: int, acted: bool) -> None:
    people = 3 if acted else members  # after an acknowledgement, a step that nobody has keeps its time
    policy = policy_of(
        drawn.draw(paths(unit)), 'path = "p"', respond=RESPOND[unit], resolve="7 days", members=people, office=True
    )
    stages = build_flow(policy.rules, "care", "only").stages
    if acted and stages and not stages[0].wait.parts:
        act = '[[acts]]\nat = "10 minutes"\nwho = "lou"\ndo = "acknowledge"\n'
        assert_same_times(policy, act, timedelta(minutes=10))
    elif stages:
        assert_same_times(policy)


def test_an_incident_moves_at_the_same_times() -> None:
    """An acknowledgement ends the response deadline and the steps that ask; steps that inform go on until the end."""
    steps = (
        '[[paths.p]]\nto = ["lead"]\n',
        '[[paths.p]]\nto = ["primary"]\nafter = "1 hour"\n',
        '[[paths.p]]\nto = ["vendor"]\nafter = "1 hour"\nacknowledge = false\n',
        '[[paths.p]]\nto = ["secondary"]\nafter = "1 hour"\n',
    )
    incident = (
        '[incidents.outage]\nwhen = "kind = \'down\'"\ncount = 1\nwithin = "5 minutes"\nseverity = "only"\n'
        'path = "p"\nsquad = "care"\nquiet = "12 hours"\n'
    )
    policy = policy_of("".join(steps) + incident, "", respond="4 hours", resolve="8 hours")
    act = '[[acts]]\nat = "90 minutes"\nwho = "ana"\ndo = "acknowledge"\nincident = "outage"\n'
    text = f'start = {START.isoformat()}\n[[signals]]\nkind = "down"\n{act}'
    timeline = rehearse(policy, parse_scenario(text, policy.rules)).timeline
    escalated = [event.at for event in timeline.events if event.kind == "escalated"]
    breached = [event.at for event in timeline.events if event.kind == "breached"]
    assert minutes_between(START, escalated) == [60, 120]
    assert minutes_between(START, breached) == [480]
    run = SwimlaneRun(swimlane(policy, "outage"), START, {})
    for minute in (59, 61, 89):
        run.advance(START + timedelta(minutes=minute))
    run.complete(run.open_tasks()[0].task_spec.bpmn_id)
    for minute in (119, 121, 181, 241, 479, 481):
        run.advance(START + timedelta(minutes=minute))
    reached = {name: minutes_between(START, times) for name, times in run.reached.items()}
    assert (reached["step_1"], reached["step_2"], reached["notice_1_send"]) == ([0], [61], [121])
    assert "step_3" not in reached
    assert "respond_missed" not in reached
    assert reached["resolve_missed"] == [481]
