"""A file as a download: whatever it contains, no browser shows or runs it within a page of Rescue."""

from urllib.parse import quote

from starlette.responses import Response


def file_response(name: str, kind: str, content: bytes) -> Response:
    """A file of a media type, to be saved under a name; ``SecurityHeaders`` forbids to guess another type."""
    headers = {
        "Content-Disposition": f"attachment; filename*=UTF-8''{quote(name, safe='')}",
        "Cache-Control": "private, no-store",
    }
    return Response(content, media_type=kind, headers=headers)
