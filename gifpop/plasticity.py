"""Short-term plasticity of connections."""

from __future__ import annotations

from dataclasses import dataclass
from typing import get_args

from gifpop.common import checks
from gifpop.common.typing import PlasticityForm


@dataclass(frozen=True)
class TsodyksMarkram:
    """Depression and facilitation (Tsodyks & Markram 1997; Tsodyks, Pawelzik & Markram 1998).

    Each source neuron has resources x, of which each of its spikes releases the share u, for all of its connections to
    the target population alike. A spike arrives with the weight times u x. Then resources recover and u falls back:

        at a spike:       x <- x - u x,               u <- u + U (1 - u)
        between spikes:   tau_rec dx/dt = 1 - x,      tau_fac du/dt = U - u

    In the beginning x = 1 and u = U.

    Parameters
    ----------
    U : float
        Share that a spike releases after a long pause, in [0, 1].
    tau_rec : float, ms
        Time constant of recovery, > 0.
    tau_fac : float, ms
        Time constant with which facilitation ends, >= 0; 0: none, u stays U.
    form : {"carried", "mean-field"}
        Where the source is a mesoscopic population, who its x and u belong to. ``"carried"``: to those who fired
        together, whose cohorts carry their means and covariances until they fire again. ``"mean-field"``: to all of its
        neurons alike, as if which of them fires were independent of x and u. Neurons have their own in either case.

    Raises
    ------
    TypeError, ValueError
        If a value violates its condition.

    Notes
    -----
    The equations are those of NEST's ``tsodyks2_synapse``, which has a state for each connection; all connections of a
    neuron see the same spikes, so that one state for each neuron gives the same.

    Examples
    --------
    >>> import gifpop as gp
    >>> net = gp.Network()
    >>> E = net.population("E", 500, gp.GIF(I_e=300.0))
    >>> depressing = net.connect(E, E, weight=20.0, plasticity=gp.TsodyksMarkram(U=0.5, tau_rec=800.0))
    """

    U: float
    tau_rec: float
    tau_fac: float = 0.0
    form: PlasticityForm = "carried"

    def __post_init__(self) -> None:
        object.__setattr__(self, "U", checks.number("TsodyksMarkram.U", self.U, "in [0, 1]"))
        object.__setattr__(self, "tau_rec", checks.number("TsodyksMarkram.tau_rec", self.tau_rec, "> 0", "ms"))
        object.__setattr__(self, "tau_fac", checks.number("TsodyksMarkram.tau_fac", self.tau_fac, ">= 0", "ms"))
        object.__setattr__(self, "form", checks.choice("TsodyksMarkram.form", self.form, get_args(PlasticityForm)))
