"""Files of format 1, which held all arrays of the time loop, converted to the present format.

They have more than is needed. At first each receptor had arrays, or fields, of its own. Files of format 2, of neurons
that took steps as in NEST, need no conversion: their state means the same, and begins the next step without a hazard.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from gifpop.common.grid import ends
from gifpop.common.receptors import RECEPTORS, name_currents
from gifpop.meso import _meso
from gifpop.micro import _micro

if TYPE_CHECKING:
    import numpy.typing as npt

    from gifpop.common.typing import Arrays

STATE = {  # what is kept of a population and its parts
    "PopulationPlan": ("state", "sfa", "cohorts"),
    "Cells": ("widest", "rows", "traces"),
    "Carried": ("recent", "added", "free", "fired", "cohorts", "cells", "capacity"),
}
CURRENTS = name_currents(RECEPTORS)


def converted(document: Any, arrays: Arrays) -> tuple[Any, Arrays]:
    """Return JSON and arrays of a simulation in the present format; raise errors of any class for other formats."""
    return _Converter(document, arrays).converted(), arrays


class _Converter:
    """JSON of format 1 and its arrays, to which new ones are added."""

    def __init__(self, document: Any, arrays: Arrays) -> None:
        self._old, self._arrays = dict(document["dict"]), arrays
        self._assembly, self._engine = self._old["assembly"]["Assembly"], self._old["engine"]["Engine"]
        self._named = {node["id"]: node for node in _nodes(document) if "id" in node}

    def converted(self) -> Any:
        assembly, engine = self._assembly, self._engine
        net = assembly["net"]["Network"]
        names = [name for name, _ in net["populations"]["dict"]]
        groups = zip(names, engine["streams"], engine["plans"], strict=True)
        buffers = engine["buffers"]["RingBuffers"]
        return _dict(
            seed=self._old["seed"],
            network_seed=assembly["root"],
            network={"Description": net},
            options=self._options(),
            recording=self._recording(names),
            connections=[_connection(links) for links in assembly["wired"]],
            groups={"dict": [[name, self._group(name, stream, plan)] for name, stream, plan in groups]},
            inputs={"dict": list(self._inputs(net["injections"]))},
            engine=_dict(
                step=engine["step"],
                links=engine.get("states", []),
                **{name: buffers[name] for name in ("shared", "rings", "externals")},
            ),
            results=self._old["results"],
        )

    def _options(self) -> Any:
        old = self._assembly
        kept = {name: old[name] for name in ("dt", "initial", "adaptation", "wiring", "threads")}
        history = {"history": "exact"} if old["tolerance"] is None else {"tolerance": old["tolerance"]}
        return _dict(**kept, **history, level=self._old["level"], smooth=old.get("smooth", False))

    def _recording(self, names: Sequence[str]) -> Any:
        old, counts, spikes = self._old["recording"]["Recording"], [], []
        for i, values in old["prescribed"]["dict"]:
            if "tuple" in values:
                steps, neurons = values["tuple"]
                times = self._add(f"times.{i}", ends(self._array(steps), old["dt"]))
                spikes.append([names[i], {"tuple": [times, neurons]}])
            else:
                counts.append([names[i], values])
        return _dict(
            record=old["recorded"],
            record_interval=old["every"] * old["dt"],
            record_neurons=old["neurons"],
            counts={"dict": counts},
            spikes={"dict": spikes},
        )

    def _group(self, name: str, stream: Any, plan: Any) -> Any:
        make = self._neurons if "NeuronPlan" in plan else self._population
        return _dict(stream=self._stream(stream), **make(name, plan))

    def _neurons(self, name: str, plan: Any) -> dict[str, Any]:
        plan = plan["NeuronPlan"]
        state, parameters = dict(plan["state"]["dict"]), dict(plan["parameters"]["dict"])
        self._stack(name, state, "I_syn", CURRENTS)
        for each in ("carry", "decay"):
            self._stack(name, parameters, each, [f"{each}_{receptor}" for receptor in RECEPTORS])
        drawn = {key: one for key, one in parameters.items() if self._array(one).shape[1] != _micro.TILE}
        return state | {f"parameters.{key}": one for key, one in drawn.items()}

    def _stack(self, name: str, parts: dict[str, Any], stacked: str, of_each: Sequence[str]) -> None:
        """Replace the arrays of each receptor by one with a row for each."""
        if stacked not in parts:
            rows = [self._array(parts.pop(one)) for one in of_each]
            places = max(row.shape[1] for row in rows)
            rows = [np.resize(row, (1, places)) for row in rows]
            parts[stacked] = self._add(f"{stacked}.{name}", np.vstack(rows))

    def _population(self, name: str, plan: Any) -> dict[str, Any]:
        plan = plan["PopulationPlan"]
        kept = {key: plan[key] for key in STATE["PopulationPlan"]}
        if "I_syn" in plan:
            kept["I_syn"] = plan["I_syn"]
        else:
            old, state = self._array(plan["state"]), np.zeros(1, _meso.STATE)
            for field in state.dtype.names or ():
                state[field] = old[field]
            kept["state"] = self._add(f"state.{name}", state)
            kept["I_syn"] = self._add(f"I_syn.{name}", np.array([old[current][0] for current in CURRENTS]))
        for key, cls in (("cells", "Cells"), ("carried", "Carried")):
            part = (plan[key] or {}).get(cls, {})
            kept |= {f"{key}.{each}": part[each] for each in STATE[cls] if part.get(each) is not None}
        return kept

    def _inputs(self, injections: Sequence[Any]) -> Iterator[list[Any]]:
        """Yield number and stream of each random input."""
        levels = dict(self._assembly["level_names"]["dict"])
        lines, noise = iter(self._engine["signals"]), iter(self._engine["noise"])
        for injection in (each["Injection"] for each in injections):
            poisson = injection["input"].get("PoissonSpikes", {"shared": True})
            if not poisson["shared"] and levels[injection["post"]] == "micro":
                yield [injection["number"], self._stream(next(noise)["NoiseLink"]["stream"])]
            elif "PoissonCounts" in (line := next(lines)):
                generator = line["PoissonCounts"]["random"]["Generator"]
                yield [injection["number"], self._stream(generator["bit_generator"])]

    def _stream(self, stream: Any) -> Any:
        """Return the state of a bit generator, or the key of neurons."""
        whole = self._named[stream["same"]] if "same" in stream else stream
        return whole["PCG64"]["state"] if "PCG64" in whole else whole

    def _array(self, node: Any) -> npt.NDArray[Any]:
        return self._arrays[node["array"]]

    def _add(self, name: str, array: npt.NDArray[Any]) -> Any:
        """Add an array, under a name that none has; return what stands for it."""
        name = f"converted.{name}"
        self._arrays[name] = array
        return {"array": name}


def _connection(links: Sequence[Any]) -> Any:
    """Return the arrays of a connection, or None."""
    link = links[0]["Link"]
    return link["first"] and _dict(**{name: link[name] for name in ("first", "units", "weights", "lags")})


def _dict(**parts: Any) -> Any:
    return {"dict": [[name, part] for name, part in parts.items()]}


def _nodes(document: Any) -> Iterator[dict[str, Any]]:
    """Yield all that stands for an object or a container."""
    if isinstance(document, dict):
        yield document
        document = list(document.values())
    if isinstance(document, list):
        for part in document:
            yield from _nodes(part)
