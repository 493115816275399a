"""A mesoscopic population, step by step: with all its cohorts, or with an adaptive history."""

import math

import numpy as np

DEFAULTS = {
    "N": 100,
    "C_m": 250.0,
    "tau_m": 20.0,
    "t_ref": 4.0,
    "lambda_0": 10.0,
    "Delta_V": 2.0,
    "len_kernel": -1,
    "I_e": 0.0,
    "V_reset": 0.0,
    "V_T_star": 15.0,
    "E_L": 0.0,
    "V_m": 0.0,
    "tau_syn_ex": 3.0,
    "tau_syn_in": 6.0,
    "BinoRand": True,
    "tau_sfa": [300.0],
    "q_sfa": [0.5],
    "I_syn_ex": 0.0,
    "I_syn_in": 0.0,
    "receptors": (),
}


def history_length(p, h):
    """Automatic number of cohorts."""

    def theta(K):
        return sum(q * math.exp(-K * h / tau) for q, tau in zip(p["q_sfa"], p["tau_sfa"], strict=True))

    K = int(20000.0 / h)
    while theta(K) / p["Delta_V"] < 0.1 and K > int(5.0 * p["tau_m"] / h):
        K -= 1
    if K * h <= p["t_ref"]:
        K = int(p["t_ref"] / h) + 1
    return K


