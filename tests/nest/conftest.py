"""A kernel for each test."""

import pytest

import gifpop.nest as nest


@pytest.fixture(autouse=True)
def fresh_kernel(request):
    """Reset the kernel before a test and after it; its resolution is the module's H, if it has one."""
    nest.ResetKernel()
    resolution = getattr(request.module, "H", None)
    if resolution is not None:
        nest.resolution = resolution
    yield
    nest.ResetKernel()
