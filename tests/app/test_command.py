"""The command line."""

import json
import os
import subprocess
import sys

import pytest

import gifpop as gp
from gifpop import config
from gifpop.app import benchmark, command


@pytest.fixture(autouse=True)
def without_display():
    import matplotlib

    matplotlib.use("Agg")
    yield
    from matplotlib import pyplot

    pyplot.close("all")


def test_help(capsys):
    assert command.main([]) == 0
    shown = capsys.readouterr().out
    assert all(name in shown for name in ("demo", "info", "bench", "explore"))
    with pytest.raises(SystemExit) as leaving:
        command.main(["bench", "--help"])
    assert leaving.value.code == 0
    assert "--json" in capsys.readouterr().out


@pytest.mark.parametrize(
    "arguments", [["dance"], ["info", "--loud"], ["bench", "--seconds", "0"], ["demo", "--seed", "-1"]]
)
def test_wrong_arguments(arguments, capsys):
    with pytest.raises(SystemExit) as leaving:
        command.main(arguments)
    assert leaving.value.code == 2
    assert arguments[-1] in capsys.readouterr().err or arguments == ["dance"]


def test_module(tmp_path):
    shown = subprocess.run(
        [sys.executable, "-m", "gifpop", "info"],
        cwd=tmp_path,
        env=os.environ,
        capture_output=True,
        text=True,
        check=True,
    )
    assert shown.stdout.startswith(f"gifpop {gp.__version__}, ")
    assert shown.stderr == ""


def test_info(capsys):
    assert command.main(["info", "--json"]) == 0
    facts = json.loads(capsys.readouterr().out)
    memory = facts.pop("memory_available")
    assert memory is None or memory > 0
    assert facts.items() <= config.facts().items()
    assert command.main(["info"]) == 0
    shown = capsys.readouterr().out
    gp.show_config()
    assert capsys.readouterr().out.splitlines()[:3] == shown.splitlines()[:3]


def test_demo(tmp_path, capsys):
    assert command.main(["demo", "--json", "--output", str(tmp_path / "new"), "--seed", "3"]) == 0
    levels = json.loads(capsys.readouterr().out)["levels"]
    net = gp.models.brunel(step=(1500.0, 20.0))
    for level, numbers in levels.items():
        result = net.simulate(2000.0, dt=0.5, level=level, seed=3)
        assert numbers["rates_before"]["E"] == pytest.approx(result["E"].activity[1000:3000].mean(), rel=1e-12)
        assert numbers["rates_after"]["I"] == pytest.approx(result["I"].activity[3000:].mean(), rel=1e-12)
        assert (tmp_path / "new" / f"gifpop_{level}.png").stat().st_size > 10_000
        assert numbers["times_real_time"] == pytest.approx(2.0 / numbers["seconds"], rel=1e-12)


def test_demo_tells_what_it_cannot_write(tmp_path, capsys):
    (tmp_path / "file").write_text("")
    assert command.main(["demo", "--output", str(tmp_path / "file")]) == 1
    (tmp_path / "gifpop_meso.png").mkdir()
    assert command.main(["demo", "--output", str(tmp_path)]) == 1
    shown = capsys.readouterr()
    assert shown.out == ""
    first, second = shown.err.splitlines()
    assert first.startswith("gifpop demo: error: --output: cannot make the folder ")
    assert second.startswith("gifpop demo: error: --output: cannot write ")


@pytest.mark.parametrize("arguments", [["explore"], ["demo", "--show"]])
def test_no_display(arguments, tmp_path, capsys):
    extra = ["--output", str(tmp_path)] if "demo" in arguments else []
    assert command.main([*arguments, *extra]) == 1
    assert "needs a display" in capsys.readouterr().err
    assert not list(tmp_path.iterdir())


def test_bench(capsys):
    assert command.main(["bench", "--json", "--seconds", "0.001"]) == 0
    cases = json.loads(capsys.readouterr().out)["cases"]
    assert [case["name"] for case in cases] == [case[0] for case in benchmark.CASES]
    for case in cases:
        assert case["repetitions"] == 3
        assert case["times_real_time"] * case["ms_per_simulated_second"] == pytest.approx(1000.0, rel=1e-9)
    neurons = cases[2]
    assert neurons["ns_per_unit_and_step"] * 2000 * 1000 == pytest.approx(
        neurons["ms_per_simulated_second"] * 1e6, rel=1e-9
    )


def in_shell(line, tmp_path, **environment):
    """Run a line of the shell, in which $gifpop is the command."""
    command = f"{sys.executable} -m gifpop"
    return subprocess.run(
        ["sh", "-c", line],
        cwd=tmp_path,
        env={**os.environ, "gifpop": command, **environment},
        capture_output=True,
        text=True,
        check=False,
    )


shell = pytest.mark.skipif(os.name != "posix", reason="needs a POSIX shell")


@shell
@pytest.mark.timeout(60)
@pytest.mark.parametrize("unbuffered", ["", "1"])
def test_output_that_cannot_be_written(tmp_path, unbuffered):
    """One line, exit code 1, and nothing that Python adds."""
    lines = [("$gifpop info --json >&-", "gifpop info: error: cannot write to standard output, which is closed")]
    if os.path.exists("/dev/full"):
        full = "error: cannot write to standard output: No space left on device"
        lines.append(("$gifpop info > /dev/full", f"gifpop info: {full}"))
        if not unbuffered:  # else argparse has looked away
            lines.append(("$gifpop > /dev/full", f"gifpop: {full}"))
            lines.append(("$gifpop --help > /dev/full", f"gifpop: {full}"))
    for line, message in lines:
        done = in_shell(line, tmp_path, PYTHONUNBUFFERED=unbuffered)
        assert (done.returncode, done.stdout, done.stderr) == (1, "", message + "\n")


@shell
@pytest.mark.timeout(60)
def test_output_that_nobody_wants(tmp_path):
    done = in_shell("{ $gifpop info; echo $? >&2; } | true", tmp_path)
    assert done.stderr in ("1\n", "0\n")  # it may have been written before the reader was gone
    done = in_shell("{ sleep 0.3; $gifpop info; echo $? >&2; } | true", tmp_path)
    assert (done.stdout, done.stderr) == ("", "1\n")


@shell
@pytest.mark.timeout(60)
def test_no_standard_error(tmp_path):
    """Nothing of the complaint goes where output is expected."""
    done = in_shell("$gifpop demo --output /dev/null/folder 2>&-", tmp_path)
    assert (done.returncode, done.stdout) == (1, "")
    assert in_shell("$gifpop info --loud >&-", tmp_path).returncode == 2
