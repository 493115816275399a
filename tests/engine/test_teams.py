"""How many threads there are, where they come from, and how they end."""

import multiprocessing
import os
import subprocess
import sys
import tempfile
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import nullcontext

import numpy as np
import pytest
from numpy.testing import assert_array_equal

import gifpop as gp
from gifpop import _core, nest
from gifpop.engine import _team, threads
from tests.helpers.networks import brunel
from tests.helpers.state import engine_of

LINUX = pytest.mark.skipif(sys.platform != "linux", reason="the system is another one")
FORKS = pytest.mark.skipif("fork" not in multiprocessing.get_all_start_methods(), reason="the system cannot fork")


@pytest.fixture
def two_processors(monkeypatch):
    monkeypatch.setattr(threads, "processors", lambda: 2)


@pytest.fixture
def shared():
    """Share the work of every network, also where one thread is faster."""
    _core.share_always_among_threads(True)
    yield
    _core.share_always_among_threads(False)


def simulate(_=0, n_threads=2, seed=1):
    return (
        brunel(N=(640, 160)).simulate(50.0, dt=0.5, seed=seed, level="micro", threads=n_threads, progress=False).counts
    )


def tasks():
    """Return the threads of this process, as the system numbers them."""
    return set(os.listdir("/proc/self/task"))


# -- how many ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("asked", [3, 100_000, 2**40, np.int64(7)])
def test_at_most_one_for_each_processor(two_processors, asked):
    message = (
        f"^Simulation.threads: {asked} threads were asked for, 2 used, since this process may run on 2 processors$"
    )
    with pytest.warns(UserWarning, match=message):
        sim = gp.Simulation(brunel(N=(8, 2)), dt=0.5, threads=asked)
    assert engine_of(sim).threads == 2
    sim.run(1.0)


def test_trials_and_comparisons_and_files_follow(two_processors, tmp_path, monkeypatch):
    net = brunel(N=(80, 20))
    with pytest.warns(UserWarning, match=r"^Simulation.threads: 3 .* 2 used"):
        net.simulate(5.0, dt=0.5, trials=3, keep="mean", threads=3)
    with pytest.warns(UserWarning, match=r"^compare.threads: 1099511627776 .* 2 used"):
        gp.compare(net, 5.0, dt=0.5, trials=2, threads=2**40)
    gp.compare(net, 5.0, dt=0.5, trials=2)
    gp.Simulation(net, dt=0.5, threads=2).save(tmp_path / "saved.npz")
    with pytest.warns(UserWarning, match=r"^Simulation.load: threads: 9 .* 2 used"):
        assert engine_of(gp.Simulation.load(tmp_path / "saved.npz", threads=9)).threads == 2
    monkeypatch.setattr(threads, "processors", lambda: 1)
    with pytest.warns(UserWarning, match=r"^Simulation.load: threads: 2 .* 1 used, since .* one processor$"):
        assert engine_of(gp.Simulation.load(tmp_path / "saved.npz")).threads == 1
    gp.compare(net, 5.0, dt=0.5, trials=2)


@pytest.mark.parametrize("name", ["local_num_threads", "total_num_virtual_procs"])
def test_nest_follows(two_processors, name, monkeypatch):
    """As in NEST what was set is read back; the loop takes no more threads than there are processors."""
    taken = []
    monkeypatch.setattr(threads, "team", lambda number: taken.append(number) or nullcontext())
    nest.ResetKernel()
    with pytest.warns(UserWarning, match=f"^{name}: 8 threads were asked for, 2 used"):
        setattr(nest, name, 8)
    assert nest.local_num_threads == nest.total_num_virtual_procs == 8
    nest.Create("gif_psc_exp")
    nest.Simulate(1.0)
    assert set(taken) == {2}
    nest.ResetKernel()


@LINUX
def test_processors_are_those_that_this_process_may_use():
    script = """if True:
        import os, warnings
        os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})
        import gifpop as gp
        warnings.simplefilter("error")
        try:
            gp.Simulation(gp.models.brunel(), dt=0.5, threads=2)
        except UserWarning as warning:
            print(warning)
        gp.show_config()
    """
    shown = run_script(script).stdout
    assert "1 used, since this process may run on one processor" in shown
    assert "threads: up to 1, " in shown


# -- whether they start -----------------------------------------------------------------------------------------------


