"""Goals over time: each holds from its second on, and every line that is no such thing is named."""

from pathlib import Path

import cv2
import numpy as np
import pytest

from ivif_cli.core.errors import UsageError
from ivif_cli.core.fusing.fuser import Fuser
from ivif_cli.core.language.goal import Goal
from ivif_cli.core.network import LoadedNetwork
from ivif_cli.core.video.fuse import fuse_video
from ivif_cli.core.video.pairs import VideoOptions
from ivif_cli.core.video.timed_goals import TimedGoals, read_timed_goals
from tests.made_up import goals


def written(folder: Path, text: str) -> Path:
    path = folder / "wishes.txt"
    path.write_text(text, encoding="utf-8")
    return path


def test_each_goal_holds_from_its_second_on(tmp_path: Path) -> None:
    path = written(tmp_path, "# seconds, text\n0.5, bright\n\n 12 ,  dark\n")
    timed = read_timed_goals(path, goals().__getitem__)
    names = [goal and goal.name for goal in map(timed.at, (0, 0.49, 0.5, 11.9, 12, 1e6))]
    assert names == [None, None, "bright", "bright", "dark", "dark"]


def test_a_text_may_hold_commas(tmp_path: Path) -> None:
    said: list[str] = []
    read_timed_goals(written(tmp_path, "3, bright people, please"), lambda text: said.append(text) or goals()["bright"])
    assert said == ["bright people, please"]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "holds no goal"),
        ("# nothing\n", "holds no goal"),
        ("bright\n", "line 1: not SECONDS, TEXT"),
        ("1, bright\nsoon, dark\n", "line 2: not SECONDS, TEXT"),
        ("1,\n", "line 1: not SECONDS, TEXT"),
        ("-1, bright\n", "line 1: not SECONDS, TEXT"),
        ("nan, bright\n", "line 1: not SECONDS, TEXT"),
        ("2, bright\n2, dark\n", "line 2: 2 s is not after 2 s"),
    ],
)
def test_a_wrong_line_is_named(tmp_path: Path, text: str, message: str) -> None:
    with pytest.raises(UsageError, match=message):
        read_timed_goals(written(tmp_path, text), goals().__getitem__)


def test_every_text_that_is_refused_is_named_with_its_line(tmp_path: Path) -> None:
    def refuse(text: str) -> Goal:
        raise UsageError(f"no {text}")

    with pytest.raises(UsageError, match="line 1: no this; line 2: no that"):
        read_timed_goals(written(tmp_path, "1, this\n2, that\n"), refuse)


def test_a_file_that_cannot_be_read_is_one_line(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="cannot read the goals' times"):
        read_timed_goals(tmp_path / "missing.txt", goals().__getitem__)
    (tmp_path / "binary.txt").write_bytes(b"\xff\xfe1, x")
    with pytest.raises(UsageError, match="cannot read the goals' times"):
        read_timed_goals(tmp_path / "binary.txt", goals().__getitem__)


def test_the_frames_of_a_video_follow_the_goals(
    tmp_path: Path, lively: LoadedNetwork, rng: np.random.Generator
) -> None:
    """Two frames a second, one goal from the second second on: frames 0 and 1 as by default, 2 and 3 as it says."""
    fuser = Fuser(lively, device="cpu")
    for name in ("ir", "vis"):
        (tmp_path / name).mkdir()
        for number in range(4):
            picture = rng.integers(0, 255, (48, 64), dtype=np.uint8)
            cv2.imwrite(str(tmp_path / name / f"f_{number}.png"), picture)
    options = VideoOptions(rate=2, smooth=0, goal=TimedGoals([1.0], [fuser.goal("bright")]))
    fuse_video(
        fuser, str(tmp_path / "ir/f_%d.png"), str(tmp_path / "vis/f_%d.png"), str(tmp_path / "out/%d.png"), options
    )
    made = [cv2.imread(str(path), cv2.IMREAD_UNCHANGED) for path in sorted((tmp_path / "out").iterdir())]
    for number, goal in enumerate([None, None, "bright", "bright"]):
        ir, vis = (cv2.imread(str(tmp_path / name / f"f_{number}.png"), 0) for name in ("ir", "vis"))
        np.testing.assert_array_equal(made[number], fuser.fuse(ir, vis, goal=goal))
    assert not np.array_equal(
        made[2], fuser.fuse(*(cv2.imread(str(tmp_path / n / "f_2.png"), 0) for n in ("ir", "vis")))
    )
