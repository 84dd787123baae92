"""Print how well the compact CLIP reads what it never saw, and write its model card.

python -m tools.compact_clip.report_card --data ../shared/data/test --published ../shared/data/published/TNO [--card]
"""

import argparse
from pathlib import Path

import cv2
import torch

from ivif_cli.core.language.encoder import COMPACT_WEIGHTS, load_encoder
from ivif_cli.core.weights import bundled, read_weights
from tools.compact_clip.card import as_markdown, model_card
from tools.compact_clip.report import make_report

REPOSITORY = Path(__file__).resolve().parents[2]
SENTENCES = REPOSITORY / "tests/language/heldout_sentences.tsv"


def main() -> None:
    """Command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, default=Path("../shared/data/test"))
    parser.add_argument("--published", type=Path, default=Path("../shared/data/published/TNO"))
    parser.add_argument("--sentences", type=Path, default=SENTENCES, help="held-out sentences")
    parser.add_argument("--labels", type=Path, default=Path("../shared/data/labels/MSRS/test"), help="people and cars")
    parser.add_argument("--card", action="store_true", help="write weights/compact-clip.md as well")
    parser.add_argument("--clip-weights", type=Path, help="another compact CLIP")
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    cv2.setNumThreads(1)
    encoder = load_encoder(weights=arguments.clip_weights)
    published = arguments.published if arguments.published.is_dir() else None
    sentences = arguments.sentences if arguments.sentences.is_file() else None
    labels = arguments.labels if arguments.labels.is_dir() else None
    report = make_report(encoder, arguments.data, published, sentences, labels)
    print(as_markdown(report))
    if arguments.card:
        _, metadata = read_weights(arguments.clip_weights or bundled(COMPACT_WEIGHTS))
        (REPOSITORY / "weights/compact-clip.md").write_text(model_card(report, metadata))


if __name__ == "__main__":
    main()
