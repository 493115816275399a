"""Settings of the kernel: a table of functions that read and set them."""

from __future__ import annotations

import math
import os
from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from gifpop.common import memory_limits
from gifpop.common.grid import TICS_PER_MS
from gifpop.engine.threads import check_threads
from gifpop.nest.backends import BACKENDS, Destination
from gifpop.nest.clock import LONGEST_TIME, MS_PER_TIC
from gifpop.nest.dict_misses import dict_misses
from gifpop.nest.errors import BadProperty, KernelException, TypeMismatch
from gifpop.nest.installation import build_info
from gifpop.nest.kernel import VerbosityLevel, kernel
from gifpop.nest.nest_names import NAMES, refuse_lacking
from gifpop.nest.rules import OPTIONS
from gifpop.nest.value_types import BOOL, DOUBLE, LONG, PLAIN_LONG, STRING, ValueType, nest_type

if TYPE_CHECKING:
    from gifpop.nest.value_types import Values


def _done_before(nodes: str) -> list[str]:
    """Return what has been done that fixes settings, in NEST's words; ``nodes`` says that there are any."""
    done = {
        nodes: kernel.nodes.size > 0,
        "Network has been simulated": kernel.clock.simulated,
        "Model defaults were modified": kernel.defaults_changed,
    }
    return [text for text, true in done.items() if true]


def _set_resolution(value: object) -> None:
    conditions = _done_before("Nodes have already been created")
    if len(conditions) == 1:
        raise KernelException(f"{conditions[0]}: time representation cannot be changed.")
    if conditions:
        raise KernelException(f"Time representation unchanged. Error conditions: {'. '.join(conditions)}.")
    least, most = kernel.delays.ms
    kernel.clock.set_resolution(DOUBLE.convert("resolution", value))
    if kernel.delays.fixed:
        kernel.delays.fix(least, most)


def _set_seed(value: object) -> None:
    seed = LONG.convert("rng_seed", value)
    if not 0 < seed < 2**32:
        raise BadProperty("RNG seed must be in (0, 2^32-1).")
    kernel.set_seed(seed)


def _set_time(value: object) -> None:
    if DOUBLE.convert("biological_time", value) != 0.0:
        raise BadProperty("The simulation time can only be set to 0.0.")
    if kernel.clock.step:
        raise BadProperty("biological_time: gifpop.nest cannot turn back the time; ResetKernel begins anew.")


def _set_threads(name: str, value: object) -> None:
    threads = PLAIN_LONG.convert(name, value)
    if threads == kernel.threads:
        return
    conditions = _done_before("Nodes exist")
    if kernel.delays.fixed:
        conditions.append("Delay extrema have been set")
    if conditions:
        raise KernelException(f"Number of threads unchanged. Error conditions: {'. '.join(conditions)}.")
    if threads < 1:
        raise BadProperty(f"{name} must be >= 1, got {threads}")
    check_threads(name, threads)  # warns if there are fewer processors
    kernel.threads = threads


def _only(name: str, allowed: object, type: ValueType[Any], value: object) -> None:
    if type.convert(name, value) != allowed:
        raise BadProperty(f"{name} can only be {allowed} in gifpop.nest, which has no other.")


def _set_verbosity(value: object) -> None:
    if not isinstance(value, VerbosityLevel):
        raise TypeMismatch(
            f"Expected datatype: Failed to cast 'verbosity' from {nest_type(value)} to type nest::VerbosityLevel"
        )
    kernel.verbosity = value


def _set_print_time(value: object) -> None:
    kernel.print_time = BOOL.convert("print_time", value)


def _set_dict_misses(value: object) -> None:
    dict_misses.are_errors = BOOL.convert("dict_miss_is_error", value)


def _refuse_single_delay(value: object) -> None:
    raise BadProperty("Both min_delay and max_delay have to be specified")


def _stored(name: str) -> Any:
    return kernel.stored.get(name, STORED[name][1])


def _store(name: str, value: object) -> None:
    new = STORED[name][0].convert(name, value)
    if name == "rng_type" and new not in RNG_TYPES:
        raise BadProperty(f"'{new}' is not a known RNG type. See /rng_types for available types")
    if name == "data_path" and not os.path.isdir(new):
        return  # as NEST, which keeps the old one
    kernel.stored = {**kernel.stored, name: new}


