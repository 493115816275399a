"""Random scripts for NEST with generators of random spikes and currents that leave nothing to chance, and its results.

As `nest_device_scripts`, but trains have rates at which a spike is certain or impossible in each step, packets have no
width, and noise has a variance that vanishes in the steps in which it is drawn. Of noise that does not vanish, the
steps are compared in which it changes, and what neurons receive less what a meter records. With NEST as ``nest``,
``python -m tests.helpers.nest_certain_scripts`` writes the results to ``data/nest_certain_scripts.npz``.

What NEST loses or doubles is left out: packets between slices, or under way when a run begins; trains with very high
rates; spikes of the last slice before a poisson_generator_ps is created.
"""

from functools import partial
from pathlib import Path

import numpy as np

from tests.helpers import nest_device_scripts, nest_scripts

DATA = Path(__file__).parents[1] / "data" / "nest_certain_scripts.npz"
SEEDS = range(40)
CERTAIN = [
    "gamma_sup_generator",
    "ppd_sup_generator",
    "sinusoidal_gamma_generator",
    "sinusoidal_poisson_generator",
]
LITTLE = 1e-4  # pA, of noise that vanishes; its rounding errors are below those that are tolerated


class Script(nest_device_scripts.Script):
    """One script: a random generator decides, and both simulators get the same calls."""

    steady = ("pulsepacket_generator",)

    def __init__(self, nest, seed):
        self.fed = []  # of each noise: the meters of the generator and of a neuron, the steps between, a factor
        super().__init__(nest, seed)
        nest.CopyModel("static_synapse", "feeding")  # whose weights do not change
        for _ in range(self.choose.randint(1, 2)):
            self.probe_noise()
        self.vanishing_noise()
        self.nest.Connect(self.cells[0], self.cells[0], "one_to_one", {"delay": round(self.shortest * self.h, 6)})

    def shortest_delay(self):
        """Make slices of a step where steps are long: NEST loses packets 1 ms after the beginning of a slice."""
        return 1 if self.h == 1.0 else super().shortest_delay()

    def model(self):
        certain = [*CERTAIN, *(["pulsepacket_generator"] * 4 if self.h == 1.0 else [])]
        model = self.choose.choice(certain) if self.choose.random() < 0.7 else super().model()
        late = self.nest.biological_time > 0
        return "poisson_generator" if late and model == "poisson_generator_ps" else model

    def device(self):
        super().device()
        model, generators, _ = self.generators[-1]
        if model.startswith("sinusoidal"):
            self.meter({"interval": self.ms(1, 3), "offset": self.ms(0, 2)}, ["rate"], [generators], self.window())

    def emission(self, model, precise=False):
        if model in (*CERTAIN, "drawn_noise") or (model == "pulsepacket_generator" and self.h == 1.0):
            return getattr(self, model)()
        return super().emission(model, precise)

    def pulsepacket_generator(self):
        """Place packets in the steps in which NEST draws them."""
        times = [
            (self.choose.randint(-3, 60) + self.choose.uniform(0.01, 0.99)) * self.h
            for _ in range(self.choose.randint(0, 6))
        ]
        return {"pulse_times": times, "activity": self.choose.randint(0, 3), "sdev": 0.0}

    def gamma_sup_generator(self):
        """End every stage in each step, or none."""
        shape = self.choose.randint(1, 5)
        rate = self.choose.choice([0.0, 1.1, 1.1, 3.0]) * 1000.0 / (shape * self.h)
        return {"gamma_shape": shape, "n_proc": self.choose.randint(1, 7), "rate": rate}

    def ppd_sup_generator(self):
        """Let all processes fire that do not rest, or none."""
        dead = self.choose.choice([0.0, 0.3, 1.0, 2.0, 2.5, 4.0]) * self.h
        rate = self.choose.choice([0.0, 1.0, 1.0]) * 1000.0 / (dead + 0.05 * self.h)
        modulation = {
            "relative_amplitude": self.choose.choice([0.0, 0.8]),
            "frequency": self.choose.uniform(0.0, 300.0),
        }
        return {"dead_time": dead, "n_proc": self.choose.randint(1, 7), "rate": rate, **modulation}

    def sinusoidal_gamma_generator(self):
        """Fire in each step, or never."""
        rate = self.choose.choice([0.0, 2000.0, 2000.0]) / self.h  # NEST has none at high rates
        amplitude = self.choose.choice([0.0, 0.25]) * rate
        return {"rate": rate, "amplitude": amplitude, "order": self.choose.choice([1.0, 2.5]), **self.sine()}

    def sinusoidal_poisson_generator(self):
        """Have a rate that is never positive."""
        return {"rate": -self.choose.uniform(50.0, 100.0), "amplitude": self.choose.uniform(-50.0, 50.0), **self.sine()}

    def sine(self):
        return {"frequency": self.choose.uniform(0.0, 300.0), "phase": self.choose.uniform(-90.0, 400.0)}

    def probe_noise(self):
        """Connect noise to neurons whose potential is their current times a factor."""
        generator = self.nest.Create("noise_generator", params=self.window() | self.drawn_noise())
        neurons = self.nest.Create("gif_psc_exp", 2, {"lambda_0": 0.0, "g_L": 10.0, "C_m": 1e-3 * self.h, "E_L": 0.0})
        neurons.set({"V_m": 0.0, "V_reset": 0.0})
        synapse = {"synapse_model": "feeding", "weight": self.choose.choice([1.0, -3.0])}
        synapse |= {"delay": self.ms(self.shortest, self.shortest + 3)}
        self.nest.Connect(generator, neurons, "all_to_all", synapse)
        meters = []
        for name, nodes in (("I", generator), ("V_m", neurons)):
            self.meter({"interval": self.h}, [name], [nodes])
            meters.append(self.recorders.pop())
        self.fed.append((*meters, 1 + round(synapse["delay"] / self.h), synapse["weight"] / 10.0))
        self.generators.append(("drawn_noise", generator, False))

    def drawn_noise(self):
        std = self.choose.uniform(1.0, 50.0)
        modulation = self.choose.choice([0.0, 0.9]) * std
        return {
            "mean": self.choose.uniform(-50.0, 50.0),
            "std": std,
            "std_mod": modulation,
            "dt": self.ms(1, 5),
        } | self.sine()

    def vanishing_noise(self):
        """Connect noise that is drawn once a period, when its standard deviation is zero."""
        steps, periods = self.choose.randint(1, 6), self.choose.randint(0, 7)
        parameters = {"mean": self.choose.uniform(-50.0, 50.0), "dt": round(steps * self.h, 6), "stop": self.ms(9, 50)}
        parameters |= {"std": LITTLE, "std_mod": LITTLE * (1 - 1e-12)}
        sine = {"frequency": 1000.0 * periods / (steps * self.h), "phase": 270.0 - 360.0 * periods / steps}
        generator = self.nest.Create("noise_generator", params=parameters | sine)
        self.join(generator, self.choose.choice(self.cells[:-1]), ["static_synapse"])
        self.meter({"interval": self.h}, ["I"], [generator])

    def records(self):
        """Add phases of generators and what is certain about noise."""
        arrays = super().records()
        for k, (_, generators, _) in enumerate(self.generators):
            if "y_0" in generators.get():
                arrays[f"phases_{k}"] = np.array([generators.get(name) for name in ("y_0", "y_1")])
        for k, (meter, receiver, steps, factor) in enumerate(self.fed):
            events, current = receiver.events, meter.events["I"]
            stamps = np.round(events["times"] / self.h).astype(int)
            potential = events["V_m"][np.lexsort((events["senders"], stamps))].reshape(-1, 2)
            arrays[f"{k}_changes"] = np.diff(potential, axis=0) != 0.0
            arrival = np.round(meter.events["times"] / self.h).astype(int) - stamps[:1] + steps
            arrived = arrival < len(potential)
            arrays[f"{k}_rest"] = potential.mean(axis=1)[arrival[arrived]] - factor * current[arrived]
        return arrays


run = partial(nest_scripts.run, make=Script)

if __name__ == "__main__":
    nest_scripts.write(DATA, run, SEEDS)
