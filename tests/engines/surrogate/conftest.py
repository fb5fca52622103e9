"""All tests here need PyTorch."""

import pytest

pytest.importorskip("torch.nn", reason="PyTorch is not installed")
