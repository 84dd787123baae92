"""How the text tower reads held-out sentences: which claim comes first, and what is taken for what."""

import csv
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from ivif_cli.core.errors import UsageError
from ivif_cli.core.language.claims import CLAIMS
from ivif_cli.core.language.text_tower import TextEncoder

BARS = {"first": 0.85, "second": 0.95, "negated": 0.80}


@dataclass(frozen=True)
class Sentence:
    """A sentence, the claims that it makes (any of them counts as right), and whether it negates something."""

    text: str
    claims: tuple[str, ...]
    negated: bool


@dataclass(frozen=True)
class Confusion:
    """Shares of sentences read right, and how often a claim was read as another: (wanted, read) -> sentences."""

    sentences: int
    first: float
    second: float
    negated: float
    counts: dict[tuple[str, str], int]

    def missed(self) -> list[str]:
        """The bars that are not reached, in words."""
        found = {"first": self.first, "second": self.second, "negated": self.negated}
        return [f"sentences, {name} {found[name]:.1%} < {bar:.0%}" for name, bar in BARS.items() if found[name] < bar]


def read_sentences(path: Path) -> list[Sentence]:
    """Sentences of a tab-separated file with columns claims (commas between), negated (yes or no), sentence."""
    with path.open(encoding="utf-8", newline="") as stream:
        return [
            Sentence(row["sentence"], tuple(row["claims"].split(",")), row["negated"] == "yes")
            for row in csv.DictReader(stream, delimiter="\t", quoting=csv.QUOTE_NONE)
        ]


def score_sentences(encoder: TextEncoder, sentences: Sequence[Sentence]) -> Confusion:
    """Read every sentence; one that is refused counts as read wrong."""
    ranked = [_ranking(encoder, sentence.text) for sentence in sentences]
    first = [bool(order) and order[0] in s.claims for order, s in zip(ranked, sentences, strict=True)]
    second = [bool(set(order[:2]) & set(s.claims)) for order, s in zip(ranked, sentences, strict=True)]
    negated = [hit for hit, sentence in zip(first, sentences, strict=True) if sentence.negated]
    counts: Counter[tuple[str, str]] = Counter()
    for order, sentence in zip(ranked, sentences, strict=True):
        read = order[0] if order else "refused"
        counts[read if read in sentence.claims else sentence.claims[0], read] += 1
    shares = [sum(hits) / len(hits) if hits else float("nan") for hits in (first, second, negated)]
    return Confusion(len(sentences), shares[0], shares[1], shares[2], dict(counts))


def _ranking(encoder: TextEncoder, text: str) -> list[str]:
    try:
        strengths = encoder.claim_strengths(text)
    except UsageError:
        return []
    return sorted(CLAIMS, key=lambda claim: -strengths[claim])
