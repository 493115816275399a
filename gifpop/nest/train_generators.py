"""Generators whose trains have memory or something in common, and are drawn for all connections of a device at once."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Set
from typing import TYPE_CHECKING, Any

import numpy as np

from gifpop.common.grid import TICS_PER_MS
from gifpop.engine import trains
from gifpop.nest.errors import BadProperty, require_memory
from gifpop.nest.generators import check_frequency
from gifpop.nest.poisson_generators import MOST_EVENTS, OscillatingTrainBlock, TrainBlock, check_rate

if TYPE_CHECKING:
    from collections.abc import Callable

    from gifpop.engine import signals
    from gifpop.nest.clock import Clock
    from gifpop.nest.models import NodeModel
    from gifpop.nest.value_types import Values


FURTHEST = 1e17  # ms; packets there or wider have no spikes in any simulation


def check_processes(n: int) -> None:
    """Refuse numbers of processes that cannot be drawn from."""
    if n > MOST_EVENTS:
        raise BadProperty(f"n_proc must be at most {MOST_EVENTS:g}, got {n}.")


class JointTrainBlock(TrainBlock):
    """Devices that draw the trains of all their connections at once.

    Attributes
    ----------
    process : type of Trains
    under_way : list of Trains or None
        Trains of each device, once it takes part in a run.
    """

    process: type[trains.Trains[Any]]

    def __init__(self, clock: Clock, model: NodeModel, first: int, n: int) -> None:
        super().__init__(clock, model, first, n)
        self.under_way: list[trains.Trains[Any] | None] = [None] * n

    @abstractmethod
    def law(self, i: int) -> trains.Law:
        """Return the law of the trains of the ``i``-th device."""

    def trains(
        self, i: int, of_device: Callable[[], np.random.Generator], of_connection: Callable[[int], np.random.Generator]
    ) -> Callable[[int], signals.Emitter]:
        process, random = self.under_way[i], of_device()
        if process is None:
            process = self.under_way[i] = self.process(self.law(i), random, *self.late_steps(i))
        else:  # goes on, with the present values
            process.law, process.random, (process.first, process.end) = self.law(i), random, self.late_steps(i)
        return process.receiver

    def admit(self) -> None:
        """Begin the trains of new connections with the present laws, as NEST does, before the first step."""
        for process in self.under_way:
            if process is not None:
                process.admit()


class SinusoidalGammaBlock(OscillatingTrainBlock, JointTrainBlock):
    """sinusoidal_gamma_generator."""

    process = trains.ModulatedGamma

    @classmethod
    def normalize(cls, row: Values, given: Set[str], clock: Clock, connected: bool = False) -> None:
        super().normalize(row, given, clock)
        if not 0 <= row["amplitude"] <= row["rate"]:
            raise BadProperty("Rate parameters must fulfill 0 <= amplitude <= rate.")
        check_rate(row["order"] * row["rate"], clock)

    def law(self, i: int) -> trains.ModulatedGammaLaw:
        rate, amplitude = (self.per_step(self.columns[name][i]).item() for name in ("rate", "amplitude"))
        return trains.ModulatedGammaLaw(self.columns["order"][i].item(), rate, amplitude, *self.oscillation(i))


class GammaSuperpositionBlock(JointTrainBlock):
    """gamma_sup_generator."""

    process = trains.GammaSuperposition

    @classmethod
    def normalize(cls, row: Values, given: Set[str], clock: Clock, connected: bool = False) -> None:
        super().normalize(row, given, clock)
        check_processes(row["n_proc"])
        require_memory(32.0 * row["gamma_shape"], f"gamma_sup_generator: {row['gamma_shape']} stages")

    def law(self, i: int) -> trains.GammaLaw:
        shape, n = (self.columns[name][i].item() for name in ("gamma_shape", "n_proc"))
        return trains.GammaLaw(self.per_step(self.columns["rate"][i]).item(), shape, n)


class DeadTimeSuperpositionBlock(JointTrainBlock):
    """ppd_sup_generator."""

    process = trains.DeadTimeSuperposition

    @classmethod
    def normalize(cls, row: Values, given: Set[str], clock: Clock, connected: bool = False) -> None:
        super().normalize(row, given, clock)
        if row["rate"] and 1e3 / row["rate"] <= row["dead_time"]:
            raise BadProperty("The inverse rate has to be larger than the dead time.")
        check_rate(row["rate"], clock)
        check_frequency(row["frequency"])
        check_processes(row["n_proc"])
        require_memory(32.0 * row["dead_time"] / clock.resolution, "ppd_sup_generator: steps of a dead time")

    def law(self, i: int) -> trains.DeadTimeLaw:
        dead, modulation, n = (self.columns[name][i].item() for name in ("dead_time", "relative_amplitude", "n_proc"))
        advance = 2e-3 * np.pi * self.columns["frequency"][i].item() * self.clock.resolution
        rate = self.columns["rate"][i].item()
        resting = int(n * rate / 1000 * self.clock.resolution)  # rounded as in NEST
        dead_steps = dead / self.clock.resolution
        return trains.DeadTimeLaw(self.per_step(rate).item(), dead_steps, n, resting, modulation, advance)


class DeadTimePoissonBlock(JointTrainBlock):
    """poisson_generator_ps, on the time grid; trains begin again if a value changes."""

    process = trains.DeadTime

    @classmethod
    def normalize(cls, row: Values, given: Set[str], clock: Clock, connected: bool = False) -> None:
        super().normalize(row, given, clock)
        check_rate(row["rate"], clock)
        if 1e-3 * row["rate"] * row["dead_time"] > 1:
            raise BadProperty("The inverse rate cannot be smaller than the dead time.")

    def law(self, i: int) -> trains.RestingLaw:
        dead: float = self.columns["dead_time"][i].item()
        return trains.RestingLaw(self.per_step(self.columns["rate"][i]).item(), dead / self.clock.resolution)

    def trains(
        self, i: int, of_device: Callable[[], np.random.Generator], of_connection: Callable[[int], np.random.Generator]
    ) -> Callable[[int], signals.Emitter]:
        present = self.law(i), of_device(), *self.window(i)
        process = self.under_way[i]
        if process is None or present != (process.law, process.random, process.first, process.end):
            process = self.under_way[i] = self.process(*present)
        return process.receiver


class CopyBlock(JointTrainBlock):
    """mip_generator."""

    process = trains.Copies

    @classmethod
    def normalize(cls, row: Values, given: Set[str], clock: Clock, connected: bool = False) -> None:
        super().normalize(row, given, clock)
        check_rate(row["rate"], clock)

    def law(self, i: int) -> trains.CopyLaw:
        return trains.CopyLaw(self.per_step(self.columns["rate"][i]).item(), self.columns["p_copy"][i].item())


class PulsePacketBlock(TrainBlock):
    """pulsepacket_generator.

    Attributes
    ----------
    packets : list of PulsePackets or None
        Of each device, once it takes part in a run; others after new values of its law.
    """

    together = frozenset({"pulse_times"})

    def __init__(self, clock: Clock, model: NodeModel, first: int, n: int) -> None:
        super().__init__(clock, model, first, n)
        self.packets: list[trains.PulsePackets | None] = [None] * n

    @classmethod
    def normalize(cls, row: Values, given: Set[str], clock: Clock, connected: bool = False) -> None:
        super().normalize(row, given, clock)
        row["pulse_times"] = np.sort(row["pulse_times"])
        require_memory(64.0 * row["activity"], f"pulsepacket_generator: {row['activity']} spikes in a packet")

    def is_shared(self, i: int) -> bool:
        return True

    def trains(
        self, i: int, of_device: Callable[[], np.random.Generator], of_connection: Callable[[int], np.random.Generator]
    ) -> Callable[[int], signals.Emitter]:
        size, spread = (self.columns[name][i].item() for name in ("activity", "sdev"))
        times = tuple(np.clip(self.columns["pulse_times"][i], -FURTHEST, FURTHEST).tolist())
        law = trains.PacketLaw(times, size, min(spread, FURTHEST), TICS_PER_MS, self.clock.tics_per_step)
        packets = self.packets[i]
        if packets is None or packets.law != law:
            packets = self.packets[i] = trains.PulsePackets(law, of_device())
        packets.random, (packets.first, packets.end) = of_device(), self.early_steps(i)
        return lambda number: packets
