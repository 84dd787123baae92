"""Networks as ONNX or torch.export files, and fusing with them."""
