"""The API against its own description: generated requests, each answer checked by schemathesis."""

import shutil
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, given, settings
from schemathesis import GenerationMode
from schemathesis.config import AnalysisConfig, ConstantsConfig, ProjectConfig, ProjectsConfig, SchemathesisConfig
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    ignored_auth,
    negative_data_rejection,
    response_schema_conformance,
    status_code_conformance,
    unsupported_method,
)
from support.nights.night_factory import NIGHT
from support.web.web_people import People, opened, settled

from serving.cases.permissions import Role
from serving.nights.case_updates import case_id
from serving.web.api.api_app import PREFIX

CHECKS = [
    schemathesis.checks.not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_schema_conformance,
    negative_data_rejection,
    unsupported_method,
    ignored_auth,
]
EXAMPLES = 12
"""Generated requests an operation, of those that fit the description and of those that do not."""

limits = settings(
    max_examples=EXAMPLES,
    phases=[Phase.generate],
    suppress_health_check=list(HealthCheck),
)


def configuration() -> SchemathesisConfig:
    """How the answers are judged, and nothing in the generated requests that depends on the run.

    A body beyond the limit of the server is refused with 413 before it is read, whatever else is wrong with it.
    """
    config = SchemathesisConfig(
        seed=1,
        projects=ProjectsConfig(
            default=ProjectConfig(analysis=AnalysisConfig(constants=ConstantsConfig(enabled=False)))
        ),
    )
    refused = config.projects.default.checks.negative_data_rejection
    refused.expected_statuses = [*refused.expected_statuses, "413"]
    return config


@pytest.fixture(scope="module")
def people(migrated_sqlite: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[People]:
    path = tmp_path_factory.mktemp("schema") / "rescue.db"
    shutil.copy(migrated_sqlite, path)
    found = opened(path)
    settled(found.store, 2)
    yield found
    found.close()


@pytest.fixture(scope="module")
def operations(people: People) -> list[schemathesis.APIOperation]:
    """Every operation that the document describes."""
    schema = schemathesis.openapi.from_asgi(f"{PREFIX}/openapi.json", people.app, config=configuration())
    return [found.ok() for found in schema.get_all_operations()]


def test_every_answer_is_as_described(
    people: People, operations: list[schemathesis.APIOperation], subtests: pytest.Subtests
) -> None:
    real = case_id("a000000", "churn", NIGHT)
    token = people.program(Role.ADMIN).headers["Authorization"]
    told: Counter[int] = Counter()

    def ask_of_a_real_case(case: schemathesis.Case) -> None:
        if "case_id" in case.path_parameters:
            case.path_parameters["case_id"] = real
        ask(case)

    def ask(case: schemathesis.Case) -> None:
        answer = case.call_and_validate(headers={"Authorization": token}, checks=CHECKS)
        told[answer.status_code // 100] += 1

    for operation in operations:
        with subtests.test(operation.label):
            limits(given(operation.as_strategy())(ask_of_a_real_case))()
            limits(given(operation.as_strategy(generation_mode=GenerationMode.NEGATIVE))(ask))()
    assert sum(told.values()) >= len(operations) * EXAMPLES
    assert told[2] > len(operations)
