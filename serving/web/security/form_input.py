"""The texts of a submitted form, kept with the request, so that an error page can show them again."""

from collections.abc import Iterable

from starlette.datastructures import FormData
from starlette.requests import Request

Fields = tuple[tuple[str, str], ...]

MAX_TEXT_LENGTH = 4000
"""Characters of a text that the history stores."""

SECRET_FIELDS = frozenset({"csrf", "password"})
"""Fields that are never shown again."""

PENDING_PREFIX = "typed."
"""The prefix of the fields of an unsent form while it is carried through the sign-in page."""


def form_texts(form: FormData) -> Fields:
    """The fields of a form in their order, without files; the line ends of browsers (CR LF) become LF."""
    return tuple((name, value.replace("\r\n", "\n")) for name, value in form.multi_items() if isinstance(value, str))


def keep_texts(request: Request, fields: Iterable[tuple[str, str]]) -> None:
    """Store the texts of this request's form for :func:`kept_texts`."""
    request.state.typed = tuple((name, value) for name, value in fields if name not in SECRET_FIELDS)


def kept_texts(request: Request) -> Fields:
    """The texts of this request's form; empty for a request without a form."""
    fields: Fields = getattr(request.state, "typed", ())
    return fields


def page_of_form(path: str) -> str:
    """The page that contains the form that is sent to this path."""
    if path.startswith("/policy/"):
        return "/policy"
    return path.rsplit("/", 1)[0] if path.startswith(("/case/", "/incident/", "/queue/")) else "/queue"
