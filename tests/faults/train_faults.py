"""Kills of `ivif train`, and what must hold after each."""

import json
import random
import shutil
import signal
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from tests.faults.child import SIGNALS, after, at_write, fork, require_no_traceback, run_undisturbed, spawn, strike
from tests.faults.scenes import Scene, snapshot
from tests.faults.tally import Damage, Tally, require

_TIMED = ("images_s",)
_BEGUN = 2


class TrainFaults:
    """Kills of short training runs, half of them fresh and half of them resumed.

    Args:
        scene: pairs to train on.
        rng: where moments come from.
    """

    def __init__(self, scene: Scene, rng: random.Random) -> None:
        self.scene, self.rng = scene, rng
        self.log = scene.root / "train.log"
        whole, self.begun = scene.root / "run-whole", scene.root / "run-begun"
        self.duration = run_undisturbed(scene.train_arguments(whole), self.log)
        run_undisturbed(scene.train_arguments(self.begun, steps=_BEGUN), self.log)
        self.expected = run_contents(whole)
        self.inputs = snapshot(scene.pairs)

    def kills(self, number: int, count: int, *, true_processes: int = 0) -> Tally:
        """`count` kills by one signal; the last `true_processes` of them strike processes that import by themselves."""
        tally = Tally(f"train, {signal.Signals(number).name}")
        while tally.tried < count:
            self._kill(number, tally, start_up=tally.tried >= count - true_processes)
        return tally

    def _kill(self, number: int, tally: Tally, *, start_up: bool) -> None:
        output = self.scene.root / "run-killed"
        resumed = tally.tried % 2 == 1
        shutil.rmtree(output, ignore_errors=True)
        if resumed:
            shutil.copytree(self.begun, output)
        output.mkdir(exist_ok=True)
        (output / "notes.txt").write_text("mine")
        arguments = self.scene.train_arguments(output, *(["--resume"] if resumed else []))
        aimed = not start_up and tally.tried % 3 == 1
        longest = self.duration + (5.0 if start_up else 0.0)
        moment = (
            at_write(output / "checkpoints", self.rng, writes=2)
            if aimed
            else after(self.rng.uniform(0.2 if start_up else 0.0, longest))
        )
        child = (spawn if start_up else fork)(arguments, self.log)
        if not strike(child, number, moment):
            tally.count("came after the end")
            return
        tally.attempt(lambda: self._check(output, _BEGUN if resumed else 0), f"kill {tally.tried}")

    def _check(self, output: Path, begun: int) -> None:
        require_no_traceback(self.log)
        step = check_whole(output, begun)
        require((output / "notes.txt").read_text() == "mine", "a foreign file was changed")
        require(snapshot(self.scene.pairs) == self.inputs, "an input was changed")
        self.finish(output, resume=step > 0)

    def finish(self, output: Path, *, resume: bool) -> None:
        """Go on to the end, which must be that of an unbroken run; a model without checkpoints is put away first."""
        if not resume:
            (output / "model.safetensors").unlink(missing_ok=True)
        run_undisturbed(self.scene.train_arguments(output, *(["--resume"] if resume else [])), self.log)
        found = run_contents(output)
        for name, wanted in self.expected.items():
            require(found.get(name) == wanted, f"after a re-run {name} differs from an unbroken run's")


def run_contents(folder: Path) -> dict[str, Any]:
    """What two equal runs share: tensors of the weights and of the last checkpoint, the metrics but for times."""
    from ivif_cli.core.training.checkpoint import latest_checkpoint
    from ivif_cli.core.weights import read_weights

    last = latest_checkpoint(folder)
    require(last is not None, "no checkpoint at the end")
    contents: dict[str, Any] = {}
    for kind, path in (("weights", folder / "model.safetensors"), ("checkpoint", last)):
        tensors, _ = read_weights(Path(path))  # type: ignore[arg-type]
        contents |= {f"{kind} {name}": value.numpy().tobytes() for name, value in tensors.items()}
    contents["metrics.jsonl"] = list(_steady_lines((folder / "metrics.jsonl").read_text().splitlines()))
    return contents


def _steady_lines(lines: list[str]) -> Iterator[dict[str, Any]]:
    """Lines of the log without times, and without the validation that ended the part before a resumption."""
    for line in lines:
        values = {name: value for name, value in json.loads(line).items() if name not in _TIMED}
        if (values["step"], values["kind"]) != (_BEGUN, "validation"):
            yield values


def check_whole(folder: Path, begun: int) -> int:
    """Every file under a final name reads as a whole; what was reached before is still there. Returns the last step."""
    from ivif_cli.core.errors import IvifError
    from ivif_cli.core.training.checkpoint import read_checkpoint
    from ivif_cli.core.weights import read_weights

    steps = [0]
    for path in named(folder.rglob("*.safetensors")):
        try:
            if path.parent.name == "checkpoints":
                steps.append(read_checkpoint(path)[1]["step"])
            else:
                read_weights(path)
        except IvifError as error:
            raise Damage(str(error)) from error
    require(max(steps) >= begun, f"checkpoints up to step {begun} were there, now up to {max(steps)}")
    check_pictures(folder)
    check_metrics(folder / "metrics.jsonl", max(steps))
    return max(steps)


def named(paths: Iterable[Path]) -> Iterator[Path]:
    """Without the temporary files, which a kill may leave half written."""
    return (path for path in paths if not path.name.startswith("."))


def check_pictures(folder: Path) -> None:
    """Sample pictures are whole."""
    from ivif_cli.core.data.images import read_image
    from ivif_cli.core.errors import IvifError

    for path in named((folder / "samples").glob("*.png")):
        try:
            read_image(path)
        except IvifError as error:
            raise Damage(str(error)) from error


def check_metrics(path: Path, reached: int) -> None:
    """The log has a line for every step of the last checkpoint; only the line after them may be cut short."""
    if not reached:
        return
    lines = path.read_text().splitlines() if path.exists() else []
    steps = {json.loads(line)["step"] for line in lines[:-1]} | {_step(line) for line in lines[-1:]}
    require(set(range(1, reached + 1)) <= steps, "lines of metrics.jsonl were lost")


def _step(line: str) -> int:
    try:
        return int(json.loads(line)["step"])
    except ValueError:
        return 0


def kill_train(scene: Scene, rng: random.Random, kills: int, true_processes: int) -> list[Tally]:
    """All three signals."""
    faults = TrainFaults(scene, rng)
    return [faults.kills(number, kills, true_processes=true_processes) for number in SIGNALS]
