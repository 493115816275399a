"""Imports of NEST's modules that are no files here: those of its library, and the error for those that gifpop lacks."""

from __future__ import annotations

import sys
from importlib.abc import Loader, MetaPathFinder
from importlib.machinery import ModuleSpec
from types import ModuleType

from gifpop.nest.errors import ModuleNotInGifpop

PACKAGE = "gifpop.nest"
LACKING = {"ll_api", "server", "spatial", "spatial_distributions", "versionchecker", "visualization"}
LACKING_IN_LIBRARY = {"hl_api_connection_helpers", "hl_api_helper", "hl_api_sonata", "hl_api_spatial"}
# Public names that scripts may import from a module of ``nest.lib``.
LIBRARY = {
    "hl_api_connections": "Connect Disconnect GetConnections",
    "hl_api_info": "GetStatus SetStatus VerbosityLevel get_verbosity set_verbosity",
    "hl_api_models": "ConnectionRules CopyModel GetDefaults Models SetDefaults",
    "hl_api_nodes": "Create GetLocalNodeCollection GetNodes PrintNodes",
    "hl_api_parallel_computing": "GetLocalVPs NumProcesses Rank SyncProcesses",
    "hl_api_simulation": "Cleanup GetKernelStatus Prepare ResetKernel Run RunManager SetKernelStatus Simulate",
    "hl_api_types": "CollocatedSynapses CreateParameter NodeCollection Parameter SynapseCollection to_json",
}


class NestModules(MetaPathFinder, Loader):
    """Find modules of NEST below `gifpop.nest`, and below ``nest`` if that is this package."""

    def find_spec(self, fullname: str, path: object = None, target: object = None) -> ModuleSpec | None:
        """Return how to make a module of ``nest.lib``; raise ModuleNotInGifpop for a module that gifpop lacks."""
        package, _, name = fullname.removeprefix("gifpop.").partition(".")
        parent = fullname.removesuffix(f".{name}")
        if package != "nest" or sys.modules.get(parent) is not sys.modules[PACKAGE]:
            return None
        first, _, within = name.partition(".")
        if first in LACKING or (first == "lib" and within in LACKING_IN_LIBRARY):
            raise ModuleNotInGifpop(f"NEST's module '{name}' is not available in gifpop.nest.")
        if name == "lib" or (first == "lib" and within in LIBRARY):
            return ModuleSpec(fullname, self, is_package=name == "lib")
        return None

    def exec_module(self, module: ModuleType) -> None:
        """Give a module of ``nest.lib`` its names."""
        package = sys.modules[PACKAGE]
        for name in LIBRARY.get(module.__name__.rpartition(".")[2], "").split():
            setattr(module, name, getattr(package, name))


def install_finder() -> None:
    """Let the import system find these modules, after all others."""
    if not any(isinstance(finder, NestModules) for finder in sys.meta_path):
        sys.meta_path.append(NestModules())
