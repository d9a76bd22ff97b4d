"""A scenario file: times in every form, and one sentence with the line and the nearest name for each mistake."""

from datetime import datetime
from pathlib import Path

import pytest

from serving.policy.definition.policy_file import Policy
from serving.rehearsal.scenario_file import ScenarioError, load_scenario, parse_scenario

POLICY = Policy.default().rules

HEAD = """start = 2026-06-01T09:00:00
timezone = "Europe/Berlin"

[[cases]]
name = "acme"
squad = "success"
severity = "high"
"""


def utc(text: str) -> datetime:
    return datetime.fromisoformat(text)


@pytest.mark.parametrize(
    ("written", "instant"),
    [
        ('"45 minutes"', "2026-06-01T07:45"),
        ('"1.5 hours"', "2026-06-01T08:30"),
        ('"2 days"', "2026-06-03T07:00"),
        ('"0 minutes"', "2026-06-01T07:00"),
        ('"10:30"', "2026-06-01T08:30"),
        ("10:30:00", "2026-06-01T08:30"),
        ("2026-06-02T08:00:00", "2026-06-02T06:00"),
        ("2026-06-02T08:00:00+01:00", "2026-06-02T07:00"),
    ],
)
def test_a_time_is_a_duration_a_time_of_day_or_a_date(written: str, instant: str) -> None:
    text = f'{HEAD}\n[[acts]]\nat = {written}\nwho = "success-1"\ndo = "claim"\n'
    scenario = parse_scenario(text, POLICY)
    assert scenario.start == utc("2026-06-01T07:00")
    assert scenario.at(("acts", 0, "at"), scenario.file.acts[0].at) == utc(instant)


ACT = '\n[[acts]]\nat = "1 hour"\nwho = "success-1"\ndo = "claim"\n'


ABSENCE = '\n[[absences]]\nperson = "success-9"\nfirst = 2026-06-01\nlast = 2026-06-02\n'


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (HEAD.replace("success", "sucess"), "line 6: there is no squad 'sucess': did you mean 'success'?"),
        (HEAD.replace("high", "hihg"), "line 7: there is no severity 'hihg': did you mean 'high'?"),
        (HEAD.replace("squad =", "sqad ="), "line 6: sqad is not a known key: did you mean 'squad'?"),
        (HEAD.replace('name = "acme"\n', ""), "line 4: name is missing"),
        (HEAD.replace("Europe/Berlin", "Europe/Berln"), "line 2: there is no time zone 'Europe/Berln'"),
        (HEAD.replace("start = 2026-06-01T09:00:00", 'start = "now"'), "line 1: start has to be a time such as"),
        ("nonsense", "this is not TOML"),
        (
            HEAD + ACT.replace("success-1", "sucess-1"),
            "line 11: there is no person 'sucess-1': did you mean 'success-1'?",
        ),
        (HEAD + ACT.replace('"claim"', '"clam"'), "line 12: do cannot be 'clam': did you mean 'claim'?"),
        (HEAD + ACT.replace("1 hour", "1 houer"), "line 10: '1 houer' is no duration; did you mean 'hours'?"),
        (HEAD + ACT.replace("1 hour", "1 working hour"), "line 10: '1 working hour' is working time"),
        (HEAD + ACT.replace("1 hour", "25:00"), "line 10: '25:00' is no time of day"),
        (HEAD + ACT.replace('"1 hour"', '"08:00"'), "line 10: the time '08:00' is not within 60 days"),
        (HEAD + ACT + 'case = "acne"\n', "line 13: there is no case 'acne': did you mean 'acme'?"),
        (HEAD + ACT + 'incident = "checkout"\n', "line 13: there is no incident 'checkout'"),
        (HEAD + ACT.replace('"claim"', '"hand_over"'), "line 12: hand_over needs the key squad"),
        (HEAD + ACT.replace('"claim"', '"assign"'), "line 12: assign needs the key person"),
        (HEAD + HEAD[HEAD.index("[[") :], "line 9: the case 'acme' is there twice"),
        (HEAD + HEAD[HEAD.index("[[") :].replace("acme", "b") + ACT, "it is not clear on what"),
        (HEAD + '\n[[outages]]\nbegin = "2 hours"\nend = "1 hour"\n', "line 11: the outage ends before it begins"),
        (
            HEAD + '\n[[absences]]\nperson = "success-9"\nfirst = 2026-06-01\nlast = 2026-06-02\n',
            "line 10: there is no person",
        ),
        (HEAD + "\n[[absence]]\n", "line 9: absence is not a known key: did you mean 'absences'?"),
    ],
)
def test_a_mistake_is_one_sentence_with_its_line(text: str, message: str) -> None:
    with pytest.raises(ScenarioError) as raised:
        parse_scenario(text, POLICY, source="s.toml")
    assert message in str(raised.value)
    assert str(raised.value).startswith("s.toml")
    assert "\n" not in str(raised.value)


def test_a_deed_may_be_written_with_spaces() -> None:
    act = ACT.replace('"claim"', '"Hand over"') + 'squad = "support"\n'
    assert parse_scenario(HEAD + act, POLICY).file.acts[0].do == "hand_over"


def test_a_missing_or_unreadable_file_is_one_sentence(tmp_path: Path) -> None:
    with pytest.raises(ScenarioError, match="There is no scenario file"):
        load_scenario(tmp_path / "none.toml", POLICY)
    (tmp_path / "latin.toml").write_bytes(b"name = '\xe9'")
    with pytest.raises(ScenarioError, match="not UTF-8"):
        load_scenario(tmp_path / "latin.toml", POLICY)
