"""From a PyTorch module to its layers: it runs once, and its operators are watched."""
