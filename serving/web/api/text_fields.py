"""Fields of requests: texts of limited length, without characters that a database cannot store."""

from typing import Annotated

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, StringConstraints

from serving.web.security.form_input import MAX_TEXT_LENGTH


def _storable(text: str) -> str:
    if "\x00" in text:
        raise ValueError("a text cannot contain the NUL character")
    return text


ShortText = Annotated[str, StringConstraints(max_length=200), AfterValidator(_storable)]
RequiredText = Annotated[
    str, StringConstraints(min_length=1, max_length=MAX_TEXT_LENGTH, pattern=r"\S"), AfterValidator(_storable)
]
OptionalText = Annotated[str, StringConstraints(max_length=MAX_TEXT_LENGTH), AfterValidator(_storable)]
CaseVersion = Annotated[int, Field(ge=1, lt=1 << 31, description="The version of the case that you read.")]


class RequestModel(BaseModel):
    """The base of all requests: an unknown field is an error, so that a typing mistake is noticed."""

    model_config = ConfigDict(extra="forbid", frozen=True)
