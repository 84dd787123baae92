"""Names and bounds that options take, for completion and `ivif info`, where loading what they name would take seconds.

A test holds them to the registries.
"""

MODELS = ("base", "fast")
GOALS = (
    *("default", "bright", "dark", "detailed", "plain", "salient", "dim"),
    *("contrast", "faded", "infrared", "visible"),
)
STRONGEST = 3.0
"""Most that a goal may be exaggerated by."""
DIALS = ("bright", "detailed", "salient", "contrast", "infrared")
DEVICES = ("auto", "cpu", "cuda", "cuda:0", "mps")
PRECISIONS = ("auto", "fp32", "bf16", "fp16")
DATASETS = (
    *("TNO", "RoadScene", "MSRS", "M3FD", "LLVIP", "VIFB", "FMB", "MFNet", "PST900", "KAIST", "FLIR"),
    *("CVC-14", "VTUAV"),
)
CONVENTIONS = ("ivif", "matlab", "cddfuse", "vifb", "ivif-zoo")
METRICS = (
    *("EN", "SD", "SF", "MI", "VIF", "Qabf", "AG", "CC", "SCD", "MSE", "PSNR", "SSIM", "MS-SSIM", "Nabf", "FMI"),
    *("K", "K_ir", "K_vis", "X", "X_ir", "X_vis", "L", "N", "TD", "T_ir", "even", "rings", "clipped", "LDS", "Flicker"),
)
METRIC_GROUPS = ("six", "default", "kept", "clean", "all")
PICTURES = ("png", "tif", "jpg", "bmp")
RESULTS = ("table", "json", "csv", "markdown", "latex")
