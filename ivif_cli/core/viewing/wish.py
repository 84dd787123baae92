"""What is wanted of a pair, as the page sends it, and as a command line says it."""

import math
import shlex
from dataclasses import dataclass, field
from typing import Any

from ivif_cli.core.errors import UsageError

LONGEST = 1000


@dataclass(frozen=True)
class Wish:
    """What is wanted: a named goal or a text (neither: the default), how far, and dials from -1 to 1."""

    text: str = ""
    goal: str = ""
    strength: float = 1.0
    dials: dict[str, float] = field(default_factory=dict)

    @classmethod
    def read(cls, sent: Any) -> "Wish":
        """A wish as it was sent.

        Raises:
            UsageError: not an object of texts and finite numbers, or longer than `LONGEST` characters.
        """
        try:
            dials = {str(name): float(value) for name, value in dict(sent.get("dials") or {}).items() if float(value)}
            text, goal = str(sent.get("text") or "").strip(), str(sent.get("goal") or "").strip()
            strength = float(sent.get("strength", 1.0))
        except (AttributeError, TypeError, ValueError) as error:
            raise UsageError("a wish is an object with text, goal, strength and dials") from error
        if len(text) > LONGEST or len(goal) > LONGEST or len(dials) > LONGEST:
            raise UsageError(f"a wish is at most {LONGEST} characters long")
        if not all(map(math.isfinite, (strength, *dials.values()))):
            raise UsageError("strength and dials are finite numbers")
        return cls(text, goal, strength, dials)

    def understood(self) -> dict[str, Any]:
        """What was read out of the text: {"understood": "salient 0.62, bright 0.21", "warnings": [...]}."""
        if not self.text:
            return {"understood": "", "warnings": []}
        from ivif_cli.core.language.explain import explain

        explanation = explain(self.text)
        return {"understood": explanation.line(), "warnings": explanation.warnings()}

    def command(self, ir: str, vis: str, model: str) -> str:
        """The command line that makes the same picture.

        >>> Wish(text="bright", dials={"infrared": 0.5}).command("a.png", "b c.png", "base")
        "ivif fuse --ir a.png --vis 'b c.png' -o fused.png --resize --prompt bright --dial infrared=0.5"
        """
        words = ["ivif", "fuse", "--ir", ir, "--vis", vis, "-o", "fused.png", "--resize"]
        if model != "base":
            words += ["-m", model]
        if self.text or self.goal:
            words += ["--prompt", self.text] if self.text else ["--goal", self.goal]
            words += ["--strength", f"{self.strength:g}"] if self.strength != 1.0 else []
        for name, value in self.dials.items():
            words += ["--dial", f"{name}={value:g}"]
        return shlex.join(words)
