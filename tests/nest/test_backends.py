"""Recording to files and to the screen: NEST's names, format and errors. Files are those of NEST 3.10."""

import os
import signal
import subprocess
import sys
import textwrap
import time

import numpy as np
import pytest
from numpy.testing import assert_array_equal

import gifpop.nest as nest
from gifpop.nest import backends
from gifpop.nest.kernel import kernel

Errors = nest.NESTErrors


@pytest.fixture(autouse=True)
def folder(tmp_path):
    nest.ResetKernel()
    nest.set(data_path=str(tmp_path), data_prefix="", overwrite_files=False)
    yield tmp_path
    kernel.stored = {}
    nest.ResetKernel()


def recorder(**params):
    """Return a spike recorder of a generator that spikes at 1, 2, 7 and 12 ms."""
    generator = nest.Create("spike_generator", params={"spike_times": [1.0, 2.0, 7.0, 12.0]})
    recorder = nest.Create("spike_recorder", params={"record_to": "ascii", **params})
    nest.Connect(generator, recorder)
    return recorder


def content(folder):
    """Return the lines of all files, without comments, by the files' names."""
    return {
        path.name: [line for line in path.read_text().splitlines() if not line.startswith("#")]
        for path in sorted(folder.iterdir())
    }


def test_names_and_format_of_files(folder):
    nest.set(local_num_threads=2, data_prefix="run_")
    neurons = nest.Create("gif_psc_exp", 3, {"V_m": 0.0, "lambda_0": 1e9, "t_ref": 2.0})
    population = nest.Create("gif_pop_psc_exp", 1, {"lambda_0": 0.0})
    spikes = nest.Create("spike_recorder", 2, {"record_to": "ascii"})
    spikes[1].set(label="lab", time_in_steps=True, file_extension="txt")
    meter = nest.Create("multimeter", params={"record_to": "ascii", "record_from": ["V_m", "I_syn_ex"]})
    other = nest.Create("multimeter", params={"record_to": "ascii", "record_from": ["n_events"], "label": "pop"})
    nest.Connect(neurons, spikes)
    nest.Connect(meter, neurons)
    nest.Connect(other, population)
    threads = nest.local_num_threads  # as many as there are processors
    assert spikes.filenames == (
        [f"{folder}/run_spike_recorder-5-{threads - 1}.dat"],
        [f"{folder}/run_lab-6-{threads - 1}.txt"],
    )
    nest.Simulate(5.0)
    if threads != 2:
        pytest.skip("needs two processors")
    potentials = ["1.000\t-55.000\t0.000", "2.000\t-55.000\t0.000", "3.000\t-55.660\t0.000", "4.000\t-56.359\t0.000"]
    assert content(folder) == {
        "run_lab-6-0.txt": ["sender\ttime_step\ttime_offset", "2\t1\t0.000"],
        "run_lab-6-1.txt": ["sender\ttime_step\ttime_offset", "1\t1\t0.000", "3\t1\t0.000"],
        "run_multimeter-7-0.dat": ["sender\ttime_ms\tV_m\tI_syn_ex", *(f"2\t{line}" for line in potentials)],
        "run_multimeter-7-1.dat": [
            "sender\ttime_ms\tV_m\tI_syn_ex",
            *(f"{node}\t{line}" for line in potentials for node in (1, 3)),
        ],
        "run_pop-8-0.dat": ["sender\ttime_ms\tn_events", *(f"4\t{time}.000\t0.000" for time in (1, 2, 3, 4))],
        "run_pop-8-1.dat": ["sender\ttime_ms\tn_events"],
        "run_spike_recorder-5-0.dat": ["sender\ttime_ms", "2\t0.100"],
        "run_spike_recorder-5-1.dat": ["sender\ttime_ms", "1\t0.100", "3\t0.100"],
    }
    assert spikes.n_events == (3, 3)
    assert meter.n_events == 12
    with pytest.raises(KeyError, match="events"):
        meter.get("events")
    comments = (folder / "run_pop-8-1.dat").read_text().splitlines()[:2]
    assert comments[0].startswith("# gifpop version: ") and comments[1] == "# RecordingBackendASCII version: 2"


def test_files_are_numbered_with_as_many_digits_as_their_number_has():
    where = backends.Destination("folder", "pre_", threads=10)
    assert where.files("s", 7, "dat")[8:] == ["folder/pre_s-7-08.dat", "folder/pre_s-7-09.dat"]
    assert backends.Destination(threads=1).files("s", 7, "") == ["s-7-0."]


