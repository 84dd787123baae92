"""Many pairs at once: order, overlap, skipping, failures, interrupts."""

import threading
import time
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from ivif_cli.core.data.images import read_image, write_image
from ivif_cli.core.data.luma import to_bits
from ivif_cli.core.data.pairing import pair_folders
from ivif_cli.core.data.sources import LoadedPair, SourceOptions, load_pair
from ivif_cli.core.errors import OutputError, UsageError
from ivif_cli.core.fusing import folder
from ivif_cli.core.fusing.folder import fuse_jobs
from ivif_cli.core.fusing.fuser import Fuser
from ivif_cli.core.fusing.jobs import Job, plan_jobs, refuse_output_inside
from ivif_cli.core.network import LoadedNetwork


@pytest.fixture
def fuser(lively: LoadedNetwork) -> Fuser:
    return Fuser(lively, device="cpu")


@pytest.fixture
def jobs(tmp_path: Path) -> list[Job]:
    """Five pairs of two sizes, in nested folders; outputs go to tmp_path/out."""
    rng = np.random.default_rng(0)
    for index, name in enumerate(["a/1", "a/2", "b/1", "b/c/1", "3"]):
        size = (20, 30) if index < 3 else (17, 9)
        write_image(tmp_path / "ir" / f"{name}.png", rng.integers(0, 256, size, dtype=np.uint8))
        write_image(tmp_path / "vis" / f"{name}.bmp", rng.integers(0, 256, (*size, 3), dtype=np.uint8))
    return plan_jobs(pair_folders(tmp_path / "ir", tmp_path / "vis").pairs, tmp_path / "out")


def names(root: Path) -> list[str]:
    return sorted(path.relative_to(root).as_posix() for path in root.rglob("*") if path.is_file())


@pytest.mark.parametrize("batch_size", [1, 2, 8])
def test_outputs_mirror_the_tree_and_equal_single_fusions(
    fuser: Fuser, jobs: list[Job], tmp_path: Path, batch_size: int
) -> None:
    seen: list[int] = []
    report = fuse_jobs(fuser, jobs, SourceOptions(), batch_size=batch_size, on_done=seen.append)
    assert names(tmp_path / "out") == ["3.png", "a/1.png", "a/2.png", "b/1.png", "b/c/1.png"]
    assert len(report.fused) == sum(seen) == 5
    for job in jobs:
        expected = fuser.fuse(*load_pair(job.pair.ir, job.pair.vis, SourceOptions())[:2]).astype(int)
        assert np.abs(read_image(job.output) - expected).max() <= 1


def test_existing_outputs_are_skipped_and_counted_or_replaced(fuser: Fuser, jobs: list[Job]) -> None:
    write_image(jobs[0].output, np.zeros((2, 2), np.uint8))
    report = fuse_jobs(fuser, jobs, SourceOptions())
    assert [job.pair.name for job in report.skipped] == [jobs[0].pair.name]
    assert read_image(jobs[0].output).shape == (2, 2)
    report = fuse_jobs(fuser, jobs, SourceOptions(), overwrite=True)
    assert len(report.fused) == 5 and not report.skipped
    assert read_image(jobs[0].output).shape != (2, 2)


def test_a_bad_pair_is_named_and_the_others_go_on(fuser: Fuser, jobs: list[Job]) -> None:
    jobs[1].pair.ir.write_bytes(b"")
    write_image(jobs[2].pair.vis, np.zeros((5, 5), np.uint8), overwrite=True)
    report = fuse_jobs(fuser, jobs, SourceOptions(), batch_size=2)
    reasons = {job.pair.name: reason for job, reason in report.failed}
    assert set(reasons) == {jobs[1].pair.name, jobs[2].pair.name}
    assert "empty" in reasons[jobs[1].pair.name]
    assert "--resize" in reasons[jobs[2].pair.name]
    assert len(report.fused) == 3


def test_an_output_that_cannot_be_written_is_named(fuser: Fuser, jobs: list[Job], tmp_path: Path) -> None:
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "a").write_text("a file where a folder is needed")
    report = fuse_jobs(fuser, jobs, SourceOptions())
    assert sorted(job.pair.name for job, _ in report.failed) == ["a/1", "a/2"]
    assert len(report.fused) == 3


