"""What is started in Camunda for a case, whichever version it is."""

from dataclasses import dataclass


@dataclass(frozen=True)
class CamundaProcess:
    """``process`` is the id of a BPMN process, or ``start_message`` the name of the message that starts it.

    ``over_message`` is the name of a message to the instance when its case is over; empty for none. ``business_id``
    says that the cluster takes a business id, as Camunda 8.9 does.
    """

    process: str = ""
    start_message: str = ""
    over_message: str = ""
    tenant: str = ""
    business_id: bool = False

    @property
    def tenant_fields(self) -> dict[str, str]:
        """The tenant as a field of a request; none without a tenant."""
        return {"tenantId": self.tenant} if self.tenant else {}
