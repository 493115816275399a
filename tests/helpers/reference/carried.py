"""A mesoscopic population whose cohorts carry the adaptation of their members, step by step."""

import math

import numpy as np

from tests.helpers.reference.population import MesoPopulation


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
        N = self.p["N"]
        H = self.receive(current, {"ex": ex, "in": inh, **others})
        arriving = sum(
            self.left_of(variance, receptor) * square(self.noise[receptor])
            for receptor, variance in {"ex": ex_variance, "in": in_variance, **dict(variances)}.items()
        )

        groups = self.cells + self.cohorts
        refractory = groups[len(groups) - self.k_ref :]
        X, Z = sum(c["m"] for c in groups) + self.free["m"], sum(c["v"] for c in groups) + self.free["v"]
        W = Y = 0.0
        fired, squared_slope = self.nothing(), self.slope**2
        for c in [*groups, self.free]:
            c["x"], c["C"] = self.flow @ c["x"], self.flow @ c["C"] @ self.flow.T + arriving
            if any(c is other for other in refractory):
                c["x"][-1] = c["C"][-1, :] = c["C"][:, -1] = 0.0
                continue
            v = c["C"] @ self.slope
            r = self.slope @ v
            integral = self.integrate(c, H, max(self.slope @ c["x"] - 0.5 * r, self.least_lift))
            prob, stay = self.parted(integral)
            if c is self.free:
                prob, stay = -math.expm1(-integral), math.exp(-integral)
            negligible = 1e-12 * squared_slope @ np.diag(c["C"])  # what rounding leaves of a spread
            if self.smooth:
                r = max(r, 0.0)
                share = r / ((r + negligible + 1e-300) * (stay + 1e-6 + prob * r))
            else:
                share = 1.0 / (max(1.0 - prob, 1e-6) + prob * r) if r > negligible else 0.0
            those = c["x"] - (1.0 - prob) * share * v
            spread = c["C"] + (1.0 - prob) * share * (1.0 - share) * square(v)
            fired["x"] += prob * c["m"] * those
            fired["C"] += prob * c["m"] * (spread + square(those))
            c["x"] = c["x"] + prob * share * v
            c["C"] = c["C"] - prob * share * square(v)
            W, Y = W + prob * c["m"], Y + prob * c["v"]
            c["v"] = stay**2 * c["v"] + prob * c["m"]
            c["m"] = stay * c["m"]
        weight, Z = W + self.least, Z + self.least
        if weight > 0.0:
            last = self.fired["x"], self.fired["C"] + square(self.fired["x"])
            self.fired["x"] = (fired["x"] + self.least * last[0]) / weight
            self.fired["C"] = (fired["C"] + self.least * last[1]) / weight
            self.fired["C"] -= square(self.fired["x"])
        self.mean = W + (Y / Z if Z > 0.0 else 0.0) * (N - X)
        return self.mean

    def receive(self, current, spikes):
        """Integrate currents over the step, and the potential of the free neurons; return what all potentials gain."""
        p = self.p
        E_L, P = p["E_L"], math.exp(-self.h / p["tau_m"])
        H = (p["I_e"] + current) * p["tau_m"] / p["C_m"] * (1.0 - P) + E_L
        H += sum(self.synapse(receptor, w) for receptor, w in spikes.items())
        self.V_m = (self.V_m - E_L) * P + H
        self.sfa = (self.sfa + self.emitted / p["N"]) * np.exp(-self.h / self.tau)
        self.E_sfa = p["V_T_star"] + np.sum(self.q * self.sfa)
        return H

    def integrate(self, c, H, lift):
        """Move the potential of a cohort that may fire; return its hazard, which ``lift`` lowers, over the step."""
        p = self.p
        if c is not self.free:
            c["u"] = (c["u"] - p["E_L"]) * math.exp(-self.h / p["tau_m"]) + H
        u = self.V_m if c is self.free else c["u"]
        before = c["hazard"]
        c["hazard"] = p["lambda_0"] * math.exp((u - p["V_T_star"]) / p["Delta_V"] - lift)
        return 0.5e-3 * self.h * (before + c["hazard"])

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
    return one["x"] + b * apart, (1.0 - b) * one["C"] + b * other["C"] + b * (1.0 - b) * square(apart)


def square(x):
    """Return the outer product of a vector with itself; numpy's takes longer for short ones."""
    return x[:, np.newaxis] * x
