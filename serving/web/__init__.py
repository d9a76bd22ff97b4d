"""The review app for a customer-success team, as pages rendered on the server, and its API.

``pages`` has the routes, ``views`` what each page shows, ``templates`` and ``static`` its look, ``identity`` and
``sign_in`` the people, ``security`` the protection of requests, ``api`` the routes for programs. Every page works
without JavaScript; the one script makes it faster.
"""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from serving.web.app import create_app

__all__ = ["create_app"]


def __getattr__(name: str) -> object:
    """Import ``create_app`` on first use: the settings of sign-in are also read without a web framework."""
    if name == "create_app":
        from serving.web.app import create_app

        return create_app
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
