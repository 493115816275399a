"""Simulations that are disturbed at random points, and undisturbed twins to compare them with."""

import os
import signal
import sys
import threading
from pathlib import Path

import numpy as np

import gifpop as gp
from gifpop.engine.engine import StateLostError
from gifpop.saving import snapshot
from gifpop.saving.encoding import encode
from tests.helpers.saved import MIXED, STC_CELL, network
from tests.helpers.state import State, assembly_of, contents_of, engine_of, is_locked, network_of, state_of

PACKAGE = str(Path(gp.__file__).parent) + os.sep
DT = 0.5
RULES = (None, gp.PairwiseBernoulli(0.3), gp.FixedOutdegree(7), gp.FixedIndegree(9), gp.FixedTotalNumber(300))
CRITICAL = (
    "simulation.py",
    "state.py",
    "changes.py",
    "engine.py",
    "chunks.py",
    "recording.py",
    "finished_runs.py",
    "run.py",
    "interrupts.py",
    "trials.py",
    "assembly.py",
)  # where states change
# Errors are raised at lines, real ones in calls. What keeps locks and handlers in order makes none that could fail.
SOUND = {
    (os.path.join("common", "interrupts.py"), None),
    (os.path.join("engine", "exclusive.py"), None),
    (os.path.join("engine", "engine.py"), "run"),
}


class Disturbance:
    """Trace the lines of the package that are executed within a block, and disturb it at one of them.

    Parameters
    ----------
    at : int or None
        Which of the lines, counted from 1; None: none.
    error : type or None
        What to raise there; None: SIGINT is sent to this process.

    Attributes
    ----------
    lines : list of (file, number)
        Those that were executed until then.
    """

    def __init__(self, at=None, error=None):
        self.at, self.error, self.lines, self.place = at, error, [], None

    def __enter__(self):
        sys.settrace(self._call)
        return self

    def __exit__(self, *error):
        sys.settrace(None)

    def _call(self, frame, event, argument):
        return self._line if frame.f_code.co_filename.startswith(PACKAGE) else None

    def _line(self, frame, event, argument):
        if event == "line" and self.place is None:
            self.lines.append((frame.f_code.co_filename, frame.f_lineno))
            reached = self.at is not None and len(self.lines) >= self.at
            if reached and (self.error is None or not is_sound(frame.f_code)):
                self.place = f"{frame.f_code.co_filename.removeprefix(PACKAGE)}:{frame.f_lineno}"
                if self.error is not None:
                    raise self.error(f"at {self.place}")
                os.kill(os.getpid(), signal.SIGINT)
        return self._line


class Timed:
    """Send SIGINT to this process after some time: as likely as not while compiled code is running."""

    def __init__(self, seconds):
        self.place = f"after {seconds:.3g} s"
        self._timer = threading.Timer(seconds, os.kill, (os.getpid(), signal.SIGINT))

    def __enter__(self):
        self._timer.start()
        return self

    def __exit__(self, *error):
        self._timer.cancel()
        self._timer.join()


def is_critical(place):
    """Return whether a line is in a file that changes states."""
    return os.path.basename(place[0]) in CRITICAL


def is_sound(code):
    """Return whether no errors are raised in a function, since it does nothing that could fail."""
    name = code.co_filename.removeprefix(PACKAGE)
    return (name, None) in SOUND or (name, code.co_name) in SOUND


def random_simulation(random):
    """Return a simulation of a random network with random options."""
    N = random.integers(12, 50, 2).tolist()
    rule = RULES[random.integers(len(RULES))]
    level = random.choice(["meso", "micro", "mixed"], p=[0.3, 0.4, 0.3])
    options = {"level": MIXED if level == "mixed" else str(level), "history": str(random.choice(["adaptive", "exact"]))}
    if level == "meso" and rule is None and random.random() < 0.4:
        options["wiring"] = "sparse"
    if random.random() < 0.5:
        options |= {"record": "all", "record_neurons": 3, "record_interval": float(random.choice([0.5, 1.5]))}
    options["initial"] = str(random.choice(["fired", "rest", "nest", "stationary"], p=[0.4, 0.3, 0.2, 0.1]))
    drawn = level == "micro" and rule is not None and random.random() < 0.5
    net = network(
        *([STC_CELL] if random.random() < 0.3 else []),
        N=N,
        rule=rule,
        weight=gp.Normal(150.0, 40.0) if drawn else 150.0,
        delay=gp.Uniform(1.0, 6.0) if drawn else float(random.choice([0.5, 1.5, 12.0])),
        own_noise=random.random() < 0.5,
    )
    seed, threads = int(random.integers(2**31)), int(random.choice([1, 2], p=[0.9, 0.1]))
    return gp.Simulation(net, dt=DT, seed=seed, threads=threads, progress=False, **options)


