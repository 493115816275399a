"""Whole files whose arrays and numbers do not fit together."""

import json

import numpy as np
import pytest
from numpy.testing import assert_array_equal

import gifpop as gp
from gifpop.saving import archive
from tests.helpers.saved import refused, rewritten, simulation
from tests.helpers.state import state_of


def test_an_array_that_is_not_what_it_was(path):
    arrays = {"a": np.arange(6.0), "b": np.zeros(2, np.int64)}
    for name, array in (
        ("a", None),
        ("a", arrays["a"].reshape(2, 3)),
        ("b", np.zeros(2)),
        ("b", np.zeros(3, np.int64)),
    ):
        archive.write(path, {}, arrays)
        with np.load(path) as npz:
            entries = {**npz, name: array}
        np.savez(path, **{key: value for key, value in entries.items() if value is not None})
        match = f"here is truncated or damaged: array {name!r} must be" if array is not None else "here is truncated"
        with pytest.raises(ValueError, match=match):
            archive.read(path, "here", lambda document: None)


def test_the_order_of_bytes_does_not_matter(path):
    arrays = {"a": np.arange(3.0), "b": np.zeros(1, np.dtype([("x", "i4"), ("y", "f8", 2)], align=True))}
    archive.write(path, {}, arrays)
    with np.load(path) as npz:
        swapped = {name: npz[name].astype(npz[name].dtype.newbyteorder()) for name in arrays}
        np.savez(path, gifpop=npz["gifpop"], **swapped)
    _, back = archive.read(path, "here", lambda document: None)
    for name, array in arrays.items():
        assert back[name].dtype.isnative
        assert_array_equal(back[name], array)


@pytest.mark.slow
def test_every_array_is_missed_and_its_kind_checked(good, path):
    path.write_bytes(good[0])
    with np.load(path) as npz:
        names = [name for name in npz.files if name != "gifpop"]
    assert len(names) > 30
    for name in names:
        path.write_bytes(good[0])
        rewritten(path, lambda document, arrays, name=name: arrays.pop(name))
        refused(path, f"is truncated or damaged: .*{name}")
        for change in (lambda a: a.astype("c16") if a.dtype.names is None else a.view("u1"), lambda a: a[np.newaxis]):
            path.write_bytes(good[0])
            rewritten(
                path, lambda document, arrays, name=name, change=change: arrays.update({name: change(arrays[name])})
            )
            refused(path, f"is truncated or damaged: array '{name}' must be .* of shape .*, got ")


@pytest.mark.slow
def test_every_array_matters(good, path):
    """No array in the file goes unused: another content is found out, or is in the loaded state."""
    path.write_bytes(good[0])
    with np.load(path) as npz:
        names = [name for name in npz.files if name != "gifpop" and npz[name].size and not name.startswith("results")]
    for name in names:
        path.write_bytes(good[0])

        def change(document, arrays, name=name):
            arrays[name] = arrays[name].copy()
            arrays[name].view(np.uint8).reshape(-1)[-2:] ^= 0x01

        rewritten(path, change)
        try:
            loaded = gp.Simulation.load(path)
        except ValueError:
            continue
        assert state_of(loaded) != good[1], name


def shorter(array, axis):
    return np.delete(array, -1, axis)


def longer(array, axis):
    return np.concatenate([array, array.take([-1], axis)], axis)


FREE = ("results", "network", "recording")  # arrays that the compiled loop does not see


@pytest.mark.slow
@pytest.mark.parametrize("case", [None, "sparse", "exact", "own noise", "drawn weights"])
@pytest.mark.parametrize("resize", [shorter, longer])
def test_arrays_of_other_shapes(case, resize, good, path):
    """Also where the list in the file says the same, the arrays would not fit together."""
    if case is None:
        data = good[0]
    else:
        sim = simulation(case, record=None)
        sim.run(3.5)
        sim.save(path)
        data = path.read_bytes()
    path.write_bytes(data)
    with np.load(path) as npz:
        arrays = {name: npz[name] for name in npz.files if not name.startswith((*FREE, "gifpop"))}
    for name, array in arrays.items():
        for axis in range(array.ndim):
            if array.shape[axis] == 0 and resize is shorter:
                continue
            if array.size == 0:
                other = np.zeros([n + (i == axis) for i, n in enumerate(array.shape)], array.dtype)
            else:
                other = resize(array, axis)
            path.write_bytes(data)

            def change(document, entries, name=name, other=other):
                entries[name] = other
                document["arrays"][name][1] = list(other.shape)

            rewritten(path, change)
            try:
                loaded = gp.Simulation.load(path)
            except ValueError as error:
                assert str(error).startswith(f"Simulation.load: {str(path)!r} is truncated or damaged: ")
            else:
                assert may_vary(name, resize), (name, axis)
                loaded.run(30.0)


