"""The review app: a customer-success team's morning, as pages rendered on the server.

``create_app`` joins the parts: ``pages`` answer the browser, ``views`` turn rows into what a page says, ``templates``
and ``static`` are how it looks, ``identity`` is who is asking, ``api`` the same for machines. Everything works without
script; the one script makes it quicker.
"""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from serving.web.app import create_app

__all__ = ["create_app"]


def __getattr__(name: str) -> object:
    """``create_app`` when it is asked for: the settings of sign-in are read where no web framework need be."""
    if name == "create_app":
        from serving.web.app import create_app

        return create_app
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
