"""A kernel for each test."""

import pytest

import gifpop.nest as nest


@pytest.fixture
def fresh_kernel():
    """Reset the kernel before a test and after it."""
    nest.ResetKernel()
    yield
    nest.ResetKernel()
