"""From an ONNX file to its layers, without torch."""
