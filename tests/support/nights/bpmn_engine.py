"""SpiffWorkflow with a simulated clock: it executes a swimlane and says when each task was reached."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from io import BytesIO
from typing import Any
from unittest import mock

from lxml import etree
from SpiffWorkflow import TaskState
from SpiffWorkflow.bpmn.parser import BpmnParser, BpmnValidator
from SpiffWorkflow.bpmn.script_engine import PythonScriptEngine, TaskDataEnvironment
from SpiffWorkflow.bpmn.specs.event_definitions import timer
from SpiffWorkflow.bpmn.workflow import BpmnWorkflow

from serving.paths.calendars import WorkingCalendar, add_duration
from serving.paths.durations import Duration

PEOPLE = ("UserTask", "ManualTask")


def parse(bpmn: str) -> Any:
    """The process of a file that is valid by the schema of BPMN 2.0."""
    parser = BpmnParser(validator=BpmnValidator())
    parser.add_bpmn_io(BytesIO(bpmn.encode()), filename="swimlane.bpmn")
    return parser.get_spec("escalation_path")


def validate(bpmn: str) -> None:
    """Raise where a file is not valid by the schema of BPMN 2.0."""
    BpmnValidator().validate(etree.fromstring(bpmn.encode()))


class SwimlaneRun:
    """One case in a swimlane; ``reached`` has the instants at which each element was completed or became ready."""

    def __init__(self, bpmn: str, start: datetime, calendars: Mapping[str, WorkingCalendar]) -> None:
        self.now, self.calendars = start, calendars
        environment = TaskDataEnvironment({"working_time_after": self._working_time_after})
        with self._clock():
            self.workflow = BpmnWorkflow(parse(bpmn), script_engine=PythonScriptEngine(environment))
        self.reached: dict[str, list[datetime]] = {}
        self._seen: set[Any] = set()
        self.advance(start)

    def advance(self, now: datetime) -> None:
        """Let the engine run at an instant: timers that are over fire, and everything automatic is done."""
        self.now = now
        with self._clock():
            self.workflow.refresh_timers()
            while ready := [
                task for task in self.workflow.get_tasks(state=TaskState.READY) if not self._is_of_people(task)
            ]:
                ready[0].run()
                self.workflow.refresh_timers()
        self._note()

    def complete(self, name: str) -> None:
        """Somebody does a task."""
        with self._clock():
            (task,) = [task for task in self.open_tasks() if task.task_spec.bpmn_id == name]
            task.run()
        self.advance(self.now)

    def open_tasks(self) -> list[Any]:
        """The tasks that wait for people."""
        return [task for task in self.workflow.get_tasks(state=TaskState.READY) if self._is_of_people(task)]

    def _note(self) -> None:
        states = TaskState.COMPLETED | TaskState.READY
        for task in self.workflow.get_tasks(state=states):
            name = getattr(task.task_spec, "bpmn_id", None)
            if name and task.id not in self._seen:
                self._seen.add(task.id)
                self.reached.setdefault(name, []).append(self.now)

    def _is_of_people(self, task: Any) -> bool:
        return type(task.task_spec).__name__ in PEOPLE

    def _working_time_after(self, *texts: str) -> str:
        at = self.now
        for text in texts:
            length, _, calendar = text.partition(" by ")
            at = add_duration(at, Duration.parse(length), self.calendars.get(calendar))
        return at.replace(tzinfo=UTC).isoformat()

    @contextmanager
    def _clock(self) -> Iterator[None]:
        now: Callable[[], datetime] = lambda: self.now.replace(tzinfo=UTC)  # noqa: E731

        class Simulated(datetime):
            @classmethod
            def now(cls, tz: Any = None) -> datetime:  # type: ignore[override]
                return now()

        with mock.patch.object(timer, "datetime", Simulated):
            yield


def minutes_between(start: datetime, instants: list[datetime]) -> list[int]:
    """Whole minutes from the start."""
    return [round((at - start) / timedelta(minutes=1)) for at in instants]
