"""gifpop.nest: values of nodes that are drawn, by parameters of nest.random and nest.math."""

import numpy as np
import pytest

import gifpop.nest as nest

Errors = nest.NESTErrors


H = 0.5  # ms


def test_drawn_values():
    neurons = nest.Create("gif_psc_exp", 1000, {"V_m": nest.random.uniform(-70.0, -60.0)})
    drawn = np.array(neurons.V_m)
    assert -70.0 <= drawn.min() < -69.9 and -60.1 < drawn.max() < -60.0
    assert abs(drawn.mean() + 65.0) < 5.5 * 10 / np.sqrt(12 * 1000)  # exceeded once in 3e7 times
    neurons.set(C_m=2.0 * nest.random.uniform(1.0, 2.0) + 3.0, g_L=nest.random.lognormal(1.0, 0.5), E_L=0 * drawn)
    assert 5.0 <= min(neurons.C_m) < max(neurons.C_m) <= 7.0
    assert abs(np.log(neurons.g_L).std() - 0.5) < 5.5 * 0.5 / np.sqrt(2 * 1000)
    neurons.I_e = nest.random.exponential(3.0)
    assert abs(np.mean(neurons.I_e) - 3.0) < 5.5 * 3.0 / np.sqrt(1000)
    neurons.I_e = nest.math.redraw(nest.random.normal(0.0, 10.0), min=-5.0, max=5.0)
    assert -5.0 <= min(neurons.I_e) < -4.0 and 4.0 < max(neurons.I_e) <= 5.0
    with pytest.raises(Errors.BadProperty, match="with node ID 1: Capacitance"):
        neurons.C_m = -1.0 * nest.random.uniform(1.0, 2.0)
    populations = nest.Create("gif_pop_psc_exp", 50, {"N": nest.random.uniform_int(3) + 1, "I_e": nest.random.normal()})
    assert set(populations.N) == {1, 2, 3}
    each = nest.Create("gif_psc_exp", 2, [{"V_m": nest.random.uniform()}] * 2).V_m
    assert each[0] != each[1]


def test_drawn_values_come_from_the_seed():
    def draw(seed):
        nest.ResetKernel()
        nest.rng_seed = seed
        neurons = nest.Create("gif_psc_exp", 3, {"V_m": nest.random.normal()})
        neurons.E_L = nest.random.normal()
        return neurons.V_m + neurons.E_L + (nest.random.uniform().GetValue(),)

    assert draw(1) == draw(1)
    assert len(set(draw(1) + draw(2))) == 14


@pytest.mark.parametrize(
    ("make", "error", "text"),
    [
        (lambda: nest.random.uniform(2.0, 1.0), Errors.BadProperty, "nest::UniformParameter: min < max required."),
        (lambda: nest.random.normal(1.0, 0.0), Errors.BadProperty, "nest::NormalParameter: std > 0 required."),
        (lambda: nest.random.lognormal(1.0, -1.0), Errors.BadProperty, "nest::LognormalParameter: std > 0 required."),
        (lambda: nest.random.uniform_int(0), Errors.BadProperty, "nest::UniformIntParameter: max > 0 required."),
        (lambda: nest.random.uniform("a"), ValueError, "could not convert string to float: 'a'"),
        (lambda: nest.random.uniform() + "a", NotImplementedError, "combines with numbers"),
        (lambda: nest.random.uniform() * np.ones(2), NotImplementedError, "combines with numbers"),
        (lambda: nest.random.uniform() ** nest.random.uniform(), TypeError, "float"),
        (lambda: nest.math.redraw(nest.random.uniform(), 2.0, 1.0), Errors.BadParameterValue, "min <= max"),
        (
            lambda: nest.math.redraw(nest.random.uniform(), 2.0, 3.0).GetValue(),
            nest.NESTError,
            "Number of redraws exceeded limit of 1000",
        ),
        (
            lambda: nest.SetDefaults("gif_psc_exp", {"V_m": nest.random.uniform()}),
            ValueError,
            r"SetDefaults\(\) accepts only explicit, single parameter values.",
        ),
        (
            lambda: nest.Create("gif_psc_exp", 1, {"tau_sfa": nest.random.uniform()}),
            Errors.TypeMismatch,
            "'tau_sfa' from std::shared_ptr<nest::Parameter> to type std::vector<double>",
        ),
        (
            lambda: nest.Create("gif_psc_exp", 1, {"foo": nest.random.uniform()}),
            Errors.UnaccessedDictionaryEntry,
            "foo",
        ),
    ],
)
def test_bad_parameters_objects(make, error, text):
    with pytest.raises(error, match=text):
        make()


@pytest.mark.parametrize(
    ("combine", "low", "high"),
    [
        (lambda u: u + 1, 2.0, 3.0),
        (lambda u: 1 + u, 2.0, 3.0),
        (lambda u: u - 1, 0.0, 1.0),
        (lambda u: 1 - u, -1.0, 0.0),
        (lambda u: 3 * u, 3.0, 6.0),
        (lambda u: u / 2, 0.5, 1.0),
        (lambda u: 2 / u, 1.0, 2.0),
        (lambda u: u**2, 1.0, 4.0),
        (lambda u: -u, -2.0, -1.0),
        (lambda u: +u, 1.0, 2.0),
        (lambda u: u + u, 2.0, 4.0),
        (lambda u: u - u, -1.0, 1.0),
        (lambda u: np.float64(1.0) + u, 2.0, 3.0),
        (lambda u: u * np.float64(2.0), 2.0, 4.0),
        (lambda u: nest.math.exp(u), 2.718, 7.39),
        (lambda u: nest.math.min(u, 1.5), 1.0, 1.5),
        (lambda u: nest.math.max(u, 1.5), 1.5, 2.0),
        (lambda u: nest.math.sin(u), 0.84, 1.0),
        (lambda u: nest.math.cos(u), -0.4162, 0.5404),
    ],
)
def test_arithmetic_of_parameters(combine, low, high):
    made = combine(nest.random.uniform(1.0, 2.0))
    assert isinstance(made, nest.Parameter)
    assert not made.is_spatial()
    assert all(low <= made.GetValue() <= high for _ in range(20)), made
