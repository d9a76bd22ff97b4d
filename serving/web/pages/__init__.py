"""The pages, one subject a module; ``ROUTERS`` is what ``create_app`` puts together."""

from fastapi import APIRouter

from serving.web.pages.account import router as account
from serving.web.pages.case import router as case
from serving.web.pages.moves import router as moves
from serving.web.pages.overview import router as overview
from serving.web.pages.preferences import router as preferences
from serving.web.pages.queue import router as queue
from serving.web.pages.saved_views import router as saved_views

ROUTERS: tuple[APIRouter, ...] = (queue, case, moves, account, overview, saved_views, preferences)
