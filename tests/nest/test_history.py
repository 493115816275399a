"""gifpop.nest: adaptive histories, which NEST has not."""

import os
import subprocess
import sys

import numpy as np
import pytest
from numpy.testing import assert_allclose

import gifpop as gp
import gifpop.nest as nest
from gifpop.nest import kernel_settings

CELL = {"tau_m": 20.0, "t_ref": 4.0, "I_e": 300.0, "tau_sfa": [100.0, 1000.0], "q_sfa": [10.0, 1.0], "Delta_V": 2.5}


def expected_counts(history):
    """Return ``mean`` of one population and its counts."""
    nest.ResetKernel()
    nest.resolution = 0.5
    nest.gifpop_history = history
    population = nest.Create("gif_pop_psc_exp", params={"N": 500, **CELL})
    meter = nest.Create("multimeter", params={"record_from": ["mean", "n_events"], "interval": 0.5})
    nest.Connect(meter, population)
    nest.Simulate(2000.0)
    return meter.events["mean"], meter.events["n_events"].astype(int)


def test_setting():
    assert nest.gifpop_history == "exact"
    nest.SetKernelStatus({"gifpop_history": "adaptive"})
    assert nest.GetKernelStatus("gifpop_history") == "adaptive"
    nest.ResetKernel()
    assert nest.gifpop_history == "exact"
    with pytest.raises(nest.NESTErrors.BadProperty, match="gifpop_history must be one of 'exact', 'adaptive', got 3"):
        nest.gifpop_history = 3


def test_it_is_gifpops_own():
    mean, counts = expected_counts("adaptive")
    net = gp.Network()
    net.population("P", 500, gp.GIF(**{**CELL, "E_L": 0.0, "V_reset": 0.0}))
    options = {"dt": 0.5, "counts": {"P": counts}, "initial": "nest", "adaptation": "quasi-renewal"}
    own = net.simulate(len(counts) * 0.5, history="adaptive", **options)["P"].mean
    assert_allclose(mean, own, rtol=1e-12, atol=500e-12)
    exact = net.simulate(len(counts) * 0.5, history="exact", **options)["P"].mean
    assert np.max(np.abs(mean - exact)) > 1e-6


def test_populations_keep_the_history_that_they_were_created_with():
    nest.resolution = 0.5
    rows = []
    for history in ("exact", "adaptive"):
        nest.gifpop_history = history
        rows.append(nest.Create("gif_pop_psc_exp", params={"N": 500, **CELL}))
    lengths = []
    for _ in range(2):
        nest.Simulate(50.0)
        lengths.append([population.len_kernel for population in rows])
        for population in rows:
            population.I_e = 350.0
    assert lengths[0] == lengths[1]
    assert lengths[0][0] == lengths[0][1] > 2000
    assert [block.plans[0].cells is None for block in kernel_settings.kernel.nodes.blocks] == [True, False]


@pytest.mark.parametrize(("value", "expected"), [("adaptive", "adaptive"), ("", "exact")])
def test_environment_variable(value, expected, monkeypatch):
    monkeypatch.setenv("GIFPOP_HISTORY", value)
    nest.ResetKernel()
    assert nest.gifpop_history == expected


def test_environment_variable_is_read_at_import(tmp_path):
    message = subprocess.run(
        [sys.executable, "-c", "import gifpop.nest"],
        env={**os.environ, "GIFPOP_HISTORY": "coarse"},
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    ).stderr
    assert "GIFPOP_HISTORY must be one of 'exact', 'adaptive', got 'coarse'" in message
