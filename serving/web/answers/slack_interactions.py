"""What a click in Slack does: the same use cases as in the app, in the name of the person who clicked.

Slack waits three seconds for an answer. So what changes the queue is done at once, and what talks to Slack again, such
as a form, a private sentence or the new state of the message, is left for after the answer.
"""

import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import date, timedelta
from typing import Any

from features.errors import RescueError, UsageError
from serving.cases.cases import Cases
from serving.cases.permissions import Act, Actor, NotAllowedError
from serving.delivery.channel import DeliveryError
from serving.delivery.chat import slack_blocks, slack_forms
from serving.delivery.chat.slack_settings import SlackApp
from serving.incidents.incident_actions import Incidents
from serving.store.database import StoreError
from serving.web.answers.case_reasons import disagreeable_reasons
from serving.web.answers.refusal_text import refusal_text
from serving.web.answers.slack_cases import case_message, incident_message, slack_person
from serving.web.answers.slack_payload import SlackClick, read_click
from serving.web.answers.slack_signature import check_slack_signature, refuse_replay
from serving.web.identity.known_people import known_person
from serving.web.identity.review_settings import ReviewSettings

VIA_SLACK = "Slack"
LOOKUP_SECONDS = 1.5
"""For asking Slack who a member is, before the three seconds are over."""
UNAVAILABLE = "Rescue's queue is not available at the moment: nothing was done. Try again in a minute."

_logger = logging.getLogger(__name__)


@dataclass
class SlackReply:
    """The answer to Slack, and what is done after it."""

    body: dict[str, Any] | None = None
    later: list[Callable[[], None]] = field(default_factory=list)


@dataclass(frozen=True)
class SlackInteractions:
    """Takes the clicks of all Slack apps in the settings."""

    cases: Cases
    incidents: Incidents
    settings: ReviewSettings
    apps: tuple[SlackApp, ...] = ()

    def receive(self, body: bytes, headers: Mapping[str, str]) -> SlackReply:
        """Do what a signed request asks; ``headers`` are in lower case.

        Raises:
            SlackSignatureError: the request does not come from Slack, is too old, or was received before.
            UnreadablePayloadError: its body cannot be read.
        """
        now = self.cases.clock()
        secret = check_slack_signature(body, headers, [app.secret for app in self.apps], now)
        click = read_click(body)
        if click is None or click.action == slack_blocks.OPEN:
            return SlackReply()
        refuse_replay(self.cases.store, headers, now)
        apps = [app for app in self.apps if app.secret == secret]
        app = next((app for app in apps if app.channel.place == click.place), apps[0])
        try:
            return self._answer(click, app)
        except StoreError:
            _logger.exception("A click in Slack could not be stored.")
            return _refused(click, app, UNAVAILABLE)
        except RescueError as error:
            reply = _refused(click, app, refusal_text(self.cases.store, error))
            if not isinstance(error, NotAllowedError | UsageError) and not click.form:
                reply.later.append(lambda: self._show(click, app))  # the message shows an old state
            return reply

    def _answer(self, click: SlackClick, app: SlackApp) -> SlackReply:
        actor = self._actor(click, app)
        if not click.form and click.action in {slack_blocks.SNOOZE, slack_blocks.DISAGREE}:
            case = self.cases.get(click.subject, actor)
            actor.require(Act.WORK if click.action == slack_blocks.SNOOZE else Act.COMMENT)
            view = self._form(click, case.id)
            return SlackReply(later=[lambda: _open_form(app, click, view)])
        if click.kind == "incident":
            self.incidents.acknowledge(click.subject, actor, click.version)
        else:
            _act(self.cases, click, actor)
        return SlackReply(later=[lambda: self._show(click, app)])

    def _actor(self, click: SlackClick, app: SlackApp) -> Actor:
        """Who clicked, with their permissions."""
        api = replace(app.channel.api, timeout=LOOKUP_SECONDS)
        try:
            name = slack_person(self.cases.store, click.member, app.name, api)
        except DeliveryError:
            name = None
        if name is None:
            raise NotAllowedError(
                f"Rescue does not know who you are: ask a lead to add your Slack member id, {click.member}, to your "
                "addresses in the policy."
            )
        act = Act.COMMENT if click.action == slack_blocks.DISAGREE else Act.WORK
        return replace(known_person(self.cases.store, self.settings, name).actor(act), via=VIA_SLACK)

    def _form(self, click: SlackClick, case_id: str) -> dict[str, Any]:
        about = {"subject": case_id, "version": click.version, "place": click.place, "stamp": click.stamp}
        if click.action == slack_blocks.SNOOZE:
            return slack_forms.snooze_form(about, self.cases.clock().date())
        return slack_forms.disagree_form(about, disagreeable_reasons(self.cases.store, case_id))

    def _show(self, click: SlackClick, app: SlackApp) -> None:
        """Bring the message with the button up to date at once; the outbox does the same later."""
        if not click.place or not click.stamp:
            return
        find = incident_message if click.kind == "incident" else case_message
        message = find(self.cases.store, click.subject)
        if message is not None:
            app.channel.show(message, click.place, click.stamp)


def run_later(reply: SlackReply) -> None:
    """What is done after the answer; Slack may be unreachable by then, and nothing of the queue depends on it."""
    for step in reply.later:
        try:
            step()
        except DeliveryError as error:
            _logger.warning("Slack did not take an answer to a click: %s", error)


def _act(cases: Cases, click: SlackClick, actor: Actor) -> None:
    """One action on a case."""
    fields = click.fields
    if click.action == slack_blocks.ACKNOWLEDGE:
        cases.acknowledge(click.subject, actor, click.version)
    elif click.action == slack_blocks.CLAIM:
        cases.claim(click.subject, actor, click.version)
    elif click.action == slack_blocks.SNOOZE:
        until = _day(fields.get(slack_forms.UNTIL, ""), cases.clock().date())
        cases.snooze(click.subject, actor, click.version, until=until, reason=fields.get(slack_forms.REASON, ""))
    elif click.action == slack_blocks.DISAGREE:
        reason, comment = fields.get(slack_forms.REASON, ""), fields.get(slack_forms.COMMENT, "")
        cases.disagree(click.subject, actor, reason=reason, comment=comment)
    else:
        raise UsageError("This button is of an earlier version of Rescue: open the case instead.")


def _day(text: str, today: date) -> date:
    try:
        return date.fromisoformat(text)
    except ValueError:
        return today + timedelta(days=1)


def _refused(click: SlackClick, app: SlackApp, sentence: str) -> SlackReply:
    """A sentence that only the person sees: in the form, or as a private message where the button is."""
    if click.form:
        block = slack_forms.COMMENT if slack_forms.COMMENT in click.fields else slack_forms.REASON
        return SlackReply({"response_action": "errors", "errors": {block: sentence}})
    return SlackReply(later=[lambda: app.channel.tell(click.place, click.member, sentence)])


def _open_form(app: SlackApp, click: SlackClick, view: Mapping[str, Any]) -> None:
    app.channel.api.call("views.open", trigger_id=click.trigger, view=view)
