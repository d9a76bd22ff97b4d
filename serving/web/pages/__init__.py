"""The pages, one subject a module; ``ROUTERS`` is what ``create_app`` puts together."""

from fastapi import APIRouter

from serving.web.pages.account_page import router as account
from serving.web.pages.case_actions import router as moves
from serving.web.pages.case_page import router as case
from serving.web.pages.overview_page import router as overview
from serving.web.pages.preferences import router as preferences
from serving.web.pages.queue_page import router as queue
from serving.web.pages.saved_views_page import router as saved_views

ROUTERS: tuple[APIRouter, ...] = (queue, case, moves, account, overview, saved_views, preferences)