@LINUX
def test_threads_that_the_system_does_not_start(monkeypatch, shared):
    """Those that there are do the work; it is said once."""
    expected = simulate(n_threads=1)
    monkeypatch.setattr(threads, "_idle", [])
    monkeypatch.setattr(threads, "_failed", False)
    before = threading.stack_size(1 << 47)  # more than there are addresses
    try:
        with pytest.warns(UserWarning, match="as many threads as were asked for: 1 of 3 are used") as caught:
            counts = simulate(n_threads=3)
        assert len(caught) == 1
        assert_array_equal(simulate(n_threads=3), counts)
    finally:
        threading.stack_size(before)
    assert_array_equal(counts, expected)
    assert_array_equal(simulate(n_threads=3), expected)
    assert threads._idle[0].grow(3) == 3


@pytest.mark.parametrize("fails", [False, True])
def test_a_loop_of_python_in_threads(monkeypatch, fails):
    """Each number has its turn, in the calling thread if there is no other; the first error ends it."""

    def start(self):
        raise RuntimeError("can't start new thread")

    monkeypatch.setattr(threads, "_failed", True)
    if fails:
        monkeypatch.setattr(threading.Thread, "start", start)
    done = []
    threads.for_each(lambda i, look: done.append(i), 100, 3)
    assert sorted(done) == list(range(100))
    with pytest.raises(ZeroDivisionError):
        threads.for_each(lambda i, look: done.append(1 // (20 - i)), 1_000_000, 3)
    assert len(done) < 100_000


def test_a_warning_that_is_an_error_loses_nothing(monkeypatch, shared):
    """The simulation goes on afterwards."""

    class NoHelpers:
        def grow(self, n):
            return 1

    expected = gp.Simulation(brunel(N=(8, 2)), dt=0.5, seed=1).run(20.0).counts
    sim = gp.Simulation(brunel(N=(8, 2)), dt=0.5, seed=1, threads=2)
    with monkeypatch.context() as patched:
        patched.setattr(threads, "_idle", [NoHelpers()])
        patched.setattr(threads, "_failed", False)
        with pytest.raises(UserWarning, match="1 of 2 are used"):
            sim.run(20.0)
    sim.run(20.0)
    assert_array_equal(sim.result().counts, expected)


def test_a_team_grows_and_shrinks():
    team = _team.Team()
    assert [team.grow(n) for n in (1, 4, 2, 5)] == [1, 4, 2, 5]


@LINUX
def test_teams_end():
    """Helpers leave when their team goes."""
    time.sleep(0.1)  # so that those of other tests are gone
    before, team = tasks(), _team.Team()
    team.grow(9)
    assert len(tasks() - before) == 8
    del team
    for _ in range(500):
        if not tasks() - before:
            return
        time.sleep(0.01)
    raise AssertionError(f"{len(tasks() - before)} threads are left")


# -- several runs at once ---------------------------------------------------------------------------------------------


@pytest.mark.timeout(60)
def test_runs_of_several_threads_at_once(shared):
    """Each has a team of its own."""
    expected = [simulate(seed=seed, n_threads=1) for seed in range(8)]
    with ThreadPoolExecutor(4) as pool:
        for counts, right in zip(pool.map(lambda seed: simulate(seed=seed), range(8)), expected, strict=True):
            assert_array_equal(counts, right)


def test_runs_one_after_another_have_the_same_team(monkeypatch, shared):
    monkeypatch.setattr(threads, "_idle", [])
    for _ in range(3):
        simulate()
    assert len(threads._idle) == 1


# -- forks and exits --------------------------------------------------------------------------------------------------


def simulate_in_child(_):
    """Return what is simulated and how many threads that takes, beside the one of the caller."""
    before = tasks()
    return simulate(n_threads=4), len(tasks() - before)


@LINUX
@FORKS
@pytest.mark.timeout(60)
def test_children_of_a_fork_have_threads_of_their_own(shared):
    expected = simulate(n_threads=4)
    with multiprocessing.get_context("fork").Pool(1) as pool:
        for repetition, (counts, started) in enumerate(pool.map_async(simulate_in_child, range(3)).get(timeout=60)):
            assert_array_equal(counts, expected)
            assert started == (0 if repetition else 3)
    assert_array_equal(simulate(n_threads=4), expected)


@FORKS
@pytest.mark.timeout(60)
@pytest.mark.filterwarnings("ignore:.*multi-threaded:DeprecationWarning")
def test_a_fork_while_threads_are_at_work(shared):
    """The child's are not those that run in the parent."""
    expected, stop = simulate(), threading.Event()

    def work():
        while not stop.is_set():
            simulate()

    worker = threading.Thread(target=work)
    worker.start()
    try:
        for _ in range(3):
            with multiprocessing.get_context("fork").Pool(1) as pool:
                assert_array_equal(pool.apply_async(simulate).get(timeout=60), expected)
    finally:
        stop.set()
        worker.join()


def run_script(script):
    folder = tempfile.gettempdir()  # not where there may be sources
    return subprocess.run([sys.executable, "-c", script], cwd=folder, capture_output=True, text=True, timeout=60)


@pytest.mark.parametrize("kind", ["daemon", "exit", "idle"])
def test_the_interpreter_exits(kind):
    """Whether a run is in progress in a thread that nobody waits for, or threads sleep."""
    ends = {
        "daemon": "thread = threading.Thread(target=run, args=(1e6,), daemon=True); thread.start(); time.sleep(0.3)",
        "exit": "run(50.0); sys.exit(0)",
        "idle": "run(50.0); began = time.process_time(); time.sleep(0.3); assert time.process_time() - began < 0.1",
    }
    done = run_script(f"""if True:
        import sys, threading, time
        import gifpop as gp
        from gifpop import _core
        from gifpop.engine import threads
        threads.processors = lambda: 4
        _core.share_always_among_threads(True)
        def run(duration):
            gp.models.brunel().simulate(duration, dt=0.5, level="micro", threads=4, progress=False)
        {ends[kind]}
    """)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


# -- whether sharing pays ---------------------------------------------------------------------------------------------

US, MS = 1_000, 1_000_000


def rehearse(alone, together):
    """Return what all slices take as chosen and in one thread (ns), and the share of them that threads share."""
    alone, together = (
        np.ascontiguousarray(np.broadcast_to(times, np.shape(alone)), dtype=np.int64) for times in (alone, together)
    )
    choices = np.array(_core.rehearse(alone, together))
    return np.where(choices, together, alone).sum(), alone.sum(), choices.mean()


def test_small_networks_stay_in_one_thread():
    assert rehearse(np.full(200_000, 8 * US), 1)[2] == 0.0


@pytest.mark.parametrize("slice_ns", [20 * US, 500 * US, 20 * MS])
def test_together_where_that_is_faster(slice_ns):
    """Nearly all of the time, beside a few slices by which that is known."""
    n = 10_000 * MS // slice_ns
    took, alone, shared = rehearse(np.full(n, slice_ns), slice_ns * 6 // 10)
    assert took < 0.61 * alone
    assert shared > 0.97


@pytest.mark.parametrize("factor", [1.05, 1.5, 5.0, 500.0])
@pytest.mark.parametrize("slice_ns", [20 * US, 500 * US])
def test_alone_where_that_is_faster(slice_ns, factor):
    """What is lost until that is known does not add up."""
    n = 10_000 * MS // slice_ns
    took, alone, _ = rehearse(np.full(n, slice_ns), int(slice_ns * factor))
    assert took < 1.02 * alone + 30 * slice_ns * factor


@pytest.mark.parametrize("stall", [1, 4, 20])
def test_a_helper_that_is_often_stopped(stall):
    """Twice as fast for 3 ms, then a wait of some ms: whether that pays or not, little is lost."""
    together = np.full(100_000, 50 * US)
    together[np.cumsum(together) % (3 * MS) < 50 * US] += stall * MS
    took, alone, _ = rehearse(np.full(len(together), 100 * US), together)
    assert took < min(1.04 * alone, 1.3 * together.sum())


def test_the_choice_is_made_again():
    """A busy process comes and goes; so does the activity of the network."""
    alone = np.full(60_000, 100 * US)
    together = np.concatenate([np.full(20_000, 60 * US), np.full(20_000, 900 * US), np.full(20_000, 60 * US)])
    took, _, _ = rehearse(alone, together)
    assert took < 1.1 * np.minimum(alone, together).sum()
    bursts = 1.0 + 3.0 * (np.arange(60_000) % 400 < 100)
    took, alone_ns, _ = rehearse(alone * bursts, 60 * US * bursts)
    assert took < 0.68 * alone_ns


@pytest.mark.timeout(120)
def test_beside_a_busy_process():
    """Two threads take not much longer than one where other processes come between; benchmarks/threads.py measures it."""
    ratios = []
    hog = subprocess.Popen([sys.executable, "-c", "while True: pass"])
    try:
        sims = [gp.Simulation(gp.models.potjans_diesmann(), dt=0.1, seed=1, threads=n) for n in (1, 2)]
        while len(ratios) < 3 and min(ratios, default=np.inf) > 2.5:
            times = [[seconds_of(sim.run) for sim in sims] for _ in range(7)]
            alone, together = np.median(times, axis=0)
            ratios.append(together / alone)
    finally:
        hog.kill()
        hog.wait()
    assert min(ratios) < 2.5


def seconds_of(run):
    began = time.perf_counter()
    run(200.0)
    return time.perf_counter() - began
