"""gifpop.nest: pulsepacket_generator. Times of packets without width are NEST 3.10's."""

import numpy as np
import pytest
from numpy.testing import assert_array_equal
from scipy import stats

import gifpop.nest as nest
from tests.helpers.nest_trains import PACKETS, WINDOW, recorded

FALSE_ALARM = 1e-6


H = 1.0  # ms


@pytest.mark.parametrize(
    ("resolution", "acts", "parameters", "expected"),
    [
        (1.0, [12], {"pulse_times": [3.0, 5.4, 8.0]}, [4, 7, 9]),
        (0.5, [4], {"pulse_times": [1.0, 1.2, 1.5, 3.0]}, [3, 4, 4, 7]),
        (1.0, [12], {"pulse_times": [0.0, 1.0, 3.0, 10.0, 11.0]} | WINDOW, [4]),
        (1.0, [14], {"pulse_times": np.arange(1.0, 12.0), "start": 1.0, "stop": 8.0, "origin": 2.0}, [*range(3, 10)]),
        (
            1.0,
            [8],
            {"pulse_times": [0.0, 0.3, 0.5, 1.0, 1.5, 2.0004, 2.0005, 2.0006, 2.001, 2.999, 2.9996, 3.0, -1.0, -0.001]},
            [1, 1, 2, 2, 2, 3, 3, 4, 4, 4, 4, 4, 4],
        ),
        (1.0, [4, {"pulse_times": [9.0]}, 8], {"pulse_times": [5.0]}, [10]),
        (1.0, [4, {"pulse_times": [2.0, 4.0]}, 8], {"pulse_times": [5.0]}, [5]),
        (1.0, [2, {"activity": 2}, 8], {"pulse_times": [1.0, 5.0]}, [2, 6, 6]),
        (1.0, [13, {"start": 15.0}, 7], {"pulse_times": [13.4]}, []),
        (1.0, [13, {"start": 15.0}, 7], {"pulse_times": [14.0]}, [15]),
        (1.0, [13, {"start": 14.0}, 7], {"pulse_times": [13.4]}, [15]),
    ],
)
def test_times_of_packets(resolution, acts, parameters, expected):
    nest.resolution = resolution
    counts = recorded(PACKETS, *acts, **({"activity": 1} | parameters))[0]
    assert np.repeat(1 + np.arange(len(counts)), counts).tolist() == expected


def test_widths_of_packets():
    """A normal distribution, cut where the device begins and ends; false alarm: 1e-6 each."""
    for acts, window, first, last in (
        ([14], {}, 1, 14),
        ([14], {"start": 3.0, "stop": 10.0}, 3, 9),
        ([1] * 14, {}, 1, 14),
    ):
        nest.ResetKernel()
        nest.resolution = 1.0
        counts = recorded(PACKETS, *acts, pulse_times=[6.0], activity=100000, sdev=2.0, **window)[0]
        assert not counts[: first - 1].any()
        assert not counts[last:].any()
        within = np.diff(stats.norm(6.0, 2.0).cdf(np.arange(-1, 14) + 0.0005))
        within[first - 1] = 0.0  # all but the first thousandth of a step is of before
        expected, found = 100000 * within[first:last], counts[first:last]
        rest = 100000 - expected.sum(), 100000 - found.sum()
        assert stats.chisquare(np.append(found, rest[1]), np.append(expected, rest[0])).pvalue > FALSE_ALARM


def test_packets_that_are_under_way_go_on():
    """A change of the window or of another node does not draw them again; one of their values does."""

    def values(*acts):
        nest.ResetKernel()
        nest.resolution = 1.0
        return recorded(PACKETS, *acts, pulse_times=[5.0], activity=1000, sdev=2.0)[0]

    whole = values(20)
    assert_array_equal(values(4, {"start": 1.0}, 3, lambda g: nest.Create("dc_generator"), 13), whole)
    assert_array_equal(values(*[1] * 20), whole)
    assert whole.sum() > 980
    changed = values(4, {"activity": 2000}, 16)
    assert_array_equal(changed[:4], whole[:4])
    assert changed[4:].sum() > 1250


def test_values_of_packets():
    g = nest.Create(PACKETS, params={"pulse_times": [3.0, -1.0, 2.5]})
    assert g.pulse_times.tolist() == [-1.0, 2.5, 3.0]
    g.set(sdev=1.0)
    assert (g.activity, g.sdev) == (0, 1.0)
