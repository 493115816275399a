"""Random scripts for NEST with neurons of numbered receptors and nothing drawn, and what NEST 3.10 makes of them.

As `nest_neuron_scripts`, with gif_psc_exp_multisynapse, whose neurons differ in the number of their receptors and get
more of them between runs. With NEST as ``nest``, ``python -m tests.helpers.nest_receptor_scripts`` writes the results
to ``data/nest_receptor_scripts.npz``.
"""

from functools import partial
from pathlib import Path

from tests.helpers import nest_neuron_scripts, nest_scripts

DATA = Path(__file__).parents[1] / "data" / "nest_receptor_scripts.npz"
SEEDS = range(12)
FEWEST = 2  # receptors of any neuron


class Script(nest_neuron_scripts.Script):
    """One script: a random generator decides, and both simulators get the same calls."""

    model, variables = "gif_psc_exp_multisynapse", ["V_m", "E_sfa", "I_stc"]

    def synapses(self):
        return {"tau_syn": self.times(FEWEST + self.choose.randint(0, 2))}

    def other_synapses(self):
        return {"tau_syn": self.times(FEWEST + 3)}

    def times(self, n):
        return [self.choose.choice([0.7, 2.0, 20.0, 100.0]) for _ in range(n)]

    def receptor(self, post):
        is_population = len(post) == 1 and post.get("model") == "gif_pop_psc_exp"
        return {} if is_population else {"receptor_type": self.choose.randint(1, FEWEST)}


run = partial(nest_scripts.run, make=Script)

if __name__ == "__main__":
    nest_scripts.write(DATA, run, SEEDS)
