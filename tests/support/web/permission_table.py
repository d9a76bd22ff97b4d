"""Every route of the review app, and who may use it."""

from dataclasses import dataclass, field
from typing import Any

from serving.cases.permissions import Role
from serving.incidents.incident_changes import incident_id
from serving.incidents.signal_matching import group_key
from support.nights.night_factory import NOW
from support.web.web_people import TestClient

SEE = frozenset({Role.VIEWER, Role.REVIEWER, Role.LEAD, Role.ANALYST, Role.ADMIN})
COMMENT = SEE - {Role.VIEWER}
WORK = frozenset({Role.REVIEWER, Role.LEAD, Role.ADMIN})
ASSIGN = frozenset({Role.LEAD, Role.ADMIN})
OVERVIEW = frozenset({Role.VIEWER, Role.LEAD, Role.ANALYST, Role.ADMIN})
POLICY = frozenset({Role.LEAD, Role.ADMIN})
EVERYWHERE = frozenset({Role.ANALYST, Role.ADMIN})
UNSAFE = frozenset({"POST", "PUT", "PATCH", "DELETE"})


@dataclass(frozen=True)
class Row:
    """One thing to ask for: who may, and what is sent.

    ``public`` is what needs nobody; ``signed`` is permitted by a signature of the request, and by no person.
    ``missing`` asks for something that does not exist."""

    method: str
    path: str
    who: frozenset[Role] = frozenset()
    form: dict[str, str] = field(default_factory=dict)
    json: dict[str, Any] | None = None
    public: bool = False
    signed: bool = False
    query: str = ""
    missing: bool = False

    @property
    def about(self) -> bool:
        """Whether it is about one case or account, so that it can be a foreign one."""
        return "{case_id}" in self.path or "{account_id:path}" in self.path

    @property
    def changes(self) -> bool:
        """Whether it may change the case."""
        return self.about and self.method in UNSAFE

    def ask(self, browser: TestClient, case: str, account: str, **more: Any) -> Any:
        """Ask for it, about this case or its account."""
        path = self.path.replace("{case_id}", case).replace("{account_id:path}", account)
        path = path.replace("{view}", "1").replace("{absence}", "1").replace("{code}", "none") + self.query
        path = path.replace("{number}", "9").replace("{replay}", "none")
        path = path.replace("{attachment_id}", "none").replace("{task_id}", "999999")
        path = path.replace("{incident_id}", INCIDENT).replace("{adapter}", "grafana").replace("{ending}", "csv")
        sent = {"json": self.json} if self.json is not None else {"data": {**self.form, "version": "1"}}
        return browser.request(self.method, path, **(sent if self.method in UNSAFE else {}), **more)


def _action(who: frozenset[Role], **words: Any) -> Row:
    return Row("POST", "/api/v1/cases/{case_id}/actions", who, json={"version": 1, **words})


