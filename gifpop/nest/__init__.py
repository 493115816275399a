"""NEST's own names for gifpop's engine.

A script for NEST 3.10 that uses ``gif_pop_psc_exp``, ``gif_psc_exp`` and ``gif_psc_exp_multisynapse``, their
connections, generators and recorders runs with one line changed, ``import gifpop.nest as nest``, and keeps its meaning
to the time step. Features of NEST that gifpop lacks raise an error that names them.

Where it differs from NEST on purpose:

- Random numbers differ from NEST's; the same ``rng_seed`` gives the same results for any number of threads.
- A history's threshold is corrected for the oldest spike count, where NEST takes the one at storage index 0: once per
  ``len_kernel`` steps the threshold of populations with adaptation differs, by 0.24 mV (5 % of ``mean``) as the initial
  volley leaves the history of NEST's example.
- ``tau_m`` equal or close to ``tau_syn_ex`` or ``tau_syn_in`` works in populations; NEST gives NaN or loses digits.
- Empty ``tau_sfa`` of a population means no adaptation; NEST cannot simulate it.
- If any value is wrong, nothing is set, created or connected; NEST keeps all it did before the error.
- NaN, infinities, a history no longer than the refractory period, negative ``spike_multiplicities``, fewer than one
  thread, and degrees that only autapses could fulfil are errors; ``V_T_star`` can be infinite. Parameters without
  effect here (``stimulus_source``, ...) only take their neutral value; neurons lack those of plasticity
  (``tau_minus``, ``Ca``, ...).
- Input that arrives at a node while it is frozen is lost; NEST delivers it later, after the node moves again.
- Networks and records that would not fit in memory raise a NESTError, which is also a MemoryError, before they are
  made. A run whose spikes would fill the memory ends with one and keeps its records.
- Indices of node collections in a list or array may be negative; slices with steps or of several models cannot be added
  on either side of ``+``, where NEST joins other nodes than those.
- ``tau_sfa``, ``q_sfa``, ``tau_stc`` and ``q_stc`` of neurons can be given as a list of lists, one for each neuron.
- Arrays of identifiers with repetitions can be connected with one weight or a distribution for all, and heed
  ``allow_autapses``.
- `Disconnect` removes all connections that it is given, or none; a collection of connections removes its own, where
  NEST removes the oldest between the same nodes.
- Connections of one source stand in the order of making; NEST's order is undefined.
- After a failed Simulate the simulation can go on. ``biological_time`` cannot be set back.
- A change that Ctrl-C or an error interrupts is made completely or not at all. If that is impossible, as when memory
  runs out in the middle of a step, the kernel refuses to go on until ResetKernel; NEST goes on in an undefined state.
- Spikes of the last slice before a run keep to their own connections when new ones are made; NEST can deliver them
  through connections of other nodes.
- ``gifpop_history``, a setting of gifpop alone, chooses how populations created afterwards keep their history: "exact"
  as in NEST, or "adaptive" (docs/history.md), much faster. ResetKernel sets it to the value of the environment variable
  ``GIFPOP_HISTORY``.
- Files of recorders name gifpop instead of NEST in their first line. If one of them cannot be opened, none is changed.
- Bars of ``raster_plot`` begin where their bins do; NEST's stand half a bin too early.
"""

from __future__ import annotations

import sys
import types
from typing import TYPE_CHECKING, Any

from gifpop.nest import kernel_settings, logic, math, random, raster_plot, voltage_trace
from gifpop.nest.api import (
    Cleanup,
    Connect,
    Create,
    CreateParameter,
    Disconnect,
    GetConnections,
    GetNodes,
    GetStatus,
    Prepare,
    PrintNodes,
    ResetKernel,
    Run,
    RunManager,
    SetStatus,
    Simulate,
)
from gifpop.nest.api_models import CopyModel, GetDefaults, SetDefaults
from gifpop.nest.api_settings import (
    ConnectionRules,
    GetKernelStatus,
    GetLocalNodeCollection,
    GetLocalVPs,
    Models,
    NumProcesses,
    Rank,
    SetKernelStatus,
    SyncProcesses,
    get_verbosity,
    set_verbosity,
)
from gifpop.nest.errors import AttributeNotInGifpop, NESTErrors
from gifpop.nest.errors import KernelException as NESTError
from gifpop.nest.forms import to_json
from gifpop.nest.kernel import VerbosityLevel
from gifpop.nest.nest_modules import install_finder
from gifpop.nest.nest_names import refuse_lacking
from gifpop.nest.node_collection import NodeCollection
from gifpop.nest.parameter import Parameter
from gifpop.nest.stand_in import install
from gifpop.nest.synapse_collection import SynapseCollection
from gifpop.nest.synapses import CollocatedSynapses
from gifpop.version import __version__

