"""
A sweep on a cluster with SLURM
===============================

Run this script on a login node, in an environment with ``pip install 'gifpop[sweep]' dask-jobqueue``; the workers use
the same environment. Each SLURM job is one dask worker with one process per core. Only this process writes to the
store, so only the login node needs its folder. If the script ends early, the same command continues.

``python sweep_slurm.py --local`` runs the sweep on this machine.
"""

import argparse

import numpy as np

import gifpop as gp


def build(g, I_e):
    """Return a network whose inhibition is ``g`` times as strong as its excitation."""
    cell = gp.GIF(tau_m=20.0, Delta_V=2.5, I_e=I_e, tau_sfa=[100.0, 1000.0], q_sfa=[10.0, 1.0])
    net = gp.Network()
    for name, N in (("E", 800), ("I", 200)):
        net.population(name, N, cell)
    for post in ("E", "I"):
        net.connect("E", post, weight=25.0, p=0.2)
        net.connect("I", post, weight=-25.0 * g, p=0.2)
    return net


def make_cluster(options):
    """Return workers in SLURM jobs, or as processes of this machine."""
    if options.local:
        from dask.distributed import LocalCluster

        return LocalCluster(n_workers=options.jobs, threads_per_worker=1, dashboard_address=":0")
    from dask_jobqueue import SLURMCluster

    cluster = SLURMCluster(
        queue=options.queue,
        cores=options.cores,
        processes=options.cores,  # a process for each core, so that one that dies takes one point with it
        memory=f"{2 * options.cores}GB",
        walltime="02:00:00",
        worker_extra_args=["--lifetime", "110m", "--lifetime-stagger", "5m"],  # ends by itself before SLURM kills it
    )
    cluster.adapt(maximum_jobs=options.jobs)  # new jobs take the place of those whose time is over
    return cluster


def run(client, store, points=40, duration=10_000.0):
    """Run the sweep on the client's workers and return its dataset."""
    parameters = {"g": np.linspace(2.0, 6.0, points), "I_e": np.linspace(250.0, 400.0, points)}
    simulate = {"duration": duration, "dt": 0.5, "warmup": 0.1 * duration, "keep": "mean"}
    return gp.sweep(build, parameters, simulate, trials=20, seed=1, store=store, client=client, progress=True)


def main(arguments=None):
    """Run the sweep and print its result."""
    from dask.distributed import Client

    parser = argparse.ArgumentParser(description="A sweep on a cluster with SLURM")
    parser.add_argument("--store", default="sweep.zarr", help="folder to keep the points in")
    parser.add_argument("--queue", help="SLURM partition")
    parser.add_argument("--cores", type=int, default=16, help="of each job")
    parser.add_argument("--jobs", type=int, default=4, help="at most; with --local: processes")
    parser.add_argument("--points", type=int, default=40, help="values of each parameter")
    parser.add_argument("--duration", type=float, default=10_000.0, help="of each trial, ms")
    parser.add_argument("--local", action="store_true", help="on this machine, without SLURM")
    options = parser.parse_args(arguments)
    with make_cluster(options) as cluster, Client(cluster) as client:
        data = run(client, options.store, options.points, options.duration)
    print(data)
    return data


if __name__ == "__main__":
    main()
