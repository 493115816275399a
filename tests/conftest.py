"""Fixtures that several test modules use."""

import hypothesis
import pytest

from gifpop import instruction_set

hypothesis.settings.register_profile("fixed", derandomize=True, deadline=None)
hypothesis.settings.load_profile("fixed")


@pytest.fixture(params=instruction_set.available())
def loops(request, monkeypatch):
    """Each variant of the innermost loops in turn."""
    monkeypatch.setenv(instruction_set.VARIABLE, request.param)
    instruction_set.select()
    yield request.param
    monkeypatch.undo()
    instruction_set.select()
