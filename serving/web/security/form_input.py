"""What somebody typed into a form, kept beside the request, so that whatever goes wrong can give it back."""

from collections.abc import Iterable

from starlette.datastructures import FormData
from starlette.requests import Request

Fields = tuple[tuple[str, str], ...]

SECRET = frozenset({"csrf", "password"})
"""Fields that are never shown again."""

CARRIED = "typed."
"""What the fields of a form that waits for a sign-in are called on its way through the sign-in page."""


def texts(form: FormData) -> Fields:
    """The fields of a form in their order, without files; browsers end lines in two characters, people in one."""
    return tuple((name, value.replace("\r\n", "\n")) for name, value in form.multi_items() if isinstance(value, str))


def keep(request: Request, fields: Iterable[tuple[str, str]]) -> None:
    """Remember what was typed, for :func:`kept`."""
    request.state.typed = tuple((name, value) for name, value in fields if name not in SECRET)


def kept(request: Request) -> Fields:
    """What was typed into the form that this request sends; empty where it sends none."""
    found: Fields = getattr(request.state, "typed", ())
    return found


def page_of(path: str) -> str:
    """The page that has the form which is sent to this path."""
    return path.rsplit("/", 1)[0] if path.startswith(("/case/", "/queue/")) else "/queue"
