"""What a text was understood to ask for: claims with shares, unknown words, whether it says anything at all."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any

from ivif_cli.core.language.goal import DIALS
from ivif_cli.core.language.text_tower import TextEncoder, load_text_tower
from ivif_cli.core.language.tokenizer import with_nearest

SAID = 0.35
"""A text whose strongest claim is below this says nothing that the model can see."""
SHOWN = 0.1
"""Claims with a smaller share are not worth a word."""
CLASH = 0.2
"""Share of both ends of an axis from which they are told: of two that are said, the tower takes one for the wish."""

TOO_LONG = "only the beginning of a text is read, it is too long for the encoder: {!r}"


@dataclass(frozen=True)
class Explanation:
    """How a text was read.

    Attributes:
        text: as given.
        claims: every claim -> share of the text's meaning; the shares sum to 1, or to the strength of the strongest
            claim where the text says nothing that the model can see.
        confidence: strength of the strongest claim, 0 to 1.
        unknown: words that the model does not know; `near` tells them with the nearest that it does.
        cut: whether only the beginning of the text was read.
    """

    text: str
    claims: dict[str, float]
    confidence: float
    unknown: tuple[str, ...]
    near: str
    cut: bool = False

    @property
    def empty(self) -> bool:
        """Whether the text says nothing that the model can see ("a happy picture")."""
        return self.confidence < SAID

    def line(self) -> str:
        """The claims that count, strongest first: "salient 0.62, bright 0.21"."""
        ranked = sorted(self.claims.items(), key=lambda item: -item[1])
        said = [f"{claim} {share:.2f}" for claim, share in ranked if share >= SHOWN]
        return "nothing that the model can see" if self.empty or not said else ", ".join(said)

    def warnings(self) -> list[str]:
        """What the user should know: a text that is cut or says nothing, unknown words, both ends of an axis."""
        found = []
        if self.cut:
            found.append(TOO_LONG.format(self.text))
        if self.unknown:
            found.append(f"words that the compact CLIP does not know: {self.near} (in {self.text!r})")
        if self.empty:
            found.append(f"the text says nothing that the model can see: {self.text!r}")
        for ends in DIALS.values():
            if not self.empty and all(self.claims.get(end, 0.0) >= CLASH for end in ends):
                both = " and ".join(ends)
                found.append(f"{both} work against each other: one wish a sentence reads best ({self.text!r})")
        return found

    def as_json(self) -> dict[str, Any]:
        """The entry of `--json`."""
        claims = {claim: round(share, 4) for claim, share in self.claims.items()}
        return {"text": self.text, "claims": claims, "unknown": list(self.unknown)}


def explain(text: str, encoder: TextEncoder | None = None) -> Explanation:
    """How the compact CLIP reads `text`.

    Args:
        text: what the picture should be, in English.
        encoder: the text side to ask; the bundled one where none is given.

    Raises:
        UsageError: the text is empty, in another language, or holds no known word.
    """
    encoder = encoder or bundled_encoder()
    strengths = encoder.claim_strengths(text)
    strongest = max(strengths.values())
    scale = (1.0 if strongest >= SAID else strongest) / max(sum(strengths.values()), 1e-9)
    shares = {claim: strength * scale for claim, strength in strengths.items()}
    unknown = tuple(encoder.unknown_words(text))
    near = with_nearest(unknown, encoder.tower.rows) if unknown else ""
    return Explanation(text, shares, strongest, unknown, near, encoder.too_long(text))


def explain_all(texts: Sequence[str], encoder: TextEncoder | None = None) -> list[Explanation]:
    """How the compact CLIP reads each text; raises UsageError that names every text that cannot be read."""
    encoder = encoder or bundled_encoder()
    encoder.check_all(texts)
    return [explain(text, encoder) for text in texts]


@cache
def bundled_encoder() -> TextEncoder:
    """The text side of the bundled compact CLIP, loaded once, without open_clip."""
    return load_text_tower()
