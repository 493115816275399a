"""What NEST has and gifpop.nest lacks: one error that names it, in whatever way it is asked for."""

import importlib

import pytest

import gifpop.nest as nest
from gifpop.nest import kernel_settings, nest_modules
from gifpop.nest.errors import NotInGifpop
from gifpop.nest.nest_names import NAMES
from gifpop.nest.rules import OPTIONS

ATTRIBUTE, SETTING, NODE, SYNAPSE = "spatial", "structural_plasticity_synapses", "iaf_psc_exp", "stdp_synapse"
RULE = "third_factor_bernoulli_with_pool"


def nodes():
    return nest.Create("gif_psc_exp", 2)


WAYS = {
    "attribute": (ATTRIBUTE, lambda: getattr(nest, ATTRIBUTE)),
    "setting": (SETTING, lambda: getattr(nest, SETTING)),
    "set attribute": (SETTING, lambda: setattr(nest, SETTING, 1)),
    "get": (SETTING, lambda: nest.get(SETTING)),
    "GetKernelStatus": (SETTING, lambda: nest.GetKernelStatus(["resolution", SETTING])),
    "set": (SETTING, lambda: nest.set(**{SETTING: 1})),
    "SetKernelStatus": (SETTING, lambda: nest.SetKernelStatus({"resolution": 0.5, SETTING: 1})),
    "Create": (NODE, lambda: nest.Create(NODE)),
    "GetDefaults of nodes": (NODE, lambda: nest.GetDefaults(NODE)),
    "SetDefaults of nodes": (NODE, lambda: nest.SetDefaults(NODE, {})),
    "CopyModel of nodes": (NODE, lambda: nest.CopyModel(NODE, "mine")),
    "GetDefaults": (SYNAPSE, lambda: nest.GetDefaults(SYNAPSE)),
    "SetDefaults": (SYNAPSE, lambda: nest.SetDefaults(SYNAPSE, {})),
    "CopyModel": (SYNAPSE, lambda: nest.CopyModel(SYNAPSE, "mine")),
    "syn_spec": (SYNAPSE, lambda: nest.Connect(nodes(), nodes(), syn_spec=SYNAPSE)),
    "synapse_model": (SYNAPSE, lambda: nest.Connect(nodes(), nodes(), syn_spec={"synapse_model": SYNAPSE})),
    "GetConnections": (SYNAPSE, lambda: nest.GetConnections(synapse_model=SYNAPSE)),
    "conn_spec": (RULE, lambda: nest.Connect(nodes(), nodes(), RULE)),
    "rule": (RULE, lambda: nest.Connect(nodes(), nodes(), {"rule": RULE})),
}


@pytest.mark.parametrize("way", WAYS)
def test_one_error_names_it(way):
    name, ask = WAYS[way]
    with pytest.raises(NotInGifpop, match=f"^NEST's [a-z ]*'{name}' is not available in gifpop.nest") as error:
        ask()
    assert isinstance(error.value, nest.NESTError)
    assert nest.resolution == 0.1


def test_no_attribute_of_this_name():
    assert not hasattr(nest, ATTRIBUTE)


def test_all_that_is_there_has_nests_name():
    own = {"gifpop_history"}
    assert set(nest.node_models) <= NAMES["model of nodes"]
    assert set(nest.synapse_models) <= NAMES["synapse model"]
    assert set(OPTIONS) <= NAMES["connection rule"]
    assert kernel_settings.SETTINGS.keys() - own <= NAMES["setting"]
    assert set(nest.__all__) - {"install", "__version__"} <= NAMES["attribute"]


def test_unknown_names_are_others_errors():
    with pytest.raises(AttributeError, match="module 'nest' has no attribute 'foo'"):
        nest.foo  # noqa: B018
    with pytest.raises(KeyError):
        nest.GetKernelStatus("foo")


@pytest.mark.parametrize("name", ["spatial", "spatial.free", "ll_api", "visualization", "lib.hl_api_spatial"])
def test_modules(name):
    lacking = name.partition(".")[0] if name.startswith("spatial") else name
    for _ in range(2):
        with pytest.raises(NotInGifpop, match=f"^NEST's module '{lacking}' is not available in gifpop.nest") as error:
            importlib.import_module(f"gifpop.nest.{name}")
        assert isinstance(error.value, ModuleNotFoundError)
    assert importlib.util.find_spec("gifpop.nest.random") is not None


def test_modules_of_the_library():
    for module, names in nest_modules.LIBRARY.items():
        found = importlib.import_module(f"gifpop.nest.lib.{module}")
        for name in names.split():
            assert getattr(found, name) is getattr(nest, name)


@pytest.mark.parametrize("name", ["foo", "lib.foo", "lib.hl_api_types.foo", "topology"])
def test_unknown_modules(name):
    with pytest.raises(ModuleNotFoundError, match=r"^No module named") as error:
        importlib.import_module(f"gifpop.nest.{name}")
    assert not isinstance(error.value, nest.NESTError)


def test_a_module_that_is_no_part_of_it():
    assert nest_modules.NestModules().find_spec("nest.spatial") is None  # without `install`
    assert nest_modules.NestModules().find_spec("other.spatial") is None