TEXT = {"text": "because"}
TABLE = (
    Row("GET", "/healthz", public=True),
    Row("GET", "/readyz", public=True),
    Row("GET", "/metrics", public=True),  # to the networks of the settings
    Row("GET", "/sign-in", public=True),
    Row("POST", "/sign-in", public=True, form={"name": "x", "password": "y"}),
    Row("POST", "/sign-out", public=True),
    Row("GET", "/sign-in/once/{code}", public=True),
    Row("GET", "/sign-in/oidc", public=True),
    Row("GET", "/sign-in/oidc/return", public=True),
    Row("GET", "/", SEE),
    Row("POST", "/theme", public=True, form={"theme": "dark"}),
    Row("GET", "/api/v1/openapi.json", public=True),
    Row("GET", "/static", public=True),
    Row("GET", "/queue", SEE),
    Row("GET", "/waiting", SEE),
    Row("POST", "/queue/assign", ASSIGN),
    Row("POST", "/queue/claim", WORK),
    Row("POST", "/queue/snooze", WORK, {"days": "3", "snooze_reason": "later"}),
    Row("POST", "/queue/close", WORK, {"verdict": "lost", "close_text": "gone"}),
    Row("GET", "/queue/export.{ending}", SEE),
    Row("POST", "/queue/next", WORK),
    Row("GET", "/my-day", SEE),
    Row("GET", "/case/{case_id}", SEE),
    Row("GET", "/case/{case_id}/handoff.md", SEE),
    Row("POST", "/case/{case_id}/claim", WORK),
    Row("POST", "/case/{case_id}/contact", WORK),
    Row("POST", "/case/{case_id}/plan", WORK, TEXT),
    Row("POST", "/case/{case_id}/snooze", WORK, TEXT | {"days": "3"}),
    Row("POST", "/case/{case_id}/wake", WORK),
    Row("POST", "/case/{case_id}/resolve", WORK, {"verdict": "saved"}),
    Row("POST", "/case/{case_id}/hand_over", WORK, TEXT | {"squad": "south"}),
    Row("POST", "/case/{case_id}/accept", WORK),
    Row("POST", "/case/{case_id}/acknowledge", WORK),
    Row("POST", "/case/{case_id}/return", WORK, TEXT),
    Row("POST", "/case/{case_id}/release", WORK, TEXT),
    Row("POST", "/case/{case_id}/assign", ASSIGN, {"person": "ann"}),
    Row("POST", "/case/{case_id}/reassign", ASSIGN, {"person": "ann"}),
    Row("POST", "/case/{case_id}/reopen", WORK, TEXT),
    Row("POST", "/case/{case_id}/comment", COMMENT, TEXT),
    Row("POST", "/case/{case_id}/disagree", COMMENT, TEXT | {"reason": "usage"}),
    Row("POST", "/case/{case_id}/undo", WORK),
    Row("POST", "/case/{case_id}/log_contact", WORK, {"field-result": "Reached"}),
    Row("POST", "/case/{case_id}/task_add", WORK, {"field-title": "Call"}),
    Row("POST", "/case/{case_id}/task_change", WORK, {"task": "1", "field-title": "Call"}),
    Row("POST", "/case/{case_id}/task_done", WORK, {"task": "1"}),
    Row("POST", "/case/{case_id}/task_skip", WORK, TEXT | {"task": "1"}),
    Row("POST", "/case/{case_id}/task_reopen", WORK, {"task": "1"}),
    Row("POST", "/case/{case_id}/attach", COMMENT),
    Row("POST", "/case/{case_id}/detach", COMMENT, {"attachment": "none"}),
    Row("POST", "/case/{case_id}/read", SEE),
    Row("GET", "/case/{case_id}/attachment/{attachment_id}", SEE, missing=True),
    Row("GET", "/accounts", SEE),
    Row("GET", "/account/{account_id:path}", SEE),
    Row("POST", "/open-case/{account_id:path}", WORK, TEXT | {"squad": "north"}),
    Row("GET", "/incidents", SEE),
    Row("GET", "/incident/{incident_id}", SEE),
    Row("POST", "/incident/{incident_id}/acknowledge", WORK),
    Row("POST", "/incident/{incident_id}/resolve", WORK, TEXT),
    Row("POST", "/incident/{incident_id}/comment", COMMENT, TEXT),
    Row("GET", "/people", SEE),
    Row("POST", "/people/absences", SEE, {"first": "2026-03-09", "last": "2026-03-10"}),
    Row("POST", "/people/absences/{absence}/withdraw", SEE),
    Row("GET", "/preferences", SEE),
    Row("POST", "/preferences", SEE, {"digest": "on", "at": "08:00", "day_mon": "on"}),
    Row("GET", "/overview", OVERVIEW),
    Row("GET", "/weekly", OVERVIEW),
    Row("GET", "/api/v1/weekly", OVERVIEW),
    Row("GET", "/policy", OVERVIEW),
    Row("GET", "/policy/policy.toml", POLICY),
    Row("GET", "/policy/edit", POLICY),
    Row("POST", "/policy/edit", POLICY, {"policy": "x = 1"}),
    Row("GET", "/policy/version/{number}", POLICY, missing=True),
    Row("POST", "/policy/version/{number}/restore", POLICY, TEXT, missing=True),
    Row("POST", "/policy/file", POLICY, {"do": "keep"}),
    Row("POST", "/exclude-account/{account_id:path}", POLICY, TEXT),
    Row("GET", "/policy/replay/{replay}", OVERVIEW, missing=True),
    Row("GET", "/api/v1/policy", OVERVIEW),
    Row("GET", "/api/v1/policy/text", POLICY),
    Row("GET", "/api/v1/policy/versions", OVERVIEW),
    Row("GET", "/api/v1/policy/versions/{number}", POLICY, missing=True),
    Row("POST", "/api/v1/policy/check", POLICY, json={"text": "x = 1"}),
    Row("POST", "/api/v1/policy/versions", POLICY, json={"text": "x = 1", "reason": "why", "base": ""}),
    Row(
        "POST",
        "/api/v1/policy/versions/{number}/restore",
        POLICY,
        json={"reason": "why", "base": ""},
        missing=True,
    ),
    Row("POST", "/api/v1/policy/replays", POLICY, json={"text": "x = 1"}),
    Row("GET", "/api/v1/policy/replays/{replay}", OVERVIEW, missing=True),
    Row("POST", "/views", SEE, {"name": "mine", "url": "/queue?mine=1"}),
    Row("POST", "/views/{view}/delete", SEE),
    Row("GET", "/api/v1/me", SEE),
    Row("GET", "/api/v1/cases", SEE),
    Row("POST", "/api/v1/take-next", WORK, json={}),
    Row("GET", "/api/v1/cases/{case_id}", SEE),
    Row("POST", "/api/v1/cases/{case_id}/comments", COMMENT, json={"text": "noted"}),
    Row("GET", "/api/v1/cases/{case_id}/tasks", SEE),
    Row("POST", "/api/v1/cases/{case_id}/tasks", WORK, json={"title": "Call"}),
    Row("POST", "/api/v1/cases/{case_id}/tasks/{task_id}", WORK, json={"action": "done"}, missing=True),
    Row("GET", "/api/v1/cases/{case_id}/contacts", SEE),
    Row("POST", "/api/v1/cases/{case_id}/contacts", WORK, json={"channel": "call", "result": "reached"}),
    Row("GET", "/api/v1/cases/{case_id}/attachments", SEE),
    Row("POST", "/api/v1/cases/{case_id}/attachments", COMMENT),
    Row("GET", "/api/v1/cases/{case_id}/attachments/{attachment_id}", SEE, missing=True),
    Row("DELETE", "/api/v1/cases/{case_id}/attachments/{attachment_id}", COMMENT),
    Row("GET", "/api/v1/mentions", SEE),
    Row("GET", "/api/v1/accounts", SEE, query="?text=a"),
    Row("GET", "/api/v1/accounts/{account_id:path}", SEE),
    Row("POST", "/api/v1/accounts/{account_id:path}/cases", WORK, json={"reason": "why", "squad": "north"}),
    Row("GET", "/api/v1/people", SEE),
    Row("POST", "/api/v1/absences", SEE, json={"first": "2026-03-09", "last": "2026-03-10"}),
    Row("DELETE", "/api/v1/absences/{absence}", SEE, missing=True),
    Row("GET", "/api/v1/cases/{case_id}/hand-over-forms", SEE),
    Row("GET", "/api/v1/hand-overs/figures", OVERVIEW),
    Row("GET", "/api/v1/overview", OVERVIEW),
    Row("GET", "/api/v1/incidents", SEE),
    Row("GET", "/api/v1/incidents/{incident_id}", SEE),
    Row("POST", "/api/v1/incidents/{incident_id}/actions", COMMENT, json={"action": "comment", "text": "noted"}),
    Row("GET", "/answer", public=True, query="?token=none"),  # what a link in a mail permits, its signature says
    Row("POST", "/answer", public=True, form={"token": "none", "action": "acknowledge"}),
    Row("POST", "/slack/interactions", signed=True),
    Row("POST", "/api/v1/signals", signed=True),
    Row("POST", "/api/v1/signals/{adapter}", signed=True),
    Row("GET", "/api/v1/paths/metrics", OVERVIEW),
    _action(WORK, action="claim"),
    _action(WORK, action="contact"),
    _action(WORK, action="log_contact", channel="call", result="reached"),
    _action(WORK, action="plan", plan="training"),
    _action(WORK, action="snooze", until="2026-03-09", reason="later"),
    _action(WORK, action="wake"),
    _action(WORK, action="resolve", outcome="lost"),
    _action(WORK, action="hand_over", squad="south", reason="theirs"),
    _action(WORK, action="accept"),
    _action(WORK, action="acknowledge"),
    _action(WORK, action="return", reason="no"),
    _action(WORK, action="release", reason="no time"),
    _action(WORK, action="reopen", reason="again"),
    _action(WORK, action="undo"),
    _action(ASSIGN, action="assign", person="ann"),
    _action(COMMENT, action="disagree", reason="usage", comment="not so"),
)
INCIDENT = incident_id("checkout", group_key({}), NOW)
"""An incident of the squad north, which everybody sees."""
EACH = 600
"""Cases of each squad that the questions use up."""
