"""What the text tower made of a wish, for the page."""

from typing import Any

from ivif_cli.core.viewing.wish import Wish


def understood(wish: Wish) -> dict[str, Any]:
    """What was read out of the text: {"understood": "salient 0.62, bright 0.21", "warnings": [...]}."""
    if not wish.text:
        return {"understood": "", "warnings": []}
    from ivif_cli.core.language.explain import explain

    explanation = explain(wish.text)
    return {"understood": explanation.line(), "warnings": explanation.warnings()}
