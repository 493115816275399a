"""Save the simulation that `test_archive` loads to see that files of its format can still be read.

Run it from this folder, with gifpop and ``tests`` on the path, when the number of the format has risen; files of
formats that gifpop still reads stay.
"""

from saved import simulation

from gifpop.saving.snapshot import FORMAT

sim = simulation("mixed")
sim.run(8.5)
sim.save(f"simulation_format_{FORMAT}.npz", compressed=True)