def test_a_full_disk_stops_the_run(fuser: Fuser, jobs: list[Job], monkeypatch: pytest.MonkeyPatch) -> None:
    def full(path: Path, *_: object, **__: object) -> None:
        raise OutputError(f"cannot write {path}: No space left") from OSError(28, "No space left")

    monkeypatch.setattr(folder, "write_image", full)
    with pytest.raises(OutputError, match="No space"):
        fuse_jobs(fuser, jobs, SourceOptions())


def test_an_interrupt_leaves_whole_pictures_only_and_the_run_can_go_on(
    fuser: Fuser, jobs: list[Job], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = fuser.fuse
    calls = 0

    def interrupted(*args: object, **kwargs: object) -> np.ndarray:
        nonlocal calls
        calls += 1
        if calls == 3:
            raise KeyboardInterrupt
        return whole(*args, **kwargs)  # type: ignore[arg-type]

    monkeypatch.setattr(fuser, "fuse", interrupted)
    with pytest.raises(KeyboardInterrupt):
        fuse_jobs(fuser, jobs, SourceOptions())
    left = names(tmp_path / "out") if (tmp_path / "out").exists() else []
    assert len(left) <= 2 and all(name.endswith(".png") for name in left)
    for name in left:
        assert read_image(tmp_path / "out" / name).size
    monkeypatch.setattr(fuser, "fuse", whole)
    report = fuse_jobs(fuser, jobs, SourceOptions())
    assert len(report.skipped) == len(left) and len(report.fused) == 5 - len(left)


def test_reading_network_and_writing_overlap(
    fuser: Fuser, jobs: list[Job], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each part waits until the others have gone on: parts that took turns would wait for ever."""
    last = 11
    pairs = [replace(jobs[0].pair, name=str(index)) for index in range(last + 1)]
    many = [Job(one, tmp_path / "out" / f"{one.name}.png") for one in pairs]
    pair = load_pair(jobs[0].pair.ir, jobs[0].pair.vis, SourceOptions())
    began = {"read": 0, "network": 0, "write": 0}
    changed = threading.Condition()

    def begin(part: str, waits_for: str = "", lead: int = 0) -> None:
        with changed:
            number = began[part]
            began[part] += 1
            changed.notify_all()
            ahead = min(number + lead, last + 1)
            assert not waits_for or changed.wait_for(lambda: began[waits_for] >= ahead, timeout=120)

    def load(*_: object, **__: object) -> LoadedPair:
        begin("read")
        return pair._replace(vis=pair.vis.copy())

    def fuse(ir: np.ndarray, vis: np.ndarray, **_: object) -> np.ndarray:
        begin("network", waits_for="read", lead=2)
        return vis

    monkeypatch.setattr(folder, "load_pair", load)
    monkeypatch.setattr(folder, "write_image", lambda *_, **__: begin("write", waits_for="network", lead=2))
    monkeypatch.setattr(fuser, "fuse", fuse)
    report = fuse_jobs(fuser, many, SourceOptions(), workers=4)
    assert len(report.fused) == last + 1 and not report.failed


def test_queues_are_bounded(fuser: Fuser, jobs: list[Job], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pairs = [replace(jobs[0].pair, name=str(index)) for index in range(30)]
    many = [Job(one, tmp_path / "out" / f"{one.name}.png") for one in pairs]
    alive, most = 0, 0
    lock = threading.Lock()

    facts = load_pair(jobs[0].pair.ir, jobs[0].pair.vis, SourceOptions()).facts

    def opened(*_: object) -> LoadedPair:
        nonlocal alive, most
        with lock:
            alive += 1
            most = max(most, alive)
        blank = np.zeros((4, 4), np.uint8)
        return LoadedPair(blank, blank.copy(), facts, blank, None)

    def closed(*_: object, **__: object) -> None:
        nonlocal alive
        time.sleep(0.005)
        with lock:
            alive -= 1

    monkeypatch.setattr(folder, "load_pair", opened)
    monkeypatch.setattr(folder, "write_image", closed)
    fuse_jobs(fuser, many, SourceOptions(), workers=2, batch_size=1)
    assert most <= 2 * (2 + 1) + 2


def test_an_output_inside_an_input_is_refused(tmp_path: Path) -> None:
    (tmp_path / "ir").mkdir()
    (tmp_path / "link").symlink_to(tmp_path / "ir")
    for output in (tmp_path / "ir", tmp_path / "ir" / "deep" / "er", tmp_path / "link" / "x"):
        with pytest.raises(UsageError, match="inside the input"):
            refuse_output_inside(output, [tmp_path / "ir"])
    refuse_output_inside(tmp_path / "ir_fused", [tmp_path / "ir"])


def test_bits_and_grey_and_size_are_as_asked(tmp_path: Path) -> None:
    ir = np.linspace(7000, 8000, 48).reshape(6, 8).astype(np.uint16)
    write_image(tmp_path / "ir.png", ir)
    write_image(tmp_path / "vis.png", np.full((12, 16, 3), 100, np.uint8))
    load = {"ir": tmp_path / "ir.png", "vis": tmp_path / "vis.png"}
    thermal, visible, *_ = load_pair(**load, options=SourceOptions(resize=True, gray=True, bits=16))
    assert thermal.shape == visible.shape == (12, 16)
    assert visible.dtype == np.uint16 and visible[0, 0] == 100 * 257
    assert thermal.min() < 2000 and thermal.max() > 63000
    assert to_bits(np.array([[0, 128, 129, 65535]], np.uint16), 8).tolist() == [[0, 0, 1, 255]]
    with pytest.raises(UsageError, match="bit depth"):
        SourceOptions(bits=12)


def test_every_job_is_fused_for_its_own_goal(fuser: Fuser, jobs: list[Job], tmp_path: Path) -> None:
    named = [fuser.goal(name) for name in ("bright", "dark")]
    both = [
        Job(job.pair, tmp_path / "out" / goal.name / f"{number}.png", goal)
        for number, job in enumerate(jobs[:3])
        for goal in named
    ]
    report = fuse_jobs(fuser, both, SourceOptions(), batch_size=4)
    assert len(report.fused) == 6
    for job in both:
        expected = fuser.fuse(*load_pair(job.pair.ir, job.pair.vis, SourceOptions())[:2], goal=job.goal).astype(int)
        assert np.abs(read_image(job.output) - expected).max() <= 1
    assert not np.array_equal(read_image(both[0].output), read_image(both[1].output))


@pytest.mark.parametrize("batch_size", [1, 2])
def test_a_pair_of_several_goals_is_read_and_encoded_once(
    fuser: Fuser, jobs: list[Job], monkeypatch: pytest.MonkeyPatch, batch_size: int
) -> None:
    goals = [fuser.goal(name) for name in ("bright", "dark", "default")]
    several = [
        replace(job, output=job.output.with_stem(f"{job.output.stem}-{goal.name}"), goal=goal)
        for job in jobs[:3]
        for goal in goals
    ]
    write_image(several[1].output, np.zeros((2, 2), np.uint8))
    jobs[2].pair.ir.write_bytes(b"no picture")
    read: list[Path] = []
    encoded: list[int] = []
    before, encode = folder.load_pair, fuser.engine.encode
    monkeypatch.setattr(folder, "load_pair", lambda ir, *more: (read.append(ir), before(ir, *more))[1])
    monkeypatch.setattr(fuser.engine, "encode", lambda ir, vis: (encoded.append(len(ir)), encode(ir, vis))[1])
    report = fuse_jobs(fuser, several, SourceOptions(), batch_size=batch_size)
    assert read == [job.pair.ir for job in jobs[:3]] and encoded == [1, 1]
    assert [item.job for item in report.fused] == [several[0], *several[2:6]] and report.skipped == [several[1]]
    assert [job for job, _ in report.failed] == several[6:]
    for item in report.fused:
        pair = load_pair(item.job.pair.ir, item.job.pair.vis, SourceOptions())
        assert np.array_equal(read_image(item.job.output), fuser.fuse(*pair[:2], goal=item.job.goal, ir_range=None))
