"""The pages, one subject per module; ``ROUTERS`` is what ``create_app`` includes.

Here belong routes. What a page shows is in ``serving.web.views``, how it looks in the templates.
"""

from fastapi import APIRouter

from serving.web.pages.account_page import account_router
from serving.web.pages.attachment_page import attachment_router
from serving.web.pages.bulk_page import bulk_router
from serving.web.pages.case_actions import case_action_router
from serving.web.pages.case_page import case_router
from serving.web.pages.incident_pages import incident_router
from serving.web.pages.my_day_page import my_day_router
from serving.web.pages.overview_page import overview_router
from serving.web.pages.people_page import people_router
from serving.web.pages.policy_pages import policy_router
from serving.web.pages.preferences import preferences_router
from serving.web.pages.queue_page import queue_router
from serving.web.pages.saved_views_page import saved_views_router
from serving.web.pages.weekly_page import weekly_router

ROUTERS: tuple[APIRouter, ...] = (
    queue_router,
    bulk_router,
    my_day_router,
    case_router,
    case_action_router,
    attachment_router,
    account_router,
    incident_router,
    people_router,
    overview_router,
    weekly_router,
    policy_router,
    saved_views_router,
    preferences_router,
)
