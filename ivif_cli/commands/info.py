"""`ivif info`: what is installed, what it can run on, and which weights and data it finds."""

from typing import Annotated, Any

import typer

from ivif_cli.commands.console import Console


def info(as_json: Annotated[bool, typer.Option("--json", help="Print the report as JSON.")] = False) -> None:
    """Show versions, devices, weights with their hashes, the names that options take, and what IVIF_DATA leads to."""
    from ivif_cli.core.installation import describe_installation

    console = Console(machine=as_json)
    found = describe_installation()
    if as_json:
        console.result_json(found)
        return
    for title, rows in _sections(found).items():
        console.result(title)
        for name, value in rows:
            console.result(f"  {name:<22} {value}")


def _sections(found: dict[str, Any]) -> dict[str, list[tuple[str, str]]]:
    extras = [
        (f"[{extra}] {name}", version or "not installed")
        for extra, packages in found["extras"].items()
        for name, version in packages.items()
    ]
    data = found["data"]
    sets = [(name, f"{count} pairs") for name, count in data["datasets"].items()]
    root = data["root"] or "not set"
    return {
        f"ivif {found['ivif']}, Python {found['python']}, {found['platform']}": [],
        "packages": [(name, version or "not installed") for name, version in found["packages"].items()],
        "extras": extras,
        "devices": [(device["name"], _device(device)) for device in found["devices"]],
        "weights": [(item["name"], f"{item['state']}  sha256 {item['sha256']}") for item in found["weights"]],
        "names": [(kind, ", ".join(known)) for kind, known in found["known"].items()],
        "data": [("IVIF_DATA", root if data["exists"] or not data["root"] else f"{root} (missing)"), *sets],
    }


def _device(device: dict[str, Any]) -> str:
    if "memory_bytes" in device:
        return f"{device['model']}, {device['memory_bytes'] / 2**30:.0f} GiB"
    parts = [device["model"]]
    if "cores" in device:
        parts.append(f"{device['cores']} cores, {device.get('threads', 0)} threads")
    return ", ".join([*parts, *([device["error"]] if "error" in device else [])])
