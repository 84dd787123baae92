"""The viewer's calls without a browser."""

import asyncio
import json
from pathlib import Path
from typing import Any

import pytest

from ivif_cli.core.fusing.fuser import Fuser
from ivif_cli.core.network import LoadedNetwork

requests = pytest.importorskip("starlette.requests")


def test_the_command_line_names_the_model_as_the_user_did(tmp_path: Path, lively: LoadedNetwork) -> None:
    from ivif_cli.core.viewing.gallery import Gallery
    from ivif_cli.core.viewing.server import Viewer

    async def sent() -> dict[str, Any]:
        return {"type": "http.request", "body": b'{"pair": "example"}'}

    viewer = Viewer(Gallery(Fuser(lively, device="cpu"), (), tmp_path), "my runs/best.safetensors")
    answer = asyncio.run(viewer.fuse(requests.Request({"type": "http"}, sent)))
    assert json.loads(answer.body)["command"].endswith("-m 'my runs/best.safetensors'")
