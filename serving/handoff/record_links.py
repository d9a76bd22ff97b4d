"""Links from a hand-off to the records that it was built from, in the systems in which people work on them.

An address comes out of somebody else's data. It becomes a link only if it is a web address: a ``javascript:`` address
in a field of a help desk would otherwise run in the browser of whoever opens the hand-off.
"""

from typing import Annotated

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, HttpUrl, TypeAdapter, ValidationError

_HTTP = TypeAdapter(HttpUrl)

LONGEST_ADDRESS = 2_000
"""Characters; browsers and mail programs cut longer addresses off."""


def web_address(value: object) -> str | None:
    """The text if it is an address of http or https with a host and without spaces; else ``None``."""
    if not isinstance(value, str) or not value.isprintable() or len(value) > LONGEST_ADDRESS:
        return None
    text = value.strip()
    if any(sign.isspace() or sign in "\"'<>\\`" for sign in text):
        return None
    try:
        url = _HTTP.validate_python(text)
    except ValidationError:
        return None
    return text if url.host and url.username is None and url.password is None else None


WebAddress = Annotated[str | None, BeforeValidator(web_address)]
"""An address that can be a link, or nothing."""


class RecordLink(BaseModel):
    """Where the account is found in another system."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    system: str
    external_id: str | None = Field(default=None, description="the id of its record there")
    url: WebAddress = Field(default=None, description="an address of http or https")
