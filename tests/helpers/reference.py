"""The algorithms in plain Python: slow, obvious, and independent of the package.

One step of a mesoscopic population is written down as in Figs. 11 and 12 of Schwalger, Deger & Gerstner (2017), PLoS
Comput Biol 13(4):e1005507, with the choices of NEST 3.10. Cohorts stand in order of age, the oldest first, and move
one place a step. Parameters are dicts in NEST's names and units (mV, ms, pA, pF, 1/s); ``receptors`` names those beside
the excitatory and inhibitory one, each with a ``tau_syn_NAME``.
"""

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


class CarriedPopulation(MesoPopulation):
    """One mesoscopic population whose cohorts carry the adaptation of their members (docs/closures.md).

    A neuron's state x has the threshold of each ``tau_sfa`` (mV), the current of each ``tau_stc``, what each of its
    synaptic currents is above the mean (pA), and what these currents have added to its potential (mV). Cohorts and free
    neurons have mean and covariance of x.

    Parameters
    ----------
    parameters, h, initial_potential : see `MesoPopulation`
        ``tau_stc`` and ``q_stc`` in addition.
    cells : dict or None
        ``window``, ``widest`` and ``every`` of an adaptive history (see `AdaptivePopulation`).
    capacity : dict or None
        For each receptor, the variance between neurons (pA^2) that all neurons would bring which samples of the spikes
        are drawn from, if each fired once.
    """

    def __init__(self, parameters, h, initial_potential=0.0, cells=None, capacity=None, smooth=False):
        window = {} if cells is None else {"len_kernel": cells["window"]}
        super().__init__({"tau_stc": [], "q_stc": [], **parameters, **window}, h, initial_potential, smooth=smooth)
        p, self.adaptive = self.p, cells
        P = math.exp(-h / p["tau_m"])
        thresholds, currents = len(p["tau_sfa"]), len(p["tau_stc"])
        receptors = ("ex", "in", *p["receptors"])
        self.size = thresholds + currents + len(receptors) + 1
        syn = thresholds + currents  # place of the first synaptic current; the potential is last
        decay = np.exp(-h / np.array([*p["tau_sfa"], *p["tau_stc"]]))
        self.flow = np.diag([*decay, *np.zeros(len(receptors)), P])
        for s, tau in enumerate(p["tau_stc"]):
            self.flow[-1, thresholds + s] = -self.left_by(tau)
        self.noise = {}
        for s, receptor in enumerate(receptors, syn):
            tau = p[f"tau_syn_{receptor}"]
            self.flow[s, s], self.flow[-1, s] = math.exp(-h / tau), self.left_by(tau)
            self.noise[receptor] = np.zeros(self.size)
            self.noise[receptor][s] = tau / h * (1.0 - math.exp(-h / tau))  # arriving evenly over the step
            spread = p["tau_m"] * (1.0 - P) - self.left_by(tau) * p["C_m"]
            self.noise[receptor][-1] = tau / h * spread / p["C_m"]
        # spikes that only raise thresholds and lower potentials take something from every hazard
        self.least_lift = 0.0 if capacity is None and min([*p["q_sfa"], *p["q_stc"]], default=0.0) >= 0.0 else -np.inf
        self.capacity, self.recent = capacity, dict.fromkeys(receptors, 0.0)
        self.jump = np.array([*p["q_sfa"], *p["q_stc"], *np.zeros(len(receptors) + 1)])
        self.slope = np.array([1.0] * thresholds + [0.0] * (self.size - thresholds - 1) + [-1.0]) / p["Delta_V"]
        self.free = {"m": 0.0, "v": 0.0, "hazard": 0.0, **self.nothing()}
        self.fired = self.nothing()
        self.cohorts, self.cells, self.sfa, self.emitted = [], [], np.zeros(thresholds), p["N"]
        for _ in range(self.K - 1):
            self.start(0.0, float(initial_potential))
            self.cohorts[-1]["x"][:] = 0.0
        self.start(p["N"], float(initial_potential))

    def nothing(self):
        return {"x": np.zeros(self.size), "C": np.zeros((self.size, self.size))}

    def left_by(self, tau):
        """Potential that a current of 1 pA at the beginning of a step, decaying with tau, has left at its end, mV."""
        tau_m, C_m = self.p["tau_m"], self.p["C_m"]
        if tau == tau_m:
            return self.h * math.exp(-self.h / tau_m) / C_m
        return tau_m * tau / (tau - tau_m) * (math.exp(-self.h / tau) - math.exp(-self.h / tau_m)) / C_m

    def start(self, count, potential):
        """Add the cohort of those that have just fired."""
        x, C = self.fired["x"] + self.jump, self.fired["C"].copy()
        x[-1] = C[-1, :] = C[:, -1] = 0.0
        self.cohorts.append({"m": count, "v": 0.0, "u": potential, "hazard": 0.0, "x": x, "C": C, "width": 1})

    def expect(self, current=0.0, ex=0.0, inh=0.0, ex_variance=0.0, in_variance=0.0, variances=(), **others):
        """Advance to the end of the step, all but the new spikes; return their expected number.

        The variances (pA^2) are those of the weighted spikes that reach single neurons, if spikes were independent;
        ``variances``, a dict, those at other receptors.
        """
        p, h = self.p, self.h
        N, E_L, P = p["N"], p["E_L"], math.exp(-h / p["tau_m"])
        H = (p["I_e"] + current) * p["tau_m"] / p["C_m"] * (1.0 - P) + E_L
        H += sum(self.synapse(receptor, w) for receptor, w in {"ex": ex, "in": inh, **others}.items())
        self.V_m = (self.V_m - E_L) * P + H
        self.sfa = (self.sfa + self.emitted / N) * np.exp(-h / self.tau)
        self.E_sfa = p["V_T_star"] + np.sum(self.q * self.sfa)
        arriving = sum(
            self.left_of(variance, receptor) * np.outer(self.noise[receptor], self.noise[receptor])
            for receptor, variance in {"ex": ex_variance, "in": in_variance, **dict(variances)}.items()
        )

        groups = self.cells + self.cohorts
        refractory = groups[len(groups) - self.k_ref :]
        X, Z = sum(c["m"] for c in groups) + self.free["m"], sum(c["v"] for c in groups) + self.free["v"]
        W = Y = 0.0
        fired = self.nothing()
        for c in [*groups, self.free]:
            c["x"], c["C"] = self.flow @ c["x"], self.flow @ c["C"] @ self.flow.T + arriving
            if any(c is other for other in refractory):
                c["x"][-1] = c["C"][-1, :] = c["C"][:, -1] = 0.0
                continue
            if c is not self.free:
                c["u"] = (c["u"] - E_L) * P + H
            u = self.V_m if c is self.free else c["u"]
            v = c["C"] @ self.slope
            r = self.slope @ v
            lift = max(self.slope @ c["x"] - 0.5 * r, self.least_lift)
            hazard = p["lambda_0"] * math.exp((u - p["V_T_star"]) / p["Delta_V"] - lift)
            integral = 0.5e-3 * h * (c["hazard"] + hazard)
            prob, stay = self.parted(integral)
            if c is self.free:
                prob, stay = -math.expm1(-integral), math.exp(-integral)
            c["hazard"] = hazard
            negligible = 1e-12 * self.slope**2 @ np.diag(c["C"])  # what rounding leaves of a spread
            if self.smooth:
                r = max(r, 0.0)
                share = r / ((r + negligible + 1e-300) * (stay + 1e-6 + prob * r))
            else:
                share = 1.0 / (max(1.0 - prob, 1e-6) + prob * r) if r > negligible else 0.0
            those = c["x"] - (1.0 - prob) * share * v
            spread = c["C"] + (1.0 - prob) * share * (1.0 - share) * np.outer(v, v)
            fired["x"] += prob * c["m"] * those
            fired["C"] += prob * c["m"] * (spread + np.outer(those, those))
            c["x"] = c["x"] + prob * share * v
            c["C"] = c["C"] - prob * share * np.outer(v, v)
            W, Y = W + prob * c["m"], Y + prob * c["v"]
            c["v"] = stay**2 * c["v"] + prob * c["m"]
            c["m"] = stay * c["m"]
        weight, Z = W + self.least, Z + self.least
        if weight > 0.0:
            last = self.fired["x"], self.fired["C"] + np.outer(self.fired["x"], self.fired["x"])
            self.fired["x"] = (fired["x"] + self.least * last[0]) / weight
            self.fired["C"] = (fired["C"] + self.least * last[1]) / weight
            self.fired["C"] -= np.outer(self.fired["x"], self.fired["x"])
        self.mean = W + (Y / Z if Z > 0.0 else 0.0) * (N - X)
        return self.mean

    def left_of(self, variance, receptor):
        """Return what is left of a variance, since neurons that have just fired do not fire again.

        Of regular trains with on average x spikes in an exponential window, coth(1/(2 x)) - 2 x of a Poisson train's.
        """
        share = variance / self.capacity[receptor] if variance > 0.0 else 0.0
        x = self.recent[receptor] + 0.5 * share
        memory = self.p["tau_m"] + self.p[f"tau_syn_{receptor}"]
        self.recent[receptor] = (self.recent[receptor] + share) * math.exp(-self.h / memory)
        return variance * max(0.0, 1.0 / math.tanh(0.5 / x) - 2.0 * x) if share > 0.0 else 0.0

    def emit(self, count):
        """Start a new cohort; let the oldest one leave."""
        self.steps += 1
        if self.adaptive is None:
            if len(self.cohorts) == self.K:
                self.release(self.cohorts.pop(0))
            self.start(count, self.p["V_reset"])
            self.leave_empty()
        else:
            if len(self.cohorts) == self.K:
                self.cells.append(self.cohorts.pop(0))
            if self.steps % self.adaptive["every"] == 0:
                self.merge()
            self.start(count, self.p["V_reset"])
            if not self.cells:
                self.leave_empty()
        self.emitted = count

    def leave_empty(self):
        """Let the oldest cohorts leave of which hardly anybody survives."""
        while len(self.cohorts) > self.k_ref + 1 and self.cohorts[0]["m"] < self.nobody:
            self.release(self.cohorts.pop(0))

    def lift(self):
        """By how much adaptation will lower the logarithm of the free neurons' hazard in the next step."""
        ahead = self.flow.T @ self.slope
        return max(ahead @ self.free["x"] - 0.5 * ahead @ self.free["C"] @ ahead, self.least_lift)

    def release(self, cohort):
        """Let a cohort join the free neurons."""
        free, before = self.free, self.lift()
        free["x"], free["C"] = mixture(free, cohort)
        free["hazard"] = min(free["hazard"] * math.exp(min(before - self.lift(), 600.0)), 1e300)
        free["m"], free["v"] = free["m"] + cohort["m"], free["v"] + cohort["v"]

    def merge(self):
        """Merge cells from the oldest on, as in `AdaptivePopulation`."""
        widest = self.adaptive["widest"]
        old, self.cells = self.cells, []
        age = self.K + 1 + sum(cell["width"] for cell in old)
        for cell in old:
            age -= cell["width"]
            if age >= len(widest) or (not self.cells and cell["m"] < self.nobody):
                self.release(cell)
            elif self.cells and self.cells[-1]["width"] + cell["width"] <= widest[age]:
                older = self.cells[-1]
                both = {name: older[name] + cell[name] for name in ("m", "v", "width")}
                a = older["m"] / both["m"] if both["m"] > 0.0 else 0.5
                for name in ("u", "hazard"):
                    both[name] = a * older[name] + (1.0 - a) * cell[name]
                both["x"], both["C"] = mixture(older, cell)
                self.cells[-1] = both
            else:
                self.cells.append(cell)


