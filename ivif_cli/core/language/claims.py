"""The claims that the compact CLIP can read off a picture and out of a text.

Claims of one group exclude each other ("infrared" or "visible"), except that a picture may show several flaws.
"""

GROUPS: dict[str, tuple[str, ...]] = {
    "modality": ("infrared", "visible"),
    "quality": ("clear", "blurry", "noisy", "dark", "faded", "over-exposed"),
    "background": ("detailed", "plain"),
    "objects": ("salient", "dim"),
    "time": ("day", "night"),
    "brightness": ("bright",),
    "contrast": ("contrast",),
}
CLAIMS: tuple[str, ...] = tuple(claim for group in GROUPS.values() for claim in group)
