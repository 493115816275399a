"""Random scripts without random numbers: everything recorded is as NEST 3.10 recorded it."""

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

import gifpop.nest as nest
from tests.helpers import (
    nest_certain_scripts,
    nest_device_scripts,
    nest_neuron_scripts,
    nest_plasticity_scripts,
    nest_receptor_scripts,
    nest_relay_scripts,
    nest_scripts,
    nest_weight_scripts,
)

ALL = (
    nest_scripts,
    nest_weight_scripts,
    nest_neuron_scripts,
    nest_plasticity_scripts,
    nest_receptor_scripts,
    nest_relay_scripts,
    nest_device_scripts,
    nest_certain_scripts,
)
SCRIPTS = [(scripts, seed) for scripts in ALL for seed in scripts.SEEDS]


@pytest.fixture(scope="module")
def expected():
    """Load what NEST recorded, by module of scripts."""
    arrays = {}
    for scripts in ALL:
        with np.load(scripts.DATA) as file:
            arrays[scripts] = dict(file)
    return arrays


@pytest.mark.parametrize(("scripts", "seed"), SCRIPTS, ids=[f"{scripts.__name__}-{seed}" for scripts, seed in SCRIPTS])
def test_script(scripts, seed, expected):
    records = scripts.run(nest, seed)
    prefix, of_nest = f"{seed}_", expected[scripts]
    assert {prefix + name for name in records} == {name for name in of_nest if name.startswith(prefix)}
    for name, values in records.items():
        theirs = of_nest[prefix + name]
        assert values.dtype == theirs.dtype, name
        if name.endswith(("senders", "times")):
            assert_array_equal(values, theirs, err_msg=name)
        else:
            assert_allclose(values, theirs, rtol=1e-10, atol=1e-9, err_msg=name)
