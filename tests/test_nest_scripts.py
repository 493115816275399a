"""Random scripts without random numbers: everything recorded is as NEST 3.10 recorded it (see nest_scripts.py)."""

import nest_scripts
import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

import gifpop.nest as nest


@pytest.fixture(scope="module")
def expected():
    with np.load(nest_scripts.DATA) as arrays:
        return dict(arrays)


@pytest.mark.parametrize("seed", nest_scripts.SEEDS)
def test_script(seed, expected):
    records = nest_scripts.run(nest, seed)
    prefix = f"{seed}_"
    assert {prefix + name for name in records} == {name for name in expected if name.startswith(prefix)}
    for name, values in records.items():
        of_nest = expected[prefix + name]
        assert values.dtype == of_nest.dtype, name
        if name.endswith(("senders", "times")):
            assert_array_equal(values, of_nest, err_msg=name)
        else:
            assert_allclose(values, of_nest, rtol=1e-10, atol=1e-9, err_msg=name)
