"""Which limit leaves a process least: the machine's, those of its control groups and their ancestors, or ulimit's."""

import subprocess
import sys

import pytest

from gifpop.common import memory, memory_limits

MB = 10**6


@pytest.fixture
def root(tmp_path):
    """Pretend to be a machine with 8,000 MB free, whose files `write` writes."""
    write(tmp_path, {"proc/meminfo": "MemTotal:  16000000 kB\nMemFree: 5 kB\nMemAvailable:    7812500 kB\n"})
    return tmp_path


def write(root, files):
    for name, text in files.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(str(text))


def least(root):
    return memory_limits.least(str(root))


def group(folder, used, cache=0, **limits):
    """Return the files of a control group of version 2, MB."""
    files = {f"{folder}/memory.{name}": "max\n" if most is None else f"{most * MB}\n" for name, most in limits.items()}
    stat = f"anon 5\nfile {cache * MB}\ninactive_file {cache * MB}\nactive_file 0\nshmem 0\n"
    return files | {f"{folder}/memory.current": used * MB, f"{folder}/memory.stat": stat}


UNIFIED = "31 23 0:28 / /sys/fs/cgroup rw,nosuid shared:4 - cgroup2 cgroup2 rw,nsdelegate\n"


def test_machine(root):
    assert least(root) == 8000 * MB
    assert least(root).name == "free memory of this machine"


def test_own_control_group(root):
    write(root, {"proc/self/cgroup": "0::/job/step\n", "proc/self/mountinfo": UNIFIED})
    write(root, group("sys/fs/cgroup/job/step", used=500, cache=200, max=1500, high=None))
    assert least(root) == 1200 * MB
    assert least(root).name == "limit /sys/fs/cgroup/job/step/memory.max"


@pytest.mark.parametrize(
    ("own", "above", "expected", "name"),
    [
        ({"max": 3000}, {"max": 4000}, 1000, "/sys/fs/cgroup/job/memory.max"),  # 3,000 are used by others
        ({"max": 3000, "high": 1000}, {"max": 4000}, 500, "/sys/fs/cgroup/job/step/memory.high"),
        ({"max": 1000}, {"max": None}, 500, "/sys/fs/cgroup/job/step/memory.max"),
    ],
)
def test_the_least_of_all_ancestors(root, own, above, expected, name):
    write(root, {"proc/self/cgroup": "0::/job/step\n", "proc/self/mountinfo": UNIFIED})
    write(root, group("sys/fs/cgroup/job/step", used=500, **own) | group("sys/fs/cgroup/job", used=3000, **above))
    assert (least(root), least(root).name) == (expected * MB, f"limit {name}")


@pytest.mark.parametrize(
    ("shown", "path"), [("/", "/"), ("/docker/abc", "/docker/abc"), ("/docker/abc", "/"), ("/", "/../other")]
)
def test_container_sees_its_group_as_the_root(root, shown, path):
    """With a namespace of control groups, and without one: the group's path is not below what is mounted."""
    write(root, group("sys/fs/cgroup", used=100, max=2000))
    mount = f"31 23 0:28 {shown} /sys/fs/cgroup rw - cgroup2 cgroup2 rw\n"
    write(root, {"proc/self/cgroup": f"0::{path}\n", "proc/self/mountinfo": mount})
    assert least(root) == 1900 * MB, (shown, path)


def test_version_1(root):
    mounts = (
        "30 23 0:27 / /sys/fs/cgroup/cpu rw - cgroup cgroup rw,cpu\n"
        "35 31 0:32 /slurm /cg/mem rw - cgroup cgroup rw,memory\n"
    )
    write(root, {"proc/self/cgroup": "5:memory:/slurm/job_1\n2:cpu:/slurm\n0::/\n", "proc/self/mountinfo": mounts})
    write(
        root,
        {
            "cg/mem/job_1/memory.limit_in_bytes": 2**63 - 4096,
            "cg/mem/job_1/memory.usage_in_bytes": 700 * MB,
            "cg/mem/memory.limit_in_bytes": 1500 * MB,
            "cg/mem/memory.usage_in_bytes": 800 * MB,
            "cg/mem/memory.stat": f"inactive_file 0\ntotal_inactive_file {100 * MB}\n",
        },
    )
    assert (least(root), least(root).name) == (800 * MB, "limit /cg/mem/memory.limit_in_bytes")