def _memory_size() -> int:
    """Return the memory that the process takes, in kB; -1 if the system does not tell."""
    size = memory_limits.taken()
    return -1 if size is None else size // 1024


class Setting(NamedTuple):
    """Functions that read and set a setting; ``set`` is None if it is read-only."""

    read: Callable[[], Any]
    set: Callable[[Any], None] | None = None


# Settings without effect on what is recorded: type and default.
WITHOUT_EFFECT: dict[str, tuple[ValueType[Any], object]] = {
    "adaptive_target_buffers": (BOOL, True),
    "buffer_size_spike_data": (LONG, 2),
    "buffer_size_target_data": (LONG, 2),
    "eprop_learning_window": (DOUBLE, 1000.0),
    "eprop_reset_neurons_on_update": (BOOL, True),
    "eprop_update_interval": (DOUBLE, 1000.0),
    "growth_factor_buffer_target_data": (DOUBLE, 1.5),
    "keep_source_table": (BOOL, True),
    "max_buffer_size_target_data": (LONG, 16777216),
    "rng_type": (STRING, "mt19937_64"),
    "spike_buffer_grow_extra": (DOUBLE, 0.5),
    "spike_buffer_shrink_limit": (DOUBLE, 0.2),
    "spike_buffer_shrink_spare": (DOUBLE, 0.1),
    "structural_plasticity_update_interval": (DOUBLE, 10000.0),
    "use_compressed_spikes": (BOOL, True),
    "use_wfr": (BOOL, True),
    "wfr_comm_interval": (DOUBLE, 1.0),
    "wfr_interpolation_order": (LONG, 3),
    "wfr_max_iterations": (LONG, 15),
    "wfr_tol": (DOUBLE, 0.0001),
}
# Settings that are stored until something needs them; those of files are read when they are opened.
STORED: dict[str, tuple[ValueType[Any], object]] = {
    "data_path": (STRING, Destination().path),
    "data_prefix": (STRING, Destination().prefix),
    "overwrite_files": (BOOL, Destination().overwrite),
    **WITHOUT_EFFECT,
}
RNG_TYPES = ["Philox_32", "Philox_64", "Threefry_32", "Threefry_64", "mt19937", "mt19937_64"]

THREADS = ("local_num_threads", "total_num_virtual_procs")
RESIZED = ("global_max_spikes_sent", "new_buffer_size", "times")  # of buffers, which nothing resizes here

