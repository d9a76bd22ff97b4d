"""Saved policies and a finished replay for tests of the policy pages."""

from serving.policy.definition.policy_file import Policy, default_text
from serving.policy_versions import replay_jobs
from serving.policy_versions.policy_state import PolicySource
from serving.policy_versions.saved_policies import PolicyChange, read_policy_in_force, save_policy
from serving.store import Store
from support.web.web_queue import NOW

SOURCE = PolicySource()


def save_policies(store: Store) -> int:
    """Save a version that changes a squad's capacity; its number."""
    text = default_text().replace("capacity = 10", "capacity = 12", 1)
    change = PolicyChange(text, "ines", "Two people came back; <b>more</b> cases a night", "app")
    return save_policy(store, SOURCE, change, NOW).number


def finished_replay(store: Store) -> str:
    """A replay whose figures are known; its id."""
    text = default_text().replace("enter = 0.15", "enter = 0.25", 1)
    state = read_policy_in_force(store, SOURCE)
    job = replay_jobs.request_replay(store, state, text, Policy.parse(text).version, "ines", NOW)
    result = {
        "from": "2026-01-01",
        "to": "2026-03-01",
        "rows": [
            ["cases", "31 cases, 10 of 25 with a known outcome correct (40%)", "22 cases, 11 of 21 (52%)"],
            ["nights", "60", "60"],
        ],
        "models": {"churn": {"origin": "champion_knows", "version": "3", "reason": ""}},
        "cases_known": {"current": 25, "draft": 21},
    }
    replay_jobs.end_replay(store, job, NOW, result=result)
    return job
