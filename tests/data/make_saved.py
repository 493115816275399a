"""Save the simulation that `saving/test_continued` loads to see that files of its format can still be read.

Run ``python -m tests.data.make_saved`` when the number of the format has risen. Files of formats that gifpop still
reads stay; there are two of format 1, whose names of receptors changed.
"""

from pathlib import Path

from gifpop.saving.snapshot import FORMAT
from tests.helpers.saved import simulation

sim = simulation("mixed")
sim.run(8.5)
sim.save(Path(__file__).with_name(f"simulation_format_{FORMAT}.npz"), compressed=True)
