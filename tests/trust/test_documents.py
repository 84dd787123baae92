"""Pages that say what is there say all of it, and point to nothing that is not."""

import re
from pathlib import Path

import pytest

PAGES = ("README.md", "CONTRIBUTING.md", "docs/architecture.md", "docs/trust.md", "docs/scale-out.md")


def test_the_architecture_page_names_every_room_and_folder(repository: Path) -> None:
    page = (repository / "docs" / "architecture.md").read_text(encoding="utf-8")
    rooms = [path.name for path in (repository / "ivif_cli" / "core").iterdir() if (path / "__init__.py").exists()]
    kept = ("ivif_cli", "weights", "tests", "benchmarks", "tools", "examples", "recipes", "docs")
    missing = [name for name in (*rooms, *kept) if f"{name}/" not in page]
    assert not missing


@pytest.mark.parametrize("page", PAGES)
def test_links_lead_somewhere(repository: Path, page: str) -> None:
    path = repository / page
    links = re.findall(r"\]\(([^)#]+)\)", path.read_text(encoding="utf-8"))
    assert not [link for link in links if "://" not in link and not (path.parent / link).exists()]


@pytest.mark.parametrize("page", PAGES)
def test_targets_and_modules_that_pages_name_exist(repository: Path, page: str) -> None:
    text = (repository / page).read_text(encoding="utf-8")
    targets = set(re.findall(r"^([a-z-]+):", (repository / "Makefile").read_text(encoding="utf-8"), flags=re.MULTILINE))
    assert set(re.findall(r"`make ([a-z-]+)", text)) <= targets
    for module in re.findall(r"python -m (tools\.[a-z_]+)", text):
        assert (repository / f"{module.replace('.', '/')}.py").exists()


@pytest.mark.parametrize("page", ["docs/method.md", "weights/compact-clip.md"])
def test_targets_that_make_the_compact_clip_exist(repository: Path, page: str) -> None:
    named = re.findall(r"`make ([a-z-]+)", (repository / page).read_text(encoding="utf-8"))
    assert named == ["clip"]
    assert re.search(r"^clip:", (repository / "Makefile").read_text(encoding="utf-8"), flags=re.MULTILINE)
