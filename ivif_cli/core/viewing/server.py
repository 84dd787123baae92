"""The viewer's server: one page, a few JSON calls, pictures as PNG. For one user on the same machine.

Only names of pairs travel, never paths: what the user did not point to cannot be asked for. Requests from other pages
are refused by their Host and Origin.
"""

import functools
import inspect
import itertools
import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import FileResponse, JSONResponse, Response
from starlette.routing import Route

from ivif_cli import __version__
from ivif_cli.core.data.luma import to_bits
from ivif_cli.core.errors import InputError, IvifError, UsageError
from ivif_cli.core.language.goal import DIALS
from ivif_cli.core.metrics import Scene
from ivif_cli.core.viewing.gallery import ROLES, Gallery
from ivif_cli.core.viewing.wish import Wish

MAX_UPLOAD = 64 << 20
"""Largest file that may be dropped onto the page [byte]."""
MAX_WISH = 64 << 10
KEPT_RESULTS = 12
PAGE = Path(__file__).parent / "page"
_HEADERS = {
    "Content-Security-Policy": "default-src 'self'; img-src 'self' blob: data:; frame-ancestors 'none'",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cache-Control": "no-store",
}


class Viewer:
    """The page's calls upon a gallery; finished pictures are kept for a while, by number.

    Args:
        model: the gallery's network as a command line names it.
    """

    def __init__(self, gallery: Gallery, model: str) -> None:
        self._gallery, self._model = gallery, model
        self._results: dict[int, tuple[str, np.ndarray]] = {}
        self._numbers = itertools.count(1)

    def state(self, request: Request) -> Response:
        """What the page offers."""
        fuser = self._gallery.fuser
        dials = list(DIALS) if fuser.goals else []
        names = {"pairs": list(self._gallery.pairs), "goals": list(fuser.goals), "dials": dials}
        return JSONResponse({"ivif": __version__, "model": fuser.name, **names})

    async def fuse(self, request: Request) -> Response:
        """Fuse a pair as wished: the picture's address, its size, what was understood, the command line."""
        sent = json.loads(await body(request, MAX_WISH))
        wish = Wish.read(sent)
        return JSONResponse(await run_in_threadpool(self._fused, str(sent.get("pair")), wish))

    def _fused(self, name: str, wish: Wish) -> dict[str, Any]:
        shown, fuser = self._gallery.show(name), self._gallery.fuser
        goal = fuser.goal(wish.text or wish.goal or None, strength=wish.strength, dials=wish.dials)
        with self._gallery.lock:
            picture = shown.look.fuse(goal)
        number = next(self._numbers)
        self._results[number] = (name, picture)
        for old in list(self._results)[:-KEPT_RESULTS]:
            self._results.pop(old, None)
        height, width = picture.shape[:2]
        facts = {"picture": f"picture/{number}", "width": width, "height": height, "pair": name}
        ir, vis = (self._gallery.typed(path) for path in (shown.pair.ir, shown.pair.vis))
        return {**facts, **wish.understood(), "command": wish.command(ir, vis, self._model)}

    def kept(self, request: Request) -> Response:
        """K of a finished picture, and its parts: what is kept of each source."""
        name, picture = self._result(request)
        shown = self._gallery.show(name)
        ir, vis, fused = (to_bits(image, 8) for image in (shown.ir, shown.vis, picture))
        scores = Scene(ir, vis).score(fused, ["K", "K_ir", "K_vis"])
        rounded = {metric: None if np.isnan(value) else round(value, 4) for metric, value in scores.items()}
        return JSONResponse(rounded)

    def picture(self, request: Request) -> Response:
        """A finished picture as PNG."""
        return as_png(self._result(request)[1])

    def source(self, request: Request) -> Response:
        """A source as PNG, infrared with the range it is fused with."""
        if request.path_params["role"] not in ROLES:
            raise UsageError(f"a source is {' or '.join(ROLES)}")
        return as_png(getattr(self._gallery.show(request.query_params.get("pair", "")), request.path_params["role"]))

    async def drop(self, request: Request) -> Response:
        """Take a dropped file; a pair that cannot be read is refused at once, and taken off the list."""
        data = await body(request, MAX_UPLOAD)
        role, file_name = request.path_params["role"], request.query_params.get("name", "")
        return JSONResponse({"pair": await run_in_threadpool(self._dropped, role, file_name, data)})

    def _dropped(self, role: str, file_name: str, data: bytes) -> str | None:
        name = self._gallery.drop(role, file_name, data)
        if name is not None:
            try:
                self._gallery.show(name)
            except IvifError as error:
                pair = self._gallery.pairs.pop(name)
                folders = [f"{path.parent}{os.sep}" for path in (pair.ir, pair.vis)]
                told = functools.reduce(lambda text, folder: text.replace(folder, ""), folders, error.message)
                raise InputError(told, error.hint) from error
        return name

    def _result(self, request: Request) -> tuple[str, np.ndarray]:
        if request.path_params["number"] not in self._results:
            raise UsageError("that picture is gone", "say again what is wanted")
        return self._results[request.path_params["number"]]


def as_png(image: np.ndarray) -> Response:
    """A picture as PNG, packed quickly."""
    data = cv2.imencode(".png", image, [cv2.IMWRITE_PNG_COMPRESSION, 1])[1].tobytes()
    return Response(data, media_type="image/png")


def build_app(viewer: Viewer, hosts: tuple[str, ...]) -> Starlette:
    """The server's application.

    Args:
        hosts: what a request's Host (and Origin, where there is one) must be, as in "127.0.0.1:8765".
    """

    def file(request: Request, name: str) -> Response:
        return FileResponse(PAGE / name)

    guard = functools.partial(_guarded, hosts=hosts)
    pages = {"/": "view.html", "/view.js": "view.js", "/view.css": "view.css"}
    return Starlette(
        routes=[
            *(Route(path, guard(functools.partial(file, name=name))) for path, name in pages.items()),
            Route("/state", guard(viewer.state)),
            Route("/fuse", guard(viewer.fuse), methods=["POST"]),
            Route("/picture/{number:int}", guard(viewer.picture)),
            Route("/picture/{number:int}/kept", guard(viewer.kept)),
            Route("/source/{role}", guard(viewer.source)),
            Route("/drop/{role}", guard(viewer.drop), methods=["PUT"]),
        ]
    )


def _guarded(call: Callable[..., Any], *, hosts: tuple[str, ...]) -> Callable[..., Any]:
    """A call of this page only, whose errors become one line of JSON."""

    async def answer(request: Request) -> Response:
        origin = request.headers.get("origin")
        if request.headers.get("host") not in hosts or (origin and origin.partition("://")[2] not in hosts):
            return JSONResponse({"error": "not a request of this page"}, 403)
        try:
            answered = call(request) if inspect.iscoroutinefunction(call) else run_in_threadpool(call, request)
            response: Response = await answered
        except IvifError as error:
            response = JSONResponse({"error": str(error)}, 400)
        except ValueError:
            response = JSONResponse({"error": "not what was expected"}, 400)
        response.headers.update(_HEADERS)
        return response

    return answer


async def body(request: Request, limit: int) -> bytes:
    """The body of a request, read no further than `limit` bytes.

    Raises:
        UsageError: it is longer.
    """
    data = bytearray()
    async for chunk in request.stream():
        data += chunk
        if len(data) > limit:
            raise UsageError(f"more than {limit >> 10} KiB were sent", "fuse larger files with ivif fuse")
    return bytes(data)