def mixture(one, other):
    """Return mean and covariance of the neurons of two cohorts together."""
    m = one["m"] + other["m"]
    b = other["m"] / m if m > 0.0 else 0.5
    apart = other["x"] - one["x"]
    return one["x"] + b * apart, (1.0 - b) * one["C"] + b * other["C"] + b * (1.0 - b) * np.outer(apart, apart)


def capacities(i, parameters, weights, variances):
    """Return the variance that each receptor of population i would receive if all neurons fired once."""
    capacity = {"ex": 0.0, "in": 0.0}
    for j, p in enumerate(parameters):
        capacity["ex" if weights[i][j] > 0 else "in"] += variances[i][j] * p["N"]
    return capacity


def replay(
    parameters,
    h,
    counts,
    weights,
    delays,
    currents=None,
    nest_index_error=False,
    initial_potential=0.0,
    adaptive=None,
    carried=False,
    variances=None,
    smooth=False,
):
    """Advance coupled populations under given spike counts.

    Parameters
    ----------
    parameters : list of dict, one per population
    h : float, ms
    counts : int array, shape (populations, steps)
    weights : weights[i][j] from population j to i, pA
    delays : delays[i][j] in steps
    currents : float array, shape (populations, steps), pA, or None
        External current that acts in each step.
    nest_index_error : bool
    initial_potential : float or list of float, mV
    adaptive : list of dict, one per population, or None
        ``window``, ``widest`` and ``every`` of adaptive histories (see `AdaptivePopulation`).
    carried : bool
        Cohorts carry the adaptation of their members (see `CarriedPopulation`).
    variances : variances[i][j] from population j to i, pA^2, or None
        Variance, for each spike, of what it brings to single neurons; of the sign of the weight.
    smooth : bool
        Expected counts are smooth functions of the parameters.

    Returns
    -------
    dict of float array, shape (populations, steps)
        ``mean``, ``V_m``, ``E_sfa``, ``I_syn_ex``, ``I_syn_in``.
    """
    M, T = counts.shape
    start = np.broadcast_to(initial_potential, M)
    layouts = [None] * M if adaptive is None else adaptive
    populations = [
        CarriedPopulation(
            p, h, u, layout, None if variances is None else capacities(i, parameters, weights, variances), smooth
        )
        if carried
        else MesoPopulation(p, h, u, nest_index_error, smooth)
        if layout is None
        else AdaptivePopulation(p, h, u, **layout, smooth=smooth)
        for i, (p, u, layout) in enumerate(zip(parameters, start, layouts, strict=True))
    ]
    record = {name: np.zeros((M, T)) for name in ("mean", "V_m", "E_sfa", "I_syn_ex", "I_syn_in")}
    for k in range(T):
        for i, population in enumerate(populations):
            arriving = {"ex": 0.0, "in": 0.0, "ex_variance": 0.0, "in_variance": 0.0}
            for j in range(M):
                d = delays[i][j]
                if k >= d:
                    receptor = "ex" if weights[i][j] > 0 else "in"
                    arriving[receptor] += weights[i][j] * counts[j, k - d]
                    if variances is not None:
                        arriving[f"{receptor}_variance"] += variances[i][j] * counts[j, k - d]
            more = () if variances is None else (arriving["ex_variance"], arriving["in_variance"])
            population.expect(0.0 if currents is None else currents[i, k], arriving["ex"], arriving["in"], *more)
            record["mean"][i, k] = population.mean
            record["V_m"][i, k] = population.V_m
            record["E_sfa"][i, k] = population.E_sfa
            record["I_syn_ex"][i, k] = population.I_syn["ex"]
            record["I_syn_in"][i, k] = population.I_syn["in"]
        for i, population in enumerate(populations):
            population.emit(counts[i, k])
    return record


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
    always_reset : bool
        Reset the potential after a spike also where ``t_ref`` is 0, as gifpop's own face does.
    """

    def __init__(self, parameters, h, budget=None, always_reset=False):
        p = self.p = {**NEURON_DEFAULTS, **parameters}
        self.h, self.budget, self.always_reset = h, budget, always_reset
        self.V_m, self.has_fired = p["V_m"], False
        self.I_syn = dict.fromkeys(("ex", "in", *p["receptors"]), 0.0)
        self.sfa, self.stc = [0.0] * len(p["q_sfa"]), [0.0] * len(p["q_stc"])
        self.refractory, self.I_stim = 0, 0.0

    def propagator(self, receptor):
        """Potential that a synaptic current of 1 pA at the end of a step has left, mV."""
        p, h = self.p, self.h
        tau_m, tau_s = p["C_m"] / p["g_L"], p[f"tau_syn_{receptor}"]
        if abs(tau_s - tau_m) < 1e-6 * tau_m:
            return h * math.exp(-h / tau_m) / p["C_m"]
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
        if self.has_fired and self.always_reset:
            self.V_m = p["V_reset"]
        if self.refractory > 0:
            self.refractory -= 1
            self.V_m = p["V_reset"]
        else:
            total = p["I_e"] + self.I_stim - self.I_stc
            self.V_m = (
                P * self.V_m
                + (1.0 - P) * (p["E_L"] + total / p["g_L"])
                + sum(self.I_syn[receptor] * self.propagator(receptor) for receptor in self.I_syn)
            )
            exponent = min((self.V_m - self.E_sfa) / p["Delta_V"], 600.0)
            hazard = 1e-3 * h * p["lambda_0"] * math.exp(exponent)
            if self.budget is not None:
                self.budget -= hazard
                fires = self.budget <= 0.0
        if forced is not None:
            fires = forced
        if fires:
            self.sfa = [x + q for x, q in zip(self.sfa, p["q_sfa"], strict=True)]
            self.stc = [x + q for x, q in zip(self.stc, p["q_stc"], strict=True)]
            self.refractory = math.ceil(round(p["t_ref"] * 1000) / round(h * 1000))
        self.has_fired, self.I_stim = fires, current
        return fires
