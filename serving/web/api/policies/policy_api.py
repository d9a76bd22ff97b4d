"""The policy for programs: what is in force, its versions, checking, saving, restoring and replaying a draft."""

from typing import Annotated

from fastapi import APIRouter, Depends, Path, Request

from features.errors import UsageError
from serving.policy.definition.policy_file import PolicyError
from serving.policy_versions.policy_difference import changed_rules
from serving.policy_versions.policy_service import PolicyService
from serving.policy_versions.replay_jobs import replay_job, request_replay
from serving.policy_versions.saved_policies import PolicyChange, check_policy_text, saved_policies, saved_policy
from serving.store.policy_tables import ReplayJob, SavedPolicy
from serving.web.api.dependencies import Lead, PolicyEditor, UseCases, may_edit
from serving.web.api.policies import policy_models
from serving.web.views.results.policy_words import word_sections

policy_api_router = APIRouter(tags=["policy"])

PolicyNumber = Annotated[int, Path(ge=1, lt=1 << 31)]
PolicyReplayId = Annotated[str, Path(min_length=1, max_length=64, pattern=r"^[0-9a-z]+$")]


def get_policy_service(request: Request) -> PolicyService:
    """The saved policies that ``create_api`` was given."""
    policies: PolicyService = request.app.state.policies
    return policies


Service = Annotated[PolicyService, Depends(get_policy_service)]


@policy_api_router.get("/policy")
def get_policy(person: Lead, policies: Service) -> policy_models.PolicyResponse:
    """The policy in force, in words; addresses are hidden from those who may not change it."""
    state = policies.in_force()
    sections = word_sections(state.policy, addresses=may_edit(person))
    return policy_models.PolicyResponse(
        number=state.number,
        version=state.policy.version,
        name=state.short_name,
        base=state.base,
        file_state=state.file_state.value,
        warning=state.warning,
        sections=[policy_models.WordSectionResponse(title=it.title, lines=list(it.lines)) for it in sections],
    )


@policy_api_router.get("/policy/text")
def get_policy_text(_person: PolicyEditor, policies: Service) -> policy_models.PolicyTextResponse:
    """The text of the policy in force."""
    state = policies.in_force()
    return policy_models.PolicyTextResponse(base=state.base, text=state.text)


@policy_api_router.get("/policy/versions")
def get_policy_versions(_person: Lead, cases: UseCases) -> policy_models.PolicyVersionsResponse:
    """The saved versions, the newest first."""
    with cases.store.reading() as session:
        rows = saved_policies(session)
    return policy_models.PolicyVersionsResponse(items=[_version(row) for row in rows])


@policy_api_router.get("/policy/versions/{number}")
def get_policy_version(
    number: PolicyNumber, _person: PolicyEditor, cases: UseCases
) -> policy_models.PolicyVersionTextResponse:
    """A saved version with its text."""
    with cases.store.reading() as session:
        return policy_models.PolicyVersionTextResponse.model_validate(saved_policy(session, number))


@policy_api_router.post("/policy/check")
def check_policy(
    request: policy_models.PolicyTextRequest, _person: PolicyEditor, policies: Service
) -> policy_models.PolicyCheckResponse:
    """Check a draft: every mistake with its line, or what it changes. Nothing is saved."""
    try:
        policy = check_policy_text(policies.source, request.text)
    except PolicyError as error:
        return policy_models.PolicyCheckResponse(
            valid=False, version=None, problems=list(error.problems), hints=[], changes=[]
        )
    return policy_models.PolicyCheckResponse(
        valid=True,
        version=policy.version,
        problems=[],
        hints=list(policy.hints),
        changes=changed_rules(policies.in_force().policy, policy),
    )


@policy_api_router.post("/policy/versions", status_code=201)
def save_policy_version_of_draft(
    request: policy_models.SavePolicyRequest, person: PolicyEditor, policies: Service
) -> policy_models.PolicyVersionResponse:
    """Save a draft as a version, which is in force at once."""
    change = PolicyChange(request.text, person.name, request.reason, "app", base=request.base)
    return _version(policies.save(change))


@policy_api_router.post("/policy/versions/{number}/restore", status_code=201)
def restore_policy_version(
    number: PolicyNumber,
    request: policy_models.RestorePolicyRequest,
    person: PolicyEditor,
    policies: Service,
    cases: UseCases,
) -> policy_models.PolicyVersionResponse:
    """Make the text of an earlier version the next version."""
    with cases.store.reading() as session:
        text = saved_policy(session, number).text
    change = PolicyChange(text, person.name, request.reason, "rollback", base=request.base, restores=number)
    return _version(policies.save(change))


@policy_api_router.post("/policy/replays", status_code=202)
def start_policy_replay(
    request: policy_models.PolicyTextRequest, person: PolicyEditor, policies: Service, cases: UseCases
) -> policy_models.PolicyReplayResponse:
    """Compare a draft with the policy in force over the last nights; read the result at `/policy/replays/{id}`."""
    if policies.start_replay is None:
        raise UsageError("This app cannot compute replays; `rescue replay` compares two policy files.")
    draft = check_policy_text(policies.source, request.text)
    now = cases.clock()
    job = request_replay(cases.store, policies.in_force(), request.text, draft.version, person.name, now)
    policies.continue_replays()
    return _replay(cases, job)


@policy_api_router.get("/policy/replays/{replay}")
def get_policy_replay(
    replay: PolicyReplayId, _person: Lead, policies: Service, cases: UseCases
) -> policy_models.PolicyReplayResponse:
    """A replay: how far it is, or its figures."""
    policies.continue_replays()
    return _replay(cases, replay)


def _replay(cases: UseCases, job_id: str) -> policy_models.PolicyReplayResponse:
    with cases.store.reading() as session:
        job: ReplayJob = replay_job(session, job_id)
        return policy_models.PolicyReplayResponse.model_validate(job)


def _version(row: SavedPolicy) -> policy_models.PolicyVersionResponse:
    return policy_models.PolicyVersionResponse.model_validate(row)
