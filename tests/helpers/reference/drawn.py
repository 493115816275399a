"""A mesoscopic population whose spikes are drawn cohort by cohort, step by step (docs/finite_size.md)."""

import math

import numpy as np

from tests.helpers.reference.carried import CarriedPopulation, mixture

CERTAIN = 64.0  # integrated hazard that nobody survives
MANY = 20.0  # expected points of cohorts side by side, from which on the numbers of spikes are drawn
MANY_PARTED = 60.0  # the same, where cohorts carry moments
LONGEST = 100.0  # expected points of a cohort, from which on its number is drawn by itself
FREE = 4  # directions besides those of modes that a cohort has which is parted with others
FEWEST_TOGETHER = 3  # cohorts that are hit, from which on several are parted at once
MOST_HITS = 64
MANY_DIRECTIONS, MANY_FOR_EACH, WEAK = 100, 40, 16  # in so many dimensions lengths of normal vectors vary little
WORDS = 32  # random words of a cohort


class DrawnPopulation(CarriedPopulation):
    """One mesoscopic population of whole neurons, a sample of whose members fires.

    Parameters
    ----------
    parameters, h, cells, capacity : see `CarriedPopulation`
    bits : numpy.random.BitGenerator
        The random numbers that the population takes, in this order.
    """

    def __init__(self, parameters, h, bits, cells=None, capacity=None):
        super().__init__(parameters, h, parameters["V_reset"], cells, capacity)
        self.bits, self.random = bits, np.random.Generator(bits)
        self.budget = self.random.standard_exponential()
        p, thresholds = self.p, len(self.p["tau_sfa"])
        noisy = capacity is not None
        of_input = [p[f"tau_syn_{receptor}"] for receptor in self.I_syn] if noisy else []
        self.kept = list(range(thresholds + len(p["tau_stc"]) + len(of_input)))
        currents = len(self.kept) - thresholds
        self.kept += [self.size - 1] * (currents > 0)
        self.acting = len(self.kept)  # those that change the hazard
        # coordinates that decay independently of each other, in which members are drawn
        tau = np.array([*p["tau_stc"], *of_input])
        b = p["tau_m"] * tau / ((tau - p["tau_m"]) * p["C_m"]) * ([1.0] * len(p["tau_stc"]) + [-1.0] * len(of_input))
        self.modes = np.diag([*np.ones(thresholds), *b, *([-1.0] * (currents > 0))]) / p["Delta_V"]
        if currents:
            self.modes[-1, thresholds:-1] = -b / p["Delta_V"]

    def expect(self, current=0.0, ex=0.0, inh=0.0, ex_variance=0.0, in_variance=0.0, variances=None, **others):
        """Advance to the end of the step and draw who fires; return how many were expected to.

        ``others``: weighted spikes at other receptors, by name; ``variances``: of these.
        """
        H = self.receive(current, {"ex": ex, "in": inh, **others})
        variances = {"ex": ex_variance, "in": in_variance, **(variances or {})}
        left = {receptor: self.left_of(variance, receptor) for receptor, variance in variances.items()}
        everybody = [self.free, *self.cells, *self.cohorts]
        refractory = [id(c) for c in everybody[len(everybody) - self.k_ref :]]
        lifts = []
        for c in everybody:
            c["x"], c["C"] = self.flow @ c["x"], self.flow @ c["C"] @ self.flow.T
            lifts.append(self.lift_of(c["x"], c["C"], c["m"], self.slope) + self.scatter(c, left))
        q = {}
        for c, lift in zip(everybody, lifts, strict=True):
            if id(c) in refractory:
                c["x"][-1] = c["C"][-1, :] = c["C"][:, -1] = 0.0
            else:
                q[id(c)] = min(self.integrate(c, H, lift), CERTAIN)
        self.mean = sum(-math.expm1(-q[id(c)]) * c["m"] for c in everybody if id(c) in q)
        active = [c for c in self.cohorts if id(c) in q]
        pieces = [piece for block in ([self.free], self.cells, active) for piece in self.draw_block(block, q)]
        self.drawn = sum(k for k, _, _ in pieces)
        if self.drawn > 0:
            self.fired["x"] = sum(k * x for k, x, _ in pieces) / self.drawn
            apart = [x - self.fired["x"] for _, x, _ in pieces]
            self.fired["C"] = (
                sum(k * (C + np.outer(d, d)) for (k, _, C), d in zip(pieces, apart, strict=True)) / self.drawn
            )
        return self.mean

    def scatter(self, c, left):
        """Add what input of their own brings to the members of a cohort; return what that adds to their lift.

        ``left``: variance at each receptor, pA^2. The mean of M neurons moves, too, by one M-th of the variance.
        """
        shift, spread = np.zeros(self.size), np.zeros((self.size, self.size))
        M = c["m"]
        if M > 0.0:
            for receptor, variance in left.items():
                if variance > 0.0:
                    moved = math.sqrt(variance / M) * roughly_normal(int(self.bits.random_raw()))
                    shift += self.noise[receptor] * moved
                    spread += np.outer(self.noise[receptor], self.noise[receptor]) * (variance * (1.0 - 1.0 / M))
        c["x"], c["C"] = c["x"] + shift, c["C"] + spread
        return self.slope @ shift - 0.5 * self.slope @ spread @ self.slope

    def lift_of(self, x, C, M, slope):
        """By how much adaptation lowers the logarithm of the averaged hazard of M members."""
        r = slope @ C @ slope
        return max(slope @ x - 0.5 * r / (1.0 + 0.5 * r / (M + 1.0)), self.least_lift)

    def draw_block(self, block, q):
        """Draw who fires of cohorts side by side; return how many of each, their means and their covariances."""
        exposures = [c["m"] * q[id(c)] for c in block]
        many = MANY if not self.kept or any(c is self.free for c in block) else MANY_PARTED
        if not sum(exposures) > many:
            numbers = [self.draw(c["m"], q[id(c)]) for c in block]
            return self.part_hits(block, numbers, q)
        if block[0] is self.free:
            return [self.part(c, int(self.random.binomial(c["m"], -math.expm1(-q[id(c)]))), q[id(c)]) for c in block]
        seed = int(self.bits.random_raw())
        words = [Words(seed, (len(block) - 1 - i) * WORDS) for i in range(len(block))]
        numbers = []
        for c, exposure, own in zip(block, exposures, words, strict=True):
            p = -math.expm1(-q[id(c)])
            long = exposure > LONGEST
            numbers.append(self.random.binomial(int(c["m"]), p) if long else invert(c["m"], q[id(c)], own.uniform()))
        return [self.part(c, int(k), q[id(c)], own) for c, k, own in zip(block, numbers, words, strict=True)]

    def part_hits(self, block, numbers, q):
        """Take members out of the cohorts that were hit: all from the numbers of one seed, if there are several."""
        hits = [i for i, k in enumerate(numbers) if k > 0]
        words = [None] * len(block)
        if len(hits) >= FEWEST_TOGETHER and self.kept:
            seed = int(self.bits.random_raw())
            for j, i in enumerate(hits):
                words[i] = Words(seed, (MOST_HITS - j) * WORDS)
        return [self.part(c, int(k), q[id(c)], own) for c, k, own in zip(block, numbers, words, strict=True)]

    def draw(self, M, q):
        """Draw how many of a cohort fire, by points on the axis."""
        hit = set()
        while self.budget < M * q:
            hit.add(min(math.floor(self.budget / q), M - 1))
            self.budget += self.random.standard_exponential()
        self.budget -= M * q
        return len(hit)

    def part(self, c, k, q, words=None):
        """Take k members out of a cohort; return k, their mean and their covariance.

        ``words``: random words of the cohort, taken if there are enough members.
        """
        if k == 0:
            return 0, np.zeros(self.size), np.zeros((self.size, self.size))
        normal = words.nearly_normal if words is not None and c["m"] > max(len(self.kept) + FREE, k) else None
        return k, *self.split(c, k, q, normal)

    def split(self, c, k, q, normal=None):
        """Take k members out of a cohort; return their mean and covariance.

        ``normal``: draws a normal number for a mode, or, given the number of modes, for all other directions.
        """
        M = c["m"]
        R = c["m"] = M - k
        if R == 0 or not self.kept:
            return c["x"].copy(), c["C"].copy()
        n = M - 1
        kept = np.ix_(self.kept, self.kept)
        root = cholesky(self.modes @ c["C"][kept] @ self.modes.T)
        spreads = np.diag(root) > 0.0
        if not spreads.any():
            return c["x"].copy(), c["C"].copy()
        pull = root[: self.acting].sum(axis=0) * math.sqrt(k * R / n) * (q / -math.expm1(-q))
        z = self.direction(spreads, pull, int(n), normal)
        away = np.zeros(self.size)
        away[self.kept] = np.linalg.solve(self.modes, root @ z)
        others = c["C"] - np.outer(away, away) / n
        np.fill_diagonal(others, np.maximum(np.diag(others), 0.0))
        those = c["x"] + math.sqrt(R / (k * n)) * away
        c["x"] = c["x"] - math.sqrt(k / (R * n)) * away
        c["C"] = others * (M * (R - 1) / (R * (M - 2)) if M > 2 else 0.0)
        return those, others * (M * (k - 1) / (k * (M - 2)) if M > 2 else 0.0)

    def direction(self, spreads, pull, n, normal=None):
        """Draw coordinates of a vector of length sqrt(n) in n dimensions, those of modes that spread."""
        z = np.zeros(len(pull))
        drawn = np.flatnonzero(spreads)[:n]
        if n == 1:
            for d in drawn:
                z[d] = -1.0 if self.random.random() * (1.0 + math.exp(-2.0 * pull[d])) < 1.0 else 1.0
            return z
        if normal and n - WEAK * (pull @ pull) > MANY_DIRECTIONS + MANY_FOR_EACH * len(pull):
            x = 1.0 - 0.5 * (pull @ pull) / n
            z[drawn] = [(normal(int(d)) - x * pull[d]) * x for d in drawn]
            return z
        scale = math.sqrt(n * (pull @ pull))
        mean = scale / (0.5 * (n - 1) + math.sqrt(0.25 * (n + 1) ** 2 + scale**2))
        longer = mean * math.sqrt(n / (1.0 - mean**2)) * (1.0 + 0.25 / n) * math.sqrt(n) / scale if scale > 0.0 else 0.0
        for d in drawn:
            z[d] = (normal(int(d)) if normal else self.random.standard_normal()) - longer * pull[d]
        squares = z @ z + self.sum_of_squares(n - len(drawn), len(pull), normal)
        return z * math.sqrt(n / squares) if squares > 0.0 else z

    def sum_of_squares(self, n, modes, normal=None):
        """Draw the sum of the squares of n normal numbers, many of them by the cube of one."""
        if n <= 2:
            return sum(self.random.standard_normal() ** 2 for _ in range(n))
        narrow = 2.0 / (9.0 * n)
        x = normal(modes) if normal else self.random.standard_normal()
        return n * max(1.0 - narrow + math.sqrt(narrow) * x, 0.0) ** 3

    def lift(self):
        ahead = self.flow.T @ self.slope
        return self.lift_of(self.free["x"], self.free["C"], self.free["m"], ahead)

    def release(self, cohort):
        free, before = self.free, self.lift()
        free["x"], free["C"] = mixture(free, cohort)
        free["m"] += cohort["m"]
        free["hazard"] = min(free["hazard"] * math.exp(min(before - self.lift(), 600.0)), 1e300)