@pytest.mark.parametrize(
    ("precision", "last"),
    [(0, "12"), (-1, "12.000000"), (5, "12.00000"), (17, "12.00000000000000000")],
)
def test_precision(folder, precision, last):
    recorder(precision=precision)
    nest.Simulate(15.0)
    assert content(folder)["spike_recorder-2-0.dat"][-1] == f"1\t{last}"


def test_runs_between_prepare_and_cleanup_share_files(folder):
    spikes = recorder()
    nest.Prepare()
    assert content(folder) == {"spike_recorder-2-0.dat": ["sender\ttime_ms"]}
    nest.Run(5.0)
    assert content(folder) == {"spike_recorder-2-0.dat": ["sender\ttime_ms", "1\t1.000", "1\t2.000"]}
    nest.Run(5.0)
    with pytest.raises(Errors.BadProperty, match="cannot be changed while inside a Prepare/Run/Cleanup context"):
        spikes.label = "x"
    nest.Cleanup()
    assert content(folder) == {"spike_recorder-2-0.dat": ["sender\ttime_ms", "1\t1.000", "1\t2.000", "1\t7.000"]}
    assert spikes.n_events == 3
    spikes.label = "x"


def test_files_are_overwritten_only_if_asked_for(folder):
    spikes = recorder()
    nest.Simulate(5.0)
    with pytest.raises(Errors.IOError, match="already exists and overwriting files is disabled"):
        nest.Simulate(5.0)
    assert nest.biological_time == 5.0
    assert content(folder) == {"spike_recorder-2-0.dat": ["sender\ttime_ms", "1\t1.000", "1\t2.000"]}
    nest.overwrite_files = True
    nest.Simulate(5.0)
    assert content(folder) == {"spike_recorder-2-0.dat": ["sender\ttime_ms", "1\t7.000"]}
    spikes.label = "other"
    nest.overwrite_files = False
    nest.Simulate(5.0)
    assert content(folder)["other-2-0.dat"] == ["sender\ttime_ms", "1\t12.000"]
    assert spikes.n_events == 4
    spikes.n_events = 0
    assert spikes.n_events == 0


def test_if_a_file_cannot_be_opened_none_is_begun(folder):
    recorder(label="a")
    recorder(label="b/c")
    (folder / "a-2-0.dat").write_text("kept")
    nest.overwrite_files = True
    with pytest.raises(Errors.IOError, match=r"I/O error while opening file '.*b/c-4-0.dat'"):
        nest.Simulate(5.0)
    assert [path.read_text() for path in folder.iterdir()] == ["kept"]
    assert nest.biological_time == 0.0


def test_the_backend_changes_between_runs(folder, capsys):
    spikes = recorder(record_to="memory")
    nest.Simulate(1.5)
    assert_array_equal(spikes.get("events", "times"), [1.0])
    spikes.set(record_to="screen", precision=2)
    assert spikes.n_events == 1
    nest.Simulate(5.0)
    assert capsys.readouterr().out == "1\t2.00\n"
    spikes.record_to = "memory"
    assert spikes.get("events", "times").size == 0
    nest.Simulate(5.0)
    assert_array_equal(spikes.get("events", "times"), [7.0])
    spikes.record_to = "ascii"
    nest.Simulate(5.0)
    assert content(folder) == {"spike_recorder-2-0.dat": ["sender\ttime_ms", "1\t12.000"]}
    assert spikes.n_events == 4


def test_parameters_belong_to_backends():
    spikes = nest.Create("spike_recorder", 2)
    with pytest.raises(Errors.UnaccessedDictionaryEntry, match="precision"):
        spikes.set(precision=5)
    with pytest.raises(KeyError, match="filenames"):
        spikes.get("filenames")
    with pytest.raises(Errors.BadProperty, match="Unknown recording backend 'sionlib'"):
        spikes.record_to = "sionlib"
    with pytest.raises(Errors.UnaccessedDictionaryEntry, match="file_extension"):
        spikes.set(record_to="screen", file_extension="txt")
    spikes[0].set(record_to="ascii", file_extension="txt", precision=7)
    assert spikes.get("precision") == (7, None)
    assert {"precision", "file_extension", "filenames"} <= spikes[0].get().keys()
    assert not {"precision", "file_extension", "filenames"} & spikes[1].get().keys()
    nest.SetDefaults("spike_recorder", {"record_to": "screen", "precision": 4})
    assert nest.Create("spike_recorder").precision == 4
    with pytest.raises(Errors.BadProperty, match="precision must be at most 1000"):
        spikes[0].set(precision=1001)


