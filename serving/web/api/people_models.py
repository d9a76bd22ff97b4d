"""The responses of the API about people, absences and hand-overs; times are in UTC."""

from pydantic import Field

from serving.web.api.response_models import ResponseModel, UtcTime


class AbsenceResponse(ResponseModel):
    """A person is away from `starts_at` until just before `ends_at`."""

    id: int
    person: str
    starts_at: UtcTime
    ends_at: UtcTime
    reason: str
    source: str = Field(description="`app`, `command` or `calendar`.")
    entered_by: str
    entered_at: UtcTime
    withdrawn_at: UtcTime | None


class PersonStatusResponse(ResponseModel):
    """A person of the policy now; with `listed` false, a user that the policy does not list."""

    name: str
    title: str
    listed: bool
    squads: list[str]
    duties: list[str] = Field(description="Such as `primary of success`.")
    skills: list[str]
    timezone: str
    open_cases: int
    max_open: int | None
    obstacle: str = Field(description="Why the person cannot act now, as the end of a sentence; empty: they can.")
    absences: list[AbsenceResponse]
    missing: list[str]


class PeopleResponse(ResponseModel):
    """The people that you see."""

    items: list[PersonStatusResponse]


class FormFieldResponse(ResponseModel):
    """A field of a hand-off form with what it is filled with at first."""

    name: str
    label: str
    kind: str = Field(description="`text`, `choice`, `date` or `yes-no`.")
    required: bool
    choices: list[str]
    value: str


class HandOverFormResponse(ResponseModel):
    """A hand-over that has a form: send `squad`, `tier`, `form` and `answers` with the action `hand_over`."""

    squad: str
    tier: int
    form: str
    title: str
    fields: list[FormFieldResponse]


class SentFormResponse(ResponseModel):
    """The newest hand-over of the case: its answers as label and text."""

    from_squad: str
    sent_by: str
    at: UtcTime
    status: str = Field(description="`pending`, `accepted`, `returned` or `withdrawn`.")
    title: str
    answers: list[tuple[str, str]]


class HandOverFormsResponse(ResponseModel):
    """The forms for handing the case over."""

    choices: list[HandOverFormResponse]
    sent: SentFormResponse | None


class HandOverPairResponse(ResponseModel):
    """The hand-overs from one squad to another."""

    from_squad: str
    to_squad: str
    sent: int
    accepted: int
    returned: int
    pending: int
    completeness: float = Field(description="Share of the fields that were filled.")
    return_share: float | None = Field(description="Share of the answered ones that were returned.")
    hours_to_answer: float | None = Field(description="Median hours until they were accepted or returned.")
    hours_lost: float = Field(description="Hours after which cases were returned, summed.")


class HandOverFiguresResponse(ResponseModel):
    """By pair of squads."""

    items: list[HandOverPairResponse]
