"""One neuron, step by step."""

import math

NEURON_DEFAULTS = {
    "C_m": 80.0,
    "g_L": 4.0,
    "E_L": -70.0,
    "V_m": -70.0,
    "V_reset": -55.0,
    "Delta_V": 0.5,
    "V_T_star": -35.0,
    "lambda_0": 1.0,
    "t_ref": 4.0,
    "tau_syn_ex": 2.0,
    "tau_syn_in": 2.0,
    "I_e": 0.0,
    "tau_sfa": [],
    "q_sfa": [],
    "tau_stc": [],
    "q_stc": [],
    "receptors": (),
}


class Neuron:
    """One neuron, NEST's ``gif_psc_exp``.

    Parameters
    ----------
    parameters : dict
        What differs from ``NEURON_DEFAULTS``.
    h : float, ms
    budget : float or None
        Hazard (dimensionless) that the neuron takes until it fires: one draw from the standard exponential
        distribution per interval gives the spike probability 1 - exp(-lambda h) in each step. None: spikes only where
        they are forced.
    """

    def __init__(self, parameters, h, budget=None):
        p = self.p = {**NEURON_DEFAULTS, **parameters}
        self.h, self.budget, self.V_m = h, budget, p["V_m"]
        self.I_syn = dict.fromkeys(("ex", "in", *p["receptors"]), 0.0)
        self.sfa, self.stc = [0.0] * len(p["q_sfa"]), [0.0] * len(p["q_stc"])
        self.refractory, self.I_stim = 0, 0.0

    def propagator(self, tau_s):
        """Potential that a current of 1 pA at the beginning of a step, which decays, has left at its end, mV."""
        p, h = self.p, self.h
        tau_m = p["C_m"] / p["g_L"]
        if abs(tau_s - tau_m) < 1e-6 * tau_m:
            return h * math.exp(-h / tau_m) * (1.0 + 0.5 * h * (1.0 / tau_m - 1.0 / tau_s)) / p["C_m"]
        return tau_s * tau_m / (tau_m - tau_s) * (math.exp(-h / tau_m) - math.exp(-h / tau_s)) / p["C_m"]

    def step(self, current=0.0, ex=0.0, inh=0.0, forced=None, **others):
        """Advance one step; return whether the neuron fires.

        ``current`` arrives during the step and acts from the next one on; ``ex``, ``inh`` and ``others``, by name of
        the receptor, are the weights of the spikes that arrive. ``forced`` overrides the neuron's own decision.
        """
        p, h = self.p, self.h
        P = math.exp(-h * p["g_L"] / p["C_m"])
        self.E_sfa, self.I_stc = p["V_T_star"] + sum(self.sfa), sum(self.stc)
        self.sfa = [x * math.exp(-h / tau) for x, tau in zip(self.sfa, p["tau_sfa"], strict=True)]
        self.stc = [x * math.exp(-h / tau) for x, tau in zip(self.stc, p["tau_stc"], strict=True)]
        for receptor, arriving in {"ex": ex, "in": inh, **others}.items():
            decay = math.exp(-h / p[f"tau_syn_{receptor}"])
            self.I_syn[receptor] = self.I_syn[receptor] * decay + arriving
        fires = False
        if self.refractory > 0:
            self.refractory -= 1
            self.V_m = p["V_reset"]
        else:
            total = p["I_e"] + self.I_stim - self.I_stc
            self.V_m = (
                P * self.V_m
                + (1.0 - P) * (p["E_L"] + total / p["g_L"])
                + sum(self.I_syn[receptor] * self.propagator(p[f"tau_syn_{receptor}"]) for receptor in self.I_syn)
            )
            exponent = min((self.V_m - self.E_sfa) / p["Delta_V"], 600.0)
            hazard = 1e-3 * h * p["lambda_0"] * math.exp(exponent)
            if self.budget is not None:
                self.budget -= hazard
                fires = self.budget <= 0.0
        if forced is not None:
            fires = forced
        if fires:
            self.fire()
        self.I_stim = current
        return fires

    def fire(self):
        """Adapt, and be refractory."""
        p = self.p
        self.sfa = [x + q for x, q in zip(self.sfa, p["q_sfa"], strict=True)]
        self.stc = [x + q for x, q in zip(self.stc, p["q_stc"], strict=True)]
        self.refractory = math.ceil(round(p["t_ref"] * 1000) / round(self.h * 1000))


class TrapezoidalNeuron(Neuron):
    """One neuron of gifpop's own face, discretized as populations are; parameters and steps as of `Neuron`."""

    hazard = 0.0  # at the end of the last step, integrated over half a step
    has_fired = False  # in the last step

    def step(self, current=0.0, ex=0.0, inh=0.0, forced=None, **others):
        p, h = self.p, self.h
        tau_m = p["C_m"] / p["g_L"]
        P = math.exp(-h / tau_m)
        self.sfa = [x * math.exp(-h / tau) for x, tau in zip(self.sfa, p["tau_sfa"], strict=True)]
        self.E_sfa = p["V_T_star"] + sum(self.sfa)
        drive = (1.0 - P) * (p["E_L"] + (p["I_e"] + self.I_stim) / p["g_L"])
        for receptor, weight in {"ex": ex, "in": inh, **others}.items():
            # weight / h pA/ms arrive: a constant current of rate tau_s that builds up, but for its beginning
            tau_s = p[f"tau_syn_{receptor}"]
            constant, decay = weight / h * tau_s, math.exp(-h / tau_s)
            drive += constant * (1.0 - P) / p["g_L"]
            drive += (self.I_syn[receptor] - constant) * self.propagator(tau_s)
            self.I_syn[receptor] = constant + (self.I_syn[receptor] - constant) * decay
        drive -= sum(x * self.propagator(tau) for x, tau in zip(self.stc, p["tau_stc"], strict=True))
        self.stc = [x * math.exp(-h / tau) for x, tau in zip(self.stc, p["tau_stc"], strict=True)]
        self.I_stc = sum(self.stc)
        fires, before = False, self.hazard
        if self.has_fired:
            self.V_m = p["V_reset"]
        if self.refractory > 0:
            self.refractory -= 1
            self.V_m, self.hazard = p["V_reset"], 0.0
        else:
            self.V_m = P * self.V_m + drive
            exponent = min((self.V_m - self.E_sfa) / p["Delta_V"], 600.0)
            self.hazard = 0.5e-3 * h * p["lambda_0"] * math.exp(exponent)
        if self.budget is not None:
            self.budget -= before + self.hazard
            fires = self.budget <= 0.0
        if forced is not None:
            fires = forced
        if fires:
            self.fire()
            self.hazard = 0.0
        self.has_fired, self.I_stim = fires, current
        return fires
