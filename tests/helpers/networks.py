"""The networks that several tests simulate."""

import numpy as np

import gifpop as gp

SEED_CELL = gp.GIF(
    C_m=250.0,
    tau_m=20.0,
    E_L=0.0,
    V_reset=0.0,
    V_T_star=15.0,
    Delta_V=2.5,
    lambda_0=10.0,
    t_ref=4.0,
    I_e=300.0,
    tau_syn_ex=3.0,
    tau_syn_in=6.0,
    tau_sfa=[100.0, 1000.0],
    q_sfa=[10.0, 1.0],
)


def brunel(cell=SEED_CELL, N=(800, 200)):
    """One excitatory and one inhibitory population; weights as for 800 and 200 neurons."""
    net = gp.Network()
    E, I = net.population("E", N[0], cell), net.population("I", N[1], cell)
    for post in (E, I):
        net.connect(E, post, weight=25.0 * 800 / N[0], p=0.2, delay=1.0)
        net.connect(I, post, weight=-62.5 * 200 / N[1], p=0.2, delay=1.0)
    return net


def single(cell=None, N=100, **options):
    """Return one unconnected population ``P``."""
    net = gp.Network()
    net.population("P", N, cell or gp.GIF(), **options)
    return net


def nest_test_population():
    """NEST's own test of gif_pop_psc_exp: one population that inhibits itself."""
    cell = gp.GIF(
        V_T_star=10.0,
        V_reset=0.0,
        E_L=0.0,
        Delta_V=2.0,
        C_m=250.0,
        tau_m=20.0,
        t_ref=4.0,
        I_e=500.0,
        lambda_0=10.0,
        tau_syn_in=2.0,
        tau_sfa=[500.0],
        q_sfa=[1.0],
    )
    net = single(cell, 500)
    net.connect("P", "P", weight=-6.25, delay=1.0)
    return net


# The column of Potjans & Diesmann (2014) as in Schwalger, Deger & Gerstner (2017), Table 1; mu in mV.
COLUMN = ("2/3E", "2/3I", "4E", "4I", "5E", "5I", "6E", "6I")
COLUMN_N = (20683, 5834, 21915, 5479, 4850, 1065, 14395, 2948)
COLUMN_MU = (19.14942021, 20.36247192, 30.80455243, 28.06868188, 29.43680143, 29.32954448, 34.93225564, 32.08123423)
COLUMN_P = np.array(
    [
        [0.1009, 0.1689, 0.0437, 0.0818, 0.0323, 0, 0.0076, 0],
        [0.1346, 0.1371, 0.0316, 0.0515, 0.0755, 0, 0.0042, 0],
        [0.0077, 0.0059, 0.0497, 0.135, 0.0067, 0.0003, 0.0453, 0],
        [0.0691, 0.0029, 0.0794, 0.1597, 0.0033, 0, 0.1057, 0],
        [0.1004, 0.0622, 0.0505, 0.0057, 0.0831, 0.3726, 0.0204, 0],
        [0.0548, 0.0269, 0.0257, 0.0022, 0.06, 0.3158, 0.0086, 0],
        [0.0156, 0.0066, 0.0211, 0.0166, 0.0572, 0.0197, 0.0396, 0.2252],
        [0.0364, 0.001, 0.0034, 0.0005, 0.0277, 0.008, 0.0658, 0.1443],
    ]
)


def column(adaptation=None, scale=1.0):
    """Return the cortical column; ``adaptation`` gives the rates (spikes/s) that the drive of E cells makes up for.

    ``scale`` multiplies the numbers of neurons; weights grow by its inverse.
    """
    net = gp.Network()
    for i, (name, N, mu) in enumerate(zip(COLUMN, COLUMN_N, COLUMN_MU, strict=True)):
        adapting = adaptation is not None and name.endswith("E")
        drive = mu + (adaptation[i] if adapting else 0.0)  # J_theta = 1 mV s
        cell = gp.GIF(
            Delta_V=5.0,
            lambda_0=10.0,
            V_T_star=15.0,
            V_reset=0.0,
            E_L=0.0,
            tau_m=10.0,
            C_m=250.0,
            t_ref=2.0,
            tau_syn_ex=0.5,
            tau_syn_in=0.5,
            I_e=drive * 25.0,
            tau_sfa=[1000.0] if adapting else [],
            q_sfa=[1.0] if adapting else [],
        )
        net.population(name, round(N * scale), cell)
    for i, post in enumerate(COLUMN):
        for j, pre in enumerate(COLUMN):
            if COLUMN_P[i, j] > 0:
                sign = 1.0 if pre.endswith("E") else -4.0
                doubled = 2.0 if (post, pre) == ("2/3E", "4E") else 1.0
                net.connect(pre, post, weight=87.8 / scale * sign * doubled, p=COLUMN_P[i, j], delay=1.5)
    return net
