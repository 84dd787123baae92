"""Networks as ONNX or torch.export files."""