SETTINGS: dict[str, Setting] = {
    "T_max": Setting(lambda: LONGEST_TIME),
    "T_min": Setting(lambda: -LONGEST_TIME),
    "biological_time": Setting(lambda: kernel.clock.ms(kernel.clock.step), _set_time),
    "build_info": Setting(build_info),
    "connection_rules": Setting(lambda: sorted(OPTIONS)),
    "dict_miss_is_error": Setting(lambda: dict_misses.are_errors, _set_dict_misses),
    "growth_curves": Setting(list),
    "growth_factor_buffer_spike_data": Setting(lambda: 1.5),
    "gifpop_history": Setting(lambda: kernel.history, lambda value: kernel.set_history(value, "gifpop_history")),
    "kernel_status": Setting(lambda: status()),
    "local_spike_counter": Setting(lambda: kernel.last_run().spikes),
    "max_num_syn_models": Setting(lambda: 511),
    "max_update_time": Setting(lambda: -math.inf),
    "max_delay": Setting(lambda: kernel.delays.ms[1], _refuse_single_delay),
    "memory_size": Setting(_memory_size),
    "min_update_time": Setting(lambda: math.inf),
    "min_delay": Setting(lambda: kernel.delays.ms[0], _refuse_single_delay),
    "modules": Setting(list),
    "mpi_rank": Setting(lambda: 0),
    "ms_per_tic": Setting(lambda: MS_PER_TIC),
    "network_size": Setting(lambda: kernel.nodes.size),
    "node_models": Setting(lambda: sorted(kernel.models)),
    "num_connections": Setting(lambda: len(kernel.connections)),
    "num_processes": Setting(lambda: 1),
    "off_grid_spiking": Setting(lambda: False),
    "prepared": Setting(lambda: kernel.prepared),
    "print_time": Setting(lambda: kernel.print_time, _set_print_time),
    "recording_backends": Setting(lambda: list(BACKENDS)),
    "recv_buffer_size_secondary_events": Setting(lambda: 0),
    "resolution": Setting(lambda: kernel.clock.resolution, _set_resolution),
    "rng_seed": Setting(lambda: kernel.streams.seed, _set_seed),
    "rng_types": Setting(lambda: list(RNG_TYPES)),
    "send_buffer_size_secondary_events": Setting(lambda: 0),
    "spike_buffer_resize_log": Setting(lambda: {name: np.zeros(0) for name in RESIZED}),
    "stimulation_backends": Setting(list),
    "synapse_models": Setting(lambda: sorted(model.name for model in kernel.synapses)),
    "tics_per_ms": Setting(lambda: 1 / MS_PER_TIC, partial(_only, "tics_per_ms", TICS_PER_MS, LONG)),
    "tics_per_step": Setting(lambda: kernel.clock.tics_per_step),
    "time_communicate_prepare": Setting(lambda: np.zeros(kernel.threads)),
    "time_communicate_prepare_cpu": Setting(lambda: np.zeros(kernel.threads)),
    "time_construction_connect": Setting(lambda: kernel.stopwatches["Connect"].seconds),
    "time_construction_connect_cpu": Setting(lambda: kernel.stopwatches["Connect"].seconds),
    "time_construction_create": Setting(lambda: kernel.stopwatches["Create"].seconds),
    "time_construction_create_cpu": Setting(lambda: kernel.stopwatches["Create"].seconds),
    "time_simulate": Setting(lambda: kernel.last_run().time.seconds),
    "time_simulate_cpu": Setting(lambda: kernel.last_run().time.cpu_seconds),
    "to_do": Setting(lambda: 0),
    "update_time_limit": Setting(lambda: math.inf, partial(_only, "update_time_limit", math.inf, DOUBLE)),
    "verbosity": Setting(lambda: kernel.verbosity, _set_verbosity),
    **{name: Setting(lambda: kernel.threads, partial(_set_threads, name)) for name in THREADS},
    **{name: Setting(partial(_stored, name), partial(_store, name)) for name in STORED},
}


def status() -> Values:
    """Return all settings by name."""
    return {name: setting.read() for name, setting in SETTINGS.items() if name != "kernel_status"}


def look_up(name: str) -> Any:
    """Return a setting by name; raise KeyError if there is none."""
    if name not in SETTINGS:
        refuse_lacking(name, ("setting",))
    return SETTINGS[name].read()


def change(params: Values) -> None:
    """Set settings by name; change nothing if a name or value is wrong."""
    if not dict_misses.are_errors:
        params = {name: value for name, value in params.items() if name in SETTINGS or name in NAMES["setting"]}
    setters = {name: _setter(name) for name in params}
    params = dict(params)
    if "tics_per_ms" in params and "resolution" not in params:
        LONG.convert("tics_per_ms", params["tics_per_ms"])
        raise KernelException("Change of tics_per_ms requires simultaneous specification of resolution.")
    with kernel.restoring():
        _change_threads({name: params.pop(name) for name in THREADS if name in params})
        if "resolution" in params:
            setters["resolution"](params.pop("resolution"))
        if {"min_delay", "max_delay"} <= params.keys():
            kernel.delays.fix(
                DOUBLE.convert("min_delay", params.pop("min_delay")),
                DOUBLE.convert("max_delay", params.pop("max_delay")),
            )
        for name, value in params.items():
            setters[name](value)


def _change_threads(given: Values) -> None:
    """Set the number of threads by one of its names, or by both if they agree; NEST does so before all others."""
    if len({PLAIN_LONG.convert(name, value) for name, value in given.items()}) > 1:
        raise BadProperty(
            "Requested total_num_virtual_procs is incompatible with the number of processes and threads.It must be an "
            "integer multiple of num_processes and equal to local_num_threads * num_processes. Value unchanged."
        )
    for name, value in given.items():
        _set_threads(name, value)


def _setter(name: str) -> Callable[[Any], None]:
    """Return the function that sets a setting; refuse unknown and read-only ones."""
    if name not in SETTINGS:
        refuse_lacking(name, ("setting",))
        known = ", ".join(map(repr, SETTINGS))
        raise ValueError(f"`{name}` is not a valid kernel parameter, valid parameters are: {known}")
    setter = SETTINGS[name].set
    if setter is None:
        raise ValueError(f"`{name}` is a readonly kernel parameter")
    return setter
