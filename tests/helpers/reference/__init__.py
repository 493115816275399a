"""The algorithms in plain Python: slow, obvious, and independent of the package.

One step of a mesoscopic population is written down as in Figs. 11 and 12 of Schwalger, Deger & Gerstner (2017), PLoS
Comput Biol 13(4):e1005507, with the choices of NEST 3.10. Cohorts stand in order of age, the oldest first, and move
one place a step. Parameters are dicts in NEST's names and units (mV, ms, pA, pF, 1/s); ``receptors`` names those beside
the excitatory and inhibitory one, each with a ``tau_syn_NAME``.
"""

from tests.helpers.reference.carried import CarriedPopulation
from tests.helpers.reference.drawn import DrawnPopulation
from tests.helpers.reference.neuron import NEURON_DEFAULTS, Neuron, TrapezoidalNeuron
from tests.helpers.reference.plastic import PlasticCarriedPopulation, PlasticDrawnPopulation
from tests.helpers.reference.population import DEFAULTS, AdaptivePopulation, MesoPopulation, history_length, merged
from tests.helpers.reference.replay import replay

__all__ = [
    "DEFAULTS",
    "NEURON_DEFAULTS",
    "AdaptivePopulation",
    "CarriedPopulation",
    "DrawnPopulation",
    "MesoPopulation",
    "Neuron",
    "PlasticCarriedPopulation",
    "PlasticDrawnPopulation",
    "TrapezoidalNeuron",
    "history_length",
    "merged",
    "replay",
]