class MesoPopulation:
    """One mesoscopic population.

    Parameters
    ----------
    parameters : dict
        What differs from ``DEFAULTS``.
    h : float, ms
    initial_potential : float, mV
        Of all cohorts.
    nest_index_error : bool
        Subtract, as NEST does, not the oldest count from the free threshold but the one at storage index 0, which
        is filled anew every K steps.
    smooth : bool
        Expected counts are smooth functions of the parameters.
    """

    def __init__(self, parameters, h, initial_potential=0.0, nest_index_error=False, smooth=False):
        p = self.p = {**DEFAULTS, **parameters}
        self.h, self.nest_index_error, self.smooth = h, nest_index_error, smooth
        self.nobody = 1e-24 if smooth else LEAST_SURVIVORS
        self.least = 1e-8 if smooth else 0.0  # added to what there may be nothing of, and which is divided by
        self.tau, self.q = np.array(p["tau_sfa"], dtype=float), np.array(p["q_sfa"], dtype=float)
        self.K = K = p["len_kernel"] if p["len_kernel"] > 0 else history_length(p, h)
        self.k_ref = math.ceil(round(p["t_ref"] * 1000) / round(h * 1000))
        age = np.arange(K, 0, -1)
        self.theta = np.array([np.sum(self.q * np.exp(-a * h / self.tau)) for a in age])
        self.quasi = p["Delta_V"] * (1.0 - np.exp(-self.theta / p["Delta_V"])) / p["N"]
        self.V_m = p["V_m"]
        self.I_syn = {receptor: p.get(f"I_syn_{receptor}", 0.0) for receptor in ("ex", "in", *p["receptors"])}
        self.g = np.zeros(len(self.tau))
        self.x = self.z = self.hazard_free = 0.0
        self.n, self.m, self.v, self.hazard = np.zeros(K), np.zeros(K), np.zeros(K), np.zeros(K)
        self.u = np.full(K, float(initial_potential))
        self.n[-1] = self.m[-1] = p["N"]
        self.steps, self.count_at_index_0 = 0, 0.0

    def synapse(self, receptor, w):
        """Integrate one synaptic current over the step in which the weighted spikes w arrive; return its drive."""
        p, h = self.p, self.h
        tau_m, tau_s = p["tau_m"], p[f"tau_syn_{receptor}"]
        P, e = math.exp(-h / tau_m), math.exp(-h / tau_s)
        a = w / h * tau_s / p["C_m"]
        y = self.I_syn[receptor] / p["C_m"]
        if tau_s == tau_m:
            drive = h * e * y + a * (tau_s * (1.0 - e) - h * e)
        else:
            drive = tau_m * (a + (tau_s * e * (y - a) - P * (tau_s * y - tau_m * a)) / (tau_s - tau_m))
        self.I_syn[receptor] = (a + (y - a) * e) * p["C_m"]
        return drive

    def parted(self, integral):
        """Return which fraction of a cohort fires, given its integrated hazard, and which does not."""
        if self.smooth:
            return -np.expm1(-integral), np.exp(-integral)
        prob = np.where(integral > 0.01, 1.0 - np.exp(-integral), integral)
        return prob, 1.0 - prob

    def expect(self, current=0.0, ex=0.0, inh=0.0, **others):
        """Advance to the end of the step, all but the new spikes; return their expected number.

        ``others``: weighted spikes at other receptors, by name.
        """
        p, h, K = self.p, self.h, self.K
        N, c, Delta, E_L = p["N"], p["lambda_0"], p["Delta_V"], p["E_L"]
        P = math.exp(-h / p["tau_m"])
        H = (p["I_e"] + current) * p["tau_m"] / p["C_m"] * (1.0 - P) + E_L
        H += sum(self.synapse(receptor, w) for receptor, w in {"ex": ex, "in": inh, **others}.items())
        self.V_m = (self.V_m - E_L) * P + H

        Q = np.exp(-h / self.tau)
        self.g = self.g * Q + (1.0 - Q) * self.n[0] / (N * h)
        theta_free = p["V_T_star"] + np.sum(self.q * self.tau * np.exp(-K * h / self.tau) * self.g)
        hazard = c * math.exp((self.V_m - theta_free) / Delta)
        P_free = 1.0 - math.exp(-0.5e-3 * h * (self.hazard_free + hazard))
        self.hazard_free = hazard
        subtracted = self.count_at_index_0 if self.nest_index_error else self.n[0]
        self.E_sfa = theta_free - subtracted * self.quasi[0]

        X = np.sum(self.m)
        active = slice(0, K - self.k_ref)
        earlier = np.cumsum(np.concatenate(([self.E_sfa], self.n * self.quasi)))[:-1]
        theta = (self.theta + earlier)[active]
        self.u[active] = (self.u[active] - E_L) * P + H
        hazard = c * np.exp((self.u[active] - theta) / Delta)
        prob, stay = self.parted(0.5e-3 * h * (self.hazard[active] + hazard))
        self.hazard[active] = hazard
        m, v = self.m[active], self.v[active]
        Y, Z, W = np.sum(prob * v), np.sum(v), np.sum(prob * m)
        self.v[active] = stay**2 * v + prob * m
        self.m[active] = stay * m

        Z += self.least
        p_corr = (Y + P_free * self.z) / (Z + self.z) if Z + self.z > 0.0 else 0.0
        self.mean = W + P_free * self.x + p_corr * (N - X - self.x)
        self.z = (1.0 - P_free) ** 2 * self.z + P_free * self.x + self.v[0]
        self.x = (1.0 - P_free) * self.x + self.m[0]
        return self.mean

    def emit(self, count):
        """Start a new cohort in the place of the oldest."""
        for array, value in (
            (self.n, count),
            (self.m, count),
            (self.v, 0.0),
            (self.u, self.p["V_reset"]),
            (self.hazard, 0.0),
        ):
            array[:-1] = array[1:].copy()
            array[-1] = value
        if self.steps % self.K == 0:
            self.count_at_index_0 = count
        self.steps += 1