def test_files_hold_what_memory_does(folder):
    neurons = nest.Create("gif_psc_exp", 30, {"I_e": 200.0})
    population = nest.Create("gif_pop_psc_exp", 2, {"I_e": 300.0})
    recorders = nest.Create("spike_recorder", 2)
    meters = nest.Create("multimeter", 2, {"record_from": ["V_m", "I_syn_ex"], "interval": 0.3})
    for one in (recorders, meters):
        one[1].set(record_to="ascii", precision=17)
    nest.Connect(neurons, neurons, syn_spec={"delay": 0.7})
    nest.Connect(neurons + population, recorders)
    nest.Connect(meters, neurons + population)
    nest.Prepare()
    for _ in range(3):
        nest.Run(100.0)
    nest.Cleanup()
    for one, names in ((recorders, ("times",)), (meters, ("times", "V_m", "I_syn_ex"))):
        events = one[0].events
        _, table = backends.read(one[1].filenames[0])
        assert one[0].n_events == one[1].n_events == len(table) > 1000
        assert_array_equal(table[:, 0], events["senders"])
        for column, name in enumerate(names, start=1):
            np.testing.assert_allclose(table[:, column], events[name], rtol=1e-15, atol=1e-15)


@pytest.mark.skipif(os.name == "nt", reason="sends SIGINT")
def test_ctrl_c_keeps_all_events(folder):
    script = f"""
        import signal
        import gifpop.nest as nest
        signal.signal(signal.SIGINT, signal.default_int_handler)
        nest.data_path = {str(folder)!r}
        n = nest.Create("gif_psc_exp", 200, {{"I_e": 200.0}})
        for label in ("spikes", "again"):
            s = nest.Create("spike_recorder", params={{"record_to": "ascii", "label": label}})
            nest.Connect(n, s)
        m = nest.Create("spike_recorder")
        nest.Connect(n, m)
        try:
            print("go", flush=True)
            nest.Simulate(1e8)
        except KeyboardInterrupt:
            print(m.n_events, s.n_events)
    """
    command = [sys.executable, "-c", textwrap.dedent(script)]
    file = folder / "spikes-201-0.dat"
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, cwd=folder) as process:
        try:
            assert process.stdout.readline() == "go\n"
            deadline = time.monotonic() + 60
            while not file.exists() or file.stat().st_size < 1000:
                assert time.monotonic() < deadline
                time.sleep(0.05)
            process.send_signal(signal.SIGINT)
            in_memory, n_events = map(int, process.communicate(timeout=60)[0].split())
        finally:
            process.kill()
    assert len(content(folder)["spikes-201-0.dat"]) - 1 == in_memory == n_events > 0


def test_what_cannot_be_written_goes_to_the_next_file(folder, monkeypatch):
    spikes = recorder(label="full")
    append, calls = backends.append, []

    def full(texts):
        calls.append(texts)
        raise Errors.IOError("No space left on device")

    monkeypatch.setattr(backends, "append", full)
    with pytest.raises(Errors.IOError, match="No space left"):
        nest.Simulate(5.0)
    assert calls and spikes.n_events == 0
    monkeypatch.setattr(backends, "append", append)
    spikes.label = "next"
    nest.Simulate(5.0)
    assert content(folder)["next-2-0.dat"] == ["sender\ttime_ms", "1\t1.000", "1\t2.000", "1\t7.000"]


def test_append_writes_to_all_files_or_none(folder):
    first = folder / "a"
    first.write_text("old\n")
    with pytest.raises(Errors.IOError, match=r"I/O error while writing to file '.*nowhere/b'"):
        backends.append({str(first): "new\n", str(folder / "nowhere" / "b"): "new\n"})
    assert first.read_text() == "old\n"


def test_memory_needs_no_files_and_no_pieces(folder, monkeypatch):
    spikes = recorder(record_to="memory")
    monkeypatch.setattr(type(kernel.nodes.blocks[-1]), "write", None)  # never called
    nest.Simulate(5.0)
    assert spikes.n_events == 2 and not list(folder.iterdir())
