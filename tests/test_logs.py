"""What gifpop logs, and that it is silent where nobody listens."""

import logging
import subprocess
import sys

import pytest

import gifpop as gp

SILENT = """
import gifpop as gp
net = gp.models.brunel()
gp.Simulation(net, dt=0.5, seed=1, initial="stationary").run(100.0)
net.simulate(10.0, dt=0.5, trials=3, seed=1)
import logging
logging.getLogger("gifpop.sweeps.sweep").warning("nobody listens")
"""


def test_nothing_is_printed_unless_asked_for(tmp_path):
    process = subprocess.run([sys.executable, "-c", SILENT], cwd=tmp_path, capture_output=True, text=True, check=True)
    assert process.stdout + process.stderr == ""


def test_runs_say_what_they_do(caplog, tmp_path):
    caplog.set_level(logging.DEBUG, "gifpop")
    sim = gp.Simulation(gp.models.brunel(), dt=0.5, seed=1, initial="stationary")
    sim.run(100.0)
    sim.save(tmp_path / "network.npz")
    gp.models.brunel().simulate(10.0, dt=0.5, trials=3, seed=1)
    text = caplog.text
    for expected in (
        "stationary state found",
        "built <gifpop.Simulation: 2 populations",
        "ran 200 of 200 steps",
        "saved <gifpop.Simulation",
        "3 of 3 trials",
    ):
        assert expected in text
    assert {record.levelname for record in caplog.records if record.name.startswith("gifpop")} == {"DEBUG"}


def _build(I_e):
    if I_e > 400.0:
        raise ValueError("no such network")
    net = gp.Network()
    net.population("E", 100, gp.GIF(I_e=I_e))
    return net


def test_failed_points_are_logged_when_they_fail(caplog):
    pytest.importorskip("zarr", "3.1", reason="needs Python 3.11")
    with pytest.warns(UserWarning, match="1 of 2 points failed"):
        gp.sweep(_build, {"I_e": [300.0, 500.0]}, {"duration": 10.0, "dt": 0.5}, seed=1, workers=1)
    logged = [(r.levelname, r.getMessage()) for r in caplog.records if r.name == "gifpop.sweeps.sweep"]
    assert ("WARNING", "I_e=500.0 failed: build: ValueError: no such network") in logged