class AdaptivePopulation(MesoPopulation):
    """One mesoscopic population whose old cohorts are merged into cells (docs/history.md).

    Parameters
    ----------
    parameters, h, initial_potential : see `MesoPopulation`
    window : int
        Young cohorts that stay apart.
    widest : sequence of int
        Steps that a cell may span, by the age of its youngest cohort.
    every : int
        Steps between two rounds of merging.
    """

    def __init__(self, parameters, h, initial_potential, window, widest, every, smooth=False):
        super().__init__({**parameters, "len_kernel": window}, h, initial_potential, smooth=smooth)
        self.widest, self.every, self.cells, self.left = widest, every, [], np.zeros(len(self.tau))

    def expect(self, current=0.0, ex=0.0, inh=0.0, **others):
        """Advance to the end of the step, all but the new spikes; return their expected number.

        ``others``: weighted spikes at other receptors, by name.
        """
        p, h = self.p, self.h
        N, c, Delta, E_L = p["N"], p["lambda_0"], p["Delta_V"], p["E_L"]
        P = math.exp(-h / p["tau_m"])
        H = (p["I_e"] + current) * p["tau_m"] / p["C_m"] * (1.0 - P) + E_L
        H += sum(self.synapse(receptor, w) for receptor, w in {"ex": ex, "in": inh, **others}.items())
        self.V_m = (self.V_m - E_L) * P + H

        self.left *= np.exp(-h / self.tau)
        self.E_sfa = before = p["V_T_star"] + np.sum(self.q * self.left)
        hazard = c * math.exp((self.V_m - before) / Delta)
        P_free = 1.0 - math.exp(-0.5e-3 * h * (self.hazard_free + hazard))
        self.hazard_free = hazard

        W = Y = Z = 0.0
        X = np.sum(self.m) + sum(cell["m"] for cell in self.cells)
        cohorts = [
            {
                "n": self.n[i],
                "m": self.m[i],
                "v": self.v[i],
                "u": self.u[i],
                "hazard": self.hazard[i],
                "own": 0.0,
                "width": 1,
                "traces": np.exp(-(self.K - i) * h / self.tau),
            }
            for i in range(self.K)
        ]
        for cell in self.cells:
            cell["traces"] = cell["traces"] * np.exp(-h / self.tau)
        for cell in self.cells + cohorts[: self.K - self.k_ref]:
            own = np.sum(self.q * cell["traces"])
            leaves = cell["n"] * Delta * (1.0 - math.exp(-own / Delta)) / N
            cell["u"] = (cell["u"] - E_L) * P + H
            hazard = c * math.exp((cell["u"] - own - before - cell["own"] * leaves) / Delta)
            before += leaves
            prob, stay = self.parted(0.5e-3 * h * (cell["hazard"] + hazard))
            cell["hazard"] = hazard
            W, Y, Z = W + prob * cell["m"], Y + prob * cell["v"], Z + cell["v"]
            cell["v"] = stay**2 * cell["v"] + prob * cell["m"]
            cell["m"] = stay * cell["m"]
        for i, cohort in enumerate(cohorts):
            self.m[i], self.v[i], self.u[i], self.hazard[i] = (cohort[name] for name in ("m", "v", "u", "hazard"))

        Z += self.least
        p_corr = (Y + P_free * self.z) / (Z + self.z) if Z + self.z > 0.0 else 0.0
        self.mean = W + P_free * self.x + p_corr * (N - X - self.x)
        self.z = (1.0 - P_free) ** 2 * self.z + P_free * self.x
        self.x = (1.0 - P_free) * self.x
        self.cells.append(cohorts[0])
        return self.mean

    def emit(self, count):
        """Start a new cohort in the place of the oldest, and merge cells every few steps."""
        super().emit(count)
        if self.steps % self.every == 0:
            self.merge()

    def merge(self):
        """Merge from the oldest on; cells that are older than the history join the free neurons."""
        old, self.cells = self.cells, []
        age = self.K + 1 + sum(cell["width"] for cell in old)
        for cell in old:
            age -= cell["width"]
            if age >= len(self.widest):
                self.x, self.z = self.x + cell["m"], self.z + cell["v"]
                self.left = self.left + cell["n"] / self.p["N"] * cell["traces"]
            elif self.cells and self.cells[-1]["width"] + cell["width"] <= self.widest[age]:
                self.cells[-1] = merged(self.cells[-1], cell)
            else:
                self.cells.append(cell)


def merged(old, young):
    """Return a cell that holds two neighbours."""
    both = {name: old[name] + young[name] for name in ("n", "m", "v", "width")}
    a = old["m"] / both["m"] if both["m"] > 0.0 else 0.5
    b = old["n"] / both["n"] if both["n"] > 0.0 else 0.5
    for name in ("u", "hazard"):
        both[name] = a * old[name] + (1.0 - a) * young[name]
    both["traces"] = b * old["traces"] + (1.0 - b) * young["traces"]
    # the survivors of `young` have seen all spikes of `old`, and those of `old` none of `young`
    both["own"] = a * b * old["own"] + (1.0 - a) * (b + (1.0 - b) * young["own"])
    return both


LEAST_SURVIVORS = 1e-10  # neurons; a cohort of fewer joins the free ones