def test_overdrawn_groups_leave_nothing(root):
    write(root, {"proc/self/cgroup": "0::/\n", "proc/self/mountinfo": UNIFIED})
    write(root, group("sys/fs/cgroup", used=3000, max=2000))
    assert least(root) == 0


@pytest.mark.parametrize("text", ["", "nonsense\n", "0::\n", "0\n", "7:memory\n", "0::/\n:::\n"])
def test_what_cannot_be_understood_is_no_limit(root, text):
    write(root, {"proc/self/cgroup": text, "proc/self/mountinfo": text, "sys/fs/cgroup/memory.max": "many"})
    assert least(root) == 8000 * MB


def test_limits_of_the_process(root, monkeypatch):
    resource = pytest.importorskip("resource")
    page = resource.getpagesize()
    most = {resource.RLIMIT_AS: 1000 * page, resource.RLIMIT_DATA: resource.RLIM_INFINITY}
    monkeypatch.setattr(resource, "getrlimit", lambda kind: (most[kind], resource.RLIM_INFINITY))
    write(root, {"proc/self/statm": "400 300 50 10 0 200 0\n"})
    assert (least(root), least(root).name) == (600 * page, "limit RLIMIT_AS (ulimit -v)")
    most[resource.RLIMIT_DATA] = 500 * page
    assert (least(root), least(root).name) == (300 * page, "limit RLIMIT_DATA (ulimit -d)")


def test_the_message_names_parts_and_limit(monkeypatch):
    monkeypatch.setattr(memory, "available", lambda: memory_limits.Limit(2 * MB, "limit of a test"))
    with pytest.raises(MemoryError) as error:
        memory.require({"states": 3e6, "records": 4e9, "nothing": 1.0}, "Run")
    assert str(error.value) == "Run would need 4.0 GB; 2.0 MB are available (limit of a test)"
    with pytest.raises(MemoryError, match=r"Run would need 3.0 MB \(b 2.0 MB, a 1.0 MB\); 2.0 MB are available"):
        memory.require({"a": 1e6, "b": 2e6}, "Run")


def test_small_needs_are_added_up_and_the_system_is_asked_seldom(monkeypatch):
    asked = []

    def ask():
        asked.append(1)
        return memory_limits.Limit(1000 - sum(taken), "limit of a test")

    taken = []
    monkeypatch.setattr(memory_limits, "least", ask)
    monkeypatch.setattr(memory, "headroom", memory.Headroom())
    monkeypatch.setattr(memory, "SECONDS_KNOWN", 1e9)
    monkeypatch.setattr(memory, "UNASKED", 0)
    for _ in range(10):
        memory.require(100, "Part")
        taken.append(100)
    assert len(asked) == 1
    with pytest.raises(MemoryError, match=r"Part would need 0\.0 MB; 0\.0 MB are available"):
        memory.require(1, "Part")
    assert len(asked) == 2  # nothing is refused by what is only remembered
    taken.clear()
    memory.require(1000, "Part")


ULIMIT = """
import resource
import gifpop as gp
used = int(open("/proc/self/statm").read().split()[0]) * resource.getpagesize()
resource.setrlimit(resource.RLIMIT_AS, (used + 300_000_000, resource.RLIM_INFINITY))
net = gp.Network()
net.population("E", 500, gp.GIF())
sim = gp.Simulation(net, dt=0.5, seed=1, record=["V_m"])
sim.run(1000.0)
try:
    sim.run(20e6)
except MemoryError as error:
    print(error)
"""


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="ulimit -v limits nothing elsewhere")
def test_ulimit_is_seen(tmp_path):
    command = [sys.executable, "-c", ULIMIT]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, timeout=60, check=False)
    assert "Simulation.run: " in done.stdout, done.stderr
    assert "limit RLIMIT_AS (ulimit -v)" in done.stdout