def cholesky(C):
    """Return the lower triangular root of a covariance; modes of which only rounding errors are left do not spread."""
    root = np.zeros_like(C)
    for d in range(len(C)):
        for e in range(d):
            root[d, e] = (C[d, e] - root[d, :e] @ root[e, :e]) / root[e, e] if root[e, e] > 0.0 else 0.0
        left = C[d, d] - root[d, :d] @ root[d, :d]
        root[d, d] = math.sqrt(left) if left > 1e-10 * C[d, d] + 1e-12 else 0.0
    return root


def invert(M, q, uniform):
    """Return the least k of a binomial number whose probability, with all smaller ones, reaches a uniform number."""
    odds, probability, k = math.expm1(q), math.exp(-M * q), 0
    left = uniform - probability
    while left > 0.0 and k < M:
        probability *= odds * (M - k) / (k + 1.0)
        left -= probability
        k += 1
    return k


class Words:
    """Random words of a cohort, of SplitMix64, as functions of a seed and a counter."""

    def __init__(self, seed, first):
        self.seed, self.first = seed, first

    def word(self, i):
        x = (self.seed + (self.first + i + 1) * 0x9E3779B97F4A7C15) % 2**64
        x = (x ^ (x >> 30)) * 0xBF58476D1CE4E5B9 % 2**64
        x = (x ^ (x >> 27)) * 0x94D049BB133111EB % 2**64
        return x ^ (x >> 31)

    def uniform(self):
        """Return a uniform number from the first word."""
        return (self.word(0) >> 12) / 2**52 + 2.0**-53

    def nearly_normal(self, mode):
        """Return a number with mean, variance and kurtosis of a normal one, from the word of a mode."""
        x = roughly_normal(self.word(1 + mode))
        return x * (0.9490292297837792 + 0.018642574096521685 * x**2)


def roughly_normal(word):
    """Return the sum of four uniform numbers, of mean 0 and variance 1."""
    return (sum((word >> bits) & 0xFFFF for bits in (0, 16, 32, 48)) - 2 * 0xFFFF) / math.sqrt((65536.0**2 - 1.0) / 3.0)
