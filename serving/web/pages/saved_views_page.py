"""Views of the queue that people save under a name."""

from fastapi import APIRouter
from fastapi.responses import HTMLResponse, Response

from serving.store import saved_views
from serving.web.request_context import FormTexts, ViewerContext, redirect_to
from serving.web.sign_in.sign_in import local_path

saved_views_router = APIRouter(default_response_class=HTMLResponse, include_in_schema=False)


@saved_views_router.post("/views")
def add_saved_view(texts: FormTexts, context: ViewerContext) -> Response:
    """Save the view that is shown, and show it again."""
    url = texts.get("url", "")
    saved_views.save_view(context.store, context.person.name, texts.get("name", ""), url)
    return redirect_to(url, done="view_saved")


@saved_views_router.post("/views/{view}/delete")
def remove_saved_view(view: int, texts: FormTexts, context: ViewerContext) -> Response:
    """Delete one of the person's own views."""
    saved_views.delete_view(context.store, context.person.name, view)
    return redirect_to(local_path(texts.get("back", "/queue")), done="view_deleted")