if TYPE_CHECKING:
    from gifpop.common.typing import Floats, History

__all__ = [
    "Cleanup",
    "CollocatedSynapses",
    "Connect",
    "ConnectionRules",
    "CopyModel",
    "Create",
    "CreateParameter",
    "Disconnect",
    "GetConnections",
    "GetDefaults",
    "GetKernelStatus",
    "GetLocalNodeCollection",
    "GetLocalVPs",
    "GetNodes",
    "GetStatus",
    "Models",
    "NESTError",
    "NESTErrors",
    "NodeCollection",
    "NumProcesses",
    "Parameter",
    "Prepare",
    "PrintNodes",
    "Rank",
    "ResetKernel",
    "Run",
    "RunManager",
    "SetDefaults",
    "SetKernelStatus",
    "SetStatus",
    "Simulate",
    "SynapseCollection",
    "SyncProcesses",
    "VerbosityLevel",
    "__version__",
    "get_verbosity",
    "install",
    "logic",
    "math",
    "random",
    "raster_plot",
    "set_verbosity",
    "to_json",
    "voltage_trace",
]

# The settings of the kernel, for those who read or check types: `NestModule` reads and sets them.
T_max: float
T_min: float
adaptive_target_buffers: bool
biological_time: float
buffer_size_spike_data: int
buffer_size_target_data: int
build_info: dict[str, Any]
connection_rules: list[str]
data_path: str
data_prefix: str
dict_miss_is_error: bool
eprop_learning_window: float
eprop_reset_neurons_on_update: bool
eprop_update_interval: float
gifpop_history: History
growth_curves: list[str]
growth_factor_buffer_spike_data: float
growth_factor_buffer_target_data: float
keep_source_table: bool
kernel_status: dict[str, Any]
local_num_threads: int
local_spike_counter: int
max_buffer_size_target_data: int
max_delay: float
max_num_syn_models: int
max_update_time: float
memory_size: int
min_delay: float
min_update_time: float
modules: list[str]
mpi_rank: int
ms_per_tic: float
network_size: int
node_models: list[str]
num_connections: int
num_processes: int
off_grid_spiking: bool
overwrite_files: bool
prepared: bool
print_time: bool
recording_backends: list[str]
recv_buffer_size_secondary_events: int
resolution: float
rng_seed: int
rng_type: str
rng_types: list[str]
send_buffer_size_secondary_events: int
spike_buffer_grow_extra: float
spike_buffer_resize_log: dict[str, Any]
spike_buffer_shrink_limit: float
spike_buffer_shrink_spare: float
stimulation_backends: list[str]
structural_plasticity_update_interval: float
synapse_models: list[str]
tics_per_ms: float
tics_per_step: int
time_communicate_prepare: Floats
time_communicate_prepare_cpu: Floats
time_construction_connect: float
time_construction_connect_cpu: float
time_construction_create: float
time_construction_create_cpu: float
time_simulate: float
time_simulate_cpu: float
to_do: int
total_num_virtual_procs: int
update_time_limit: float
use_compressed_spikes: bool
use_wfr: bool
verbosity: VerbosityLevel
wfr_comm_interval: float
wfr_interpolation_order: int
wfr_max_iterations: int
wfr_tol: float

if TYPE_CHECKING:
    get = GetKernelStatus

    def set(**params: Any) -> None: ...


class NestModule(types.ModuleType):
    """A module with the settings of the kernel as attributes."""

    def __getattr__(self, name: str) -> Any:
        if name in kernel_settings.SETTINGS:
            return kernel_settings.SETTINGS[name].read()
        refuse_lacking(name, ("attribute", "setting"), error=AttributeNotInGifpop)
        raise AttributeError(f"module 'nest' has no attribute '{name}'")

    def __setattr__(self, name: str, value: Any) -> None:
        if name in kernel_settings.SETTINGS:
            if kernel_settings.SETTINGS[name].set is None:
                raise AttributeError(f"`{name}` is a read only kernel attribute.")
            kernel_settings.change({name: value})
        elif name in self.__dict__ or name.startswith("__") or isinstance(value, types.ModuleType):
            super().__setattr__(name, value)  # also for the import system, which sets submodules
        else:
            refuse_lacking(name, ("setting",))
            raise AttributeError(f"Cannot set attribute '{name}' on module 'nest'")

    def __dir__(self) -> list[str]:
        return sorted({*super().__dir__(), *kernel_settings.SETTINGS})

    def get(self, *names: str) -> Any:
        """Return settings of the kernel, as `GetKernelStatus`."""
        return GetKernelStatus(*names) if len(names) < 2 else GetKernelStatus(names)

    def set(self, **params: Any) -> None:
        """Set settings of the kernel, as `SetKernelStatus`."""
        kernel_settings.change(params)


sys.modules[__name__].__class__ = NestModule
install_finder()