def may_vary(name, resize):
    """Return whether an array may have this other length, alone: other numbers of places, another longest age."""
    return name.endswith(("cells.widest", "shared")) or (resize is longer and name.endswith("cohorts"))


OUTSIDE = {
    "a target that there is not": ("connections.0.units", lambda a: a + 60),
    "a negative target": ("connections.0.units", lambda a: a - 60),
    "connections that there are not": ("connections.0.first", lambda a: a * 2),
    "connections out of order": ("connections.0.first", lambda a: a[::-1].copy()),
    "a lag that is too long": ("connections.0.lags", lambda a: a + 20),
    "a lag that is too short": ("connections.0.lags", lambda a: a * 0),
    "budgets behind the last neuron": ("groups.2-3E.budget", lambda a: a * 0 + 1e-3),
    "a neuron less": ("groups.2-3E.draws", lambda a: a[:, :-1]),
    "parameters of fewer": ("groups.2-3E.parameters.leak", lambda a: a[:, :-1]),
    "adaptation of one term": ("groups.2-3E.sfa", lambda a: a[1:]),
    "a slot less": ("engine.shared", lambda a: a[:, :, 1:]),
    "half a key": ("groups.2-3E.stream", lambda a: a[1:]),
    "fewer sources": ("connections.0.first", lambda a: a[1:]),
    "fewer weights": ("connections.0.weights", lambda a: a[1:]),
}


@pytest.mark.parametrize("what", OUTSIDE)
def test_content_that_leads_outside(what, path):
    name, change = OUTSIDE[what]
    sim = simulation("drawn weights")
    sim.run(5.0)
    sim.save(path)

    def rewrite(document, arrays):
        arrays[name] = change(arrays[name])
        document["arrays"][name][1] = list(arrays[name].shape)

    rewritten(path, rewrite)
    refused(
        path,
        "is truncated or damaged: .* (does not hold|must be .* of shape|must have .* places|must have more than .* slots)",
    )


def test_places_that_lead_outside(good, path):
    """Numbers in the state of a population that say where its cohorts stand."""
    for field, value in (
        ("oldest", 0),
        ("oldest", 10**6),
        ("cohorts", 0),
        ("cohorts", 10**6),
        ("cells", -1),
        ("cells", 10**6),
        ("until_merging", 0),
        ("until_merging", 10**6),
    ):
        path.write_bytes(good[0])

        def change(document, arrays, field=field, value=value):
            arrays["groups.I.state"][field] = value

        rewritten(path, change)
        refused(path, "is truncated or damaged: .* does not hold")


@pytest.mark.slow
def test_numbers_in_the_json_that_lead_outside(path):
    """Whatever is loaded can be run without reading or writing outside its arrays."""

    def fields(document):
        if isinstance(document, dict):
            for key, value in document.items():
                if type(value) is int and key not in ("threads", "pool_size"):  # as slow as asked for
                    yield document, key
                yield from fields(value)
        elif isinstance(document, list):
            for value in document:
                yield from fields(value)

    sim = simulation("mixed")
    sim.run(5.0)
    sim.save(path)
    data, n = path.read_bytes(), 0
    with np.load(path) as npz:
        total = len(list(fields(json.loads(npz["gifpop"].item())["simulation"])))
    for i in range(0, total):
        for value in (-3, 10**6):
            path.write_bytes(data)

            def change(document, arrays, i=i, value=value):
                where, key = list(fields(document["simulation"]))[i]
                where[key] = value

            rewritten(path, change)
            try:
                loaded = gp.Simulation.load(path)
                loaded.run(10.0)
                loaded.reset()
                loaded.run(10.0)
            except (ValueError, MemoryError, IndexError) as error:
                n += str(error).startswith("Simulation.load")
    assert n > total / 2
