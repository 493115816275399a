"""Names of other libraries that pages link to, so that building them needs no network.

``links.txt`` has sections, ``[key address]``, of lines ``name domain:role page``, where ``$`` in a page stands for the
name. Sphinx reads them as inventories, in its own format.
"""

import tempfile
import zlib
from pathlib import Path

HEADER = """# Sphinx inventory version 2
# Project: {}
# Version:
# The remainder of this file is compressed using zlib.
"""


def inventories(path):
    """Return ``intersphinx_mapping`` for the libraries in a file."""
    folder, mapping = Path(tempfile.mkdtemp(prefix="gifpop-links-")), {}
    for key, address, lines in sections(path.read_text()):
        named = ((name, role, page.replace("$", name)) for name, role, page in map(str.split, lines))
        objects = "".join(f"{name} {role} 1 {page} -\n" for name, role, page in named)
        inventory = folder / f"{key}.inv"
        inventory.write_bytes(HEADER.format(key).encode() + zlib.compress(objects.encode()))
        mapping[key] = (address, str(inventory))
    return mapping


def sections(text):
    """Yield key, address and lines of each section."""
    for section in text.split("\n[")[1:]:
        head, *lines = section.splitlines()
        key, address = head.rstrip("]").split()
        yield key, address, [line for line in lines if line.strip()]