def random_operation(sim, random, folder):
    """Return the name of a random operation and a function that does it to a simulation like this one."""
    name = str(
        random.choice(
            ["run", "set", "inject", "remove", "reset", "forget", "save", "load", "trials"],
            p=[0.32, 0.25, 0.1, 0.08, 0.1, 0.02, 0.05, 0.03, 0.05],
        )
    )
    inputs = [(one.post, one.number) for one in network_of(sim).injections]
    population, number = str(random.choice(["2/3E", "I"])), random.random()
    if name == "run":
        duration = DT * int(random.choice([0, 1, 2, 10, 60]))
        return f"run({duration})", lambda sim: sim.run(duration)
    if name == "set":
        return _random_set(random, population, number)
    if name == "inject":
        new = (
            gp.PoissonSpikes(100.0 + 300.0 * number, 15.0, shared=number < 0.5),
            gp.DirectCurrent(50.0 * number),
            gp.StepCurrent([5.0, 20.0], [80.0 * number, 0.0]),
            gp.OUCurrent(0.0, 80.0 * number, 9.0, shared=number < 0.5),
        )[random.integers(4)]
        if isinstance(new, gp.PoissonSpikes | gp.OUCurrent) and assembly_of(sim).options.adaptation != "carried":
            new = gp.DirectCurrent(10.0)
        return f"inject({population!r}, {new})", lambda sim: sim.inject(population, new, delay=1.0)
    if name == "remove" and inputs:
        place = int(random.integers(len(inputs)))
        return f"remove({inputs[place]})", lambda sim: sim.remove(network_of(sim).injections[place])
    if name == "reset":
        seed = None if number < 0.5 else int(1e6 * number)
        return f"reset({seed})", lambda sim: sim.reset(seed)
    if name == "save":
        return "save", lambda sim: sim.save(folder / "disturbed.npz")
    if name == "load":
        return "load", lambda sim: gp.Simulation.load(folder / "before.npz")
    if name == "trials":
        return "trials", run_trials
    return "forget", lambda sim: sim.forget()


def run_trials(sim):
    """Run trials of the network of a simulation."""
    return gp.Network._of(network_of(sim)).simulate(10.0, trials=4, dt=DT, seed=3, level=sim.level, progress=False)


def _random_set(random, population, number):
    kind = random.integers(5)
    if kind == 0:
        changed = {"I_e": 200.0 + 300.0 * number, "tau_m": 10.0 + 10.0 * number}
    elif kind == 1:
        changed = {"N": int(12 + 40 * number)}
    elif kind == 2:
        population, changed = ("I", "2/3E"), {"weight": -300.0 * number}
    elif kind == 3:
        population, changed = ("I", "2/3E"), {"delay": DT * int(1 + 30 * number)}
    else:
        population, changed = ("2/3E", "I"), {"p": 0.5 * number}
    return f"set({population!r}, {changed})", lambda sim: sim.set(population, **changed)


class Frozen:
    """The state of a simulation, as a file would hold it, to make twins of."""

    def __init__(self, sim):
        self._document, arrays = encode(contents_of(sim), snapshot.KINDS, "chaos")
        self._arrays = {name: array.copy() for name, array in arrays.items()}

    def twin(self):
        """Return a simulation in this state."""
        arrays = {name: array.copy() for name, array in self._arrays.items()}
        return gp.Simulation._restored(snapshot.restored(self._document, arrays), False)


def observed(sim):
    """Return all that belongs to a simulation: its state, and what it has recorded."""
    try:
        result = state_of(list(sim.result()))
    except ValueError as error:  # nothing yet, or neurons that differ
        result = State({"error": str(error)})
    return state_of(sim), result


def is_refusing(sim, folder):
    """Return whether a simulation says that it is broken, whatever it is asked to go on with."""
    name = next(iter(network_of(sim).populations))
    asked = (
        lambda: sim.run(DT),
        lambda: sim.set(name, I_e=123.0),
        lambda: sim.save(folder / "broken.npz"),
        lambda: sim.inject(name, gp.DirectCurrent(1.0)),
    )
    for ask in asked:
        try:
            ask()
        except StateLostError:
            continue
        return False
    return True


