"""Fast simulation of finite populations of generalized integrate-and-fire (GIF) neurons.

Two faces of one engine: `Network` and `Simulation` here, and NEST's names in `gifpop.nest`.
"""

import importlib.util
import logging

if importlib.util.find_spec("gifpop._core") is None:
    raise ImportError(
        f"gifpop: {__path__[0]} holds sources without compiled modules. To use an installed gifpop, start Python in "
        "another folder; to use this one, build it first: python setup.py build_ext --inplace"
    )

from gifpop import models, plot
from gifpop.app.explorer import explore
from gifpop.both_levels import compare
from gifpop.comparison import Comparison
from gifpop.config import show_config
from gifpop.distributions import Exponential, Lognormal, Normal, Uniform
from gifpop.engine.engine import SimulationError
from gifpop.inputs import DirectCurrent, PoissonSpikes, SpikeTimes, StepCurrent, Waveform
from gifpop.network import Network
from gifpop.parameters import GIF
from gifpop.reductions import PopulationStatistics, TrialStatistics
from gifpop.result import PopulationResult, Result
from gifpop.rules import (
    AllToAll,
    FixedIndegree,
    FixedOutdegree,
    FixedTotalNumber,
    IndegreeFraction,
    OneToOne,
    Pairs,
    PairwiseBernoulli,
)
from gifpop.simulation import Simulation, SimulationInterrupted
from gifpop.spectrum import power_spectrum
from gifpop.sweeps.sweep import SweepInterrupted, sweep
from gifpop.version import __version__

logging.getLogger(__name__).addHandler(logging.NullHandler())  # silent, unless the program that uses gifpop logs

__all__ = [
    "GIF",
    "AllToAll",
    "Comparison",
    "DirectCurrent",
    "Exponential",
    "FixedIndegree",
    "FixedOutdegree",
    "FixedTotalNumber",
    "IndegreeFraction",
    "Lognormal",
    "Network",
    "Normal",
    "OneToOne",
    "Pairs",
    "PairwiseBernoulli",
    "PoissonSpikes",
    "PopulationResult",
    "PopulationStatistics",
    "Result",
    "Simulation",
    "SimulationError",
    "SimulationInterrupted",
    "SpikeTimes",
    "StepCurrent",
    "SweepInterrupted",
    "TrialStatistics",
    "Uniform",
    "Waveform",
    "__version__",
    "compare",
    "explore",
    "models",
    "plot",
    "power_spectrum",
    "show_config",
    "sweep",
]
