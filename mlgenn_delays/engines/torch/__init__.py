"""The engine of surrogate gradients, on PyTorch."""
