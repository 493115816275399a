"""Random scripts for NEST with weight recorders of tsodyks_synapse and tsodyks2_synapse, and what NEST 3.10 records.

As `nest_plasticity_scripts`, but weight recorders record the connections. Their windows, senders and targets, and the
models that they record, change between runs. With NEST as ``nest``, ``python -m tests.helpers.nest_weight_scripts``
writes the results to ``data/nest_weight_scripts.npz``.
"""

from functools import partial
from pathlib import Path

import numpy as np

from tests.helpers import nest_plasticity_scripts, nest_scripts

DATA = Path(__file__).parents[1] / "data" / "nest_weight_scripts.npz"
SEEDS = range(40)
COLUMNS = ("times", "senders", "targets", "receptors", "weights")


class Script(nest_plasticity_scripts.Script):
    """One script: a random generator decides, and both simulators get the same calls."""

    def make_models(self):
        super().make_models()
        self.weighers = [self.nest.Create("weight_recorder", params=self.settings()) for _ in range(2)]
        for model in self.models:
            self.record(model)

    def record(self, model):
        self.nest.SetDefaults(model, {"weight_recorder": self.choose.choice(self.weighers)})

    def settings(self):
        """Return a window, senders and targets of a recorder; most have none of these."""
        limits = {"start": (0, 15), "stop": (15, 45), "origin": (0, 8)}
        found = {name: self.ms(*limit) for name, limit in limits.items() if self.choose.random() < 0.15}
        if self.choose.random() < 0.2:
            found["senders"] = self.choose.choice(self.sources)
        if self.choose.random() < 0.2:
            found["targets"] = self.choose.choice(self.targets)
        return found

    def change(self):
        if self.choose.random() < 0.25:
            self.choose.choice(self.weighers).set(self.settings())
        elif self.choose.random() < 0.2:
            self.record(self.choose.choice(sorted(self.models)))
        else:
            super().change()

    def records(self):
        """Return all records; events of weights in an order that does not depend on that of the connections."""
        arrays = super().records()
        for k, weigher in enumerate(self.weighers):
            events = weigher.events
            order = np.lexsort([events[name] for name in COLUMNS[::-1]])
            arrays |= {f"weights_{k}_{name}": events[name][order] for name in COLUMNS}
        return arrays


run = partial(nest_scripts.run, make=Script)

if __name__ == "__main__":
    nest_scripts.write(DATA, run, SEEDS)