class Chaos:
    """Disturbed operations one after the other.

    Attributes
    ----------
    count : dict of str to int
        Of operations that ended before and after, in between (runs), and broken.
    """

    def __init__(self, seed, folder):
        self._random, self._folder = np.random.default_rng(seed), folder
        self.count = dict.fromkeys(("done", "undone", "partly", "broken"), 0)
        self.places = set()
        self.history = []

    def round(self, operations=12):
        """Disturb operations on one random simulation."""
        sim = random_simulation(self._random)
        self.history = [repr(sim)]
        for _ in range(operations):
            sim = self._disturb(sim)

    def everywhere(self, sim, name, operate, error):
        """Disturb one operation on twins of a simulation at each critical line, the first time it is executed."""
        self.history = [repr(sim)]
        before = Frozen(sim)
        lines, *undisturbed = self._lines(before, operate)
        first = {place: i for i, place in reversed([*enumerate(lines, 1)]) if is_critical(place)}
        for at in first.values():
            del self.history[1:]
            self._strike(before.twin(), name, operate, Disturbance(at, error), before, *undisturbed)
        return len(first)

    def _disturb(self, sim):
        """Disturb a random operation at random; return a simulation to go on with."""
        name, operate = random_operation(sim, self._random, self._folder)
        if name == "load":
            sim.save(self._folder / "before.npz")
        before = Frozen(sim)
        lines, *undisturbed = self._lines(before, operate)
        return self._strike(sim, name, operate, self._disturbance(lines), before, *undisturbed)

    def _lines(self, before, operate):
        """Return the lines of an operation that nothing disturbs, what it returns, and what comes of the simulation."""
        twin = before.twin()
        with Disturbance() as counted:
            returned = operate(twin)
        return counted.lines, returned, observed(twin)

    def _strike(self, sim, name, operate, disturbance, before, expected, after):
        """Disturb an operation, compare what has come of it; return a simulation to go on with."""
        (self._folder / "disturbed.npz").unlink(missing_ok=True)
        self.history.append(name)
        error = returned = None
        try:
            with disturbance:
                returned = operate(sim)
        except (Exception, KeyboardInterrupt) as caught:
            error = caught
            error.__traceback__ = None
        self.history[-1] += f" {disturbance.place} {getattr(disturbance, 'error', None)} -> {error!r}"
        self.places.add(disturbance.place)
        if name == "trials":
            self._compare_trials(getattr(error, "result", returned), expected)
        return self._compare(name, sim, after, before)

    def _disturbance(self, lines):
        kind = self._random.choice(["signal", "timer", "memory", "files"], p=[0.4, 0.15, 0.3, 0.15])
        if kind == "timer":
            return Timed(float(self._random.exponential(2e-3)))
        places = sorted(set(lines))  # each as likely as the others, however often it is executed
        critical = [place for place in places if is_critical(place)]
        if critical and self._random.random() < 0.6:
            places = critical
        place = places[self._random.integers(len(places))]
        at = 1 + int(self._random.choice([i for i, line in enumerate(lines) if line == place]))
        return Disturbance(at, {"signal": None, "memory": MemoryError, "files": OSError}[kind])

    def _compare(self, name, sim, after, before):
        assert not is_locked(sim), self.history
        assert signal.getsignal(signal.SIGINT) is signal.default_int_handler, self.history
        if engine_of(sim).broken is not None:
            self.count["broken"] += 1
            assert is_refusing(sim, self._folder), self.history
            return self._recovered(sim, before)
        now, untouched = observed(sim), before.twin()
        if (self._folder / "disturbed.npz").exists():
            assert now == observed(gp.Simulation.load(self._folder / "disturbed.npz")), self.history
        if now == after:
            self.count["done"] += 1
        elif now == observed(untouched):
            self.count["undone"] += 1
        else:
            places = [_differing(now, other) for other in (after, observed(untouched))]
            assert name.startswith("run"), (self.history, *places)
            self.count["partly"] += 1
            untouched.run(sim.time - untouched.time)
            assert now == observed(untouched), (self.history, _differing(now, observed(untouched)))
        return sim

    def _compare_trials(self, result, expected):
        if result is not None:
            n = len(result.trials)
            assert n <= len(expected.trials), self.history
            assert np.array_equal(result.counts, expected.counts[:n]), self.history

    def _recovered(self, sim, before):
        """Return a broken simulation that was reset, if that is what it should be, or the one before."""
        twin = before.twin()
        if self._random.random() < 0.5:
            return twin
        sim.reset(5)
        twin.reset(5)
        assert observed(sim) == observed(twin), (self.history, _differing(observed(sim), observed(twin)))
        return sim


def _differing(a, b):
    """Return the places where two simulations differ, for messages."""
    return [
        place
        for one, other in zip(a, b, strict=True)
        for place in one.keys() | other.keys()
        if one.get(place) != other.get(place)
    ][:12]
