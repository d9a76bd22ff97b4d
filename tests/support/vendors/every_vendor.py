"""The fakes of every system that keeps records, by name."""

from collections.abc import Callable

from support.vendors.fake_hubspot import FakeHubSpot
from support.vendors.fake_jira import FakeJira
from support.vendors.fake_request_tracker import FakeRequestTracker
from support.vendors.fake_salesforce import FakeSalesforce
from support.vendors.fake_servicenow import FakeServiceNow
from support.vendors.fake_vendor import FakeVendor
from support.vendors.fake_zendesk import FakeZendesk

VENDORS: dict[str, Callable[[], FakeVendor]] = {
    "salesforce": FakeSalesforce,
    "salesforce-task": lambda: FakeSalesforce("Task", client=True),
    "hubspot": FakeHubSpot,
    "zendesk": FakeZendesk,
    "servicenow": FakeServiceNow,
    "jira": FakeJira,
    "rt": FakeRequestTracker,
}
