"""Fast simulation of finite populations of generalized integrate-and-fire (GIF) neurons.

Two faces of one engine: `Network` and `Simulation` here, and NEST's names in `gifpop.nest`.
"""

import importlib.util
import logging
from typing import TYPE_CHECKING

if importlib.util.find_spec("gifpop._core") is None:
    raise ImportError(
        f"gifpop: {__path__[0]} holds sources without compiled modules. To use an installed gifpop, start Python in "
        "another folder; to use this one, build it first: python setup.py build_ext --inplace"
    )

from gifpop import models
from gifpop.assembly.run import SimulationInterrupted
from gifpop.comparison import Comparison
from gifpop.distributions import Exponential, Lognormal, Normal, Uniform
from gifpop.engine.engine import SimulationError
from gifpop.inputs import (
    DirectCurrent,
    NoiseCurrent,
    OUCurrent,
    PoissonSpikes,
    SineCurrent,
    SpikeTimes,
    StepCurrent,
    Waveform,
)
from gifpop.network import Network
from gifpop.parameters import GIF
from gifpop.plasticity import TsodyksMarkram
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
from gifpop.simulation import Simulation
from gifpop.spectrum import power_spectrum
from gifpop.version import __version__

if TYPE_CHECKING:
    from gifpop import plot
    from gifpop.app.window import explore
    from gifpop.both_levels import compare
    from gifpop.config import show_config
    from gifpop.sweeps.sweep import SweepInterrupted, sweep

MODULE_OF = {  # names that are imported on first use, since their modules are slow to import
    "SweepInterrupted": "gifpop.sweeps.sweep",
    "compare": "gifpop.both_levels",
    "explore": "gifpop.app.window",
    "plot": "gifpop.plot",
    "show_config": "gifpop.config",
    "sweep": "gifpop.sweeps.sweep",
}

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
    "NoiseCurrent",
    "Normal",
    "OUCurrent",
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
    "SineCurrent",
    "SpikeTimes",
    "StepCurrent",
    "SweepInterrupted",
    "TrialStatistics",
    "TsodyksMarkram",
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


def __getattr__(name: str) -> object:
    """Import a name of `MODULE_OF`."""
    if name not in MODULE_OF:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    module = importlib.import_module(MODULE_OF[name])
    value = module if MODULE_OF[name] == f"{__name__}.{name}" else getattr(module, name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *MODULE_OF})
