"""Warn of dead links in the pages that have been built: files and anchors that are not there, and placeholders.

Addresses of other sites are not visited: building needs no network.
"""

from functools import cache
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote, urlsplit

from sphinx.util import logging

logger = logging.getLogger(__name__)


class Page(HTMLParser):
    """The links of a page, and what links can point to in it."""

    def __init__(self, text):
        super().__init__()
        self.links, self.anchors = set(), {"", "top"}
        self.feed(text)

    def handle_starttag(self, tag, attributes):
        for name, value in attributes:
            if name in ("href", "src") and value and tag != "base":
                self.links.add(value)
            elif name in ("id", "name") and value:
                self.anchors.add(value)


def dead_links(folder):
    """Yield page and link for each dead link of the pages below a folder."""
    folder = Path(folder).resolve()
    read = cache(lambda path: Page(path.read_text(encoding="utf-8")))
    for path in sorted(folder.rglob("*.html")):
        if "_static" not in path.parts:
            for link in sorted(read(path).links):
                if is_dead(link, path, read):
                    yield path.relative_to(folder), link


def is_dead(link, page, read):
    """Return whether a link of a page leads nowhere."""
    parts = urlsplit(link)
    if parts.scheme or parts.netloc:
        return "$" in link or (parts.scheme in ("http", "https") and not parts.netloc)
    target = (page.parent / unquote(parts.path)).resolve() if parts.path else page
    if target.is_dir():
        target /= "index.html"
    if not target.is_file():
        return True
    return target.suffix == ".html" and unquote(parts.fragment) not in read(target).anchors


def check(app, exception):
    """Warn of each dead link, once all pages are written."""
    if exception is None and app.builder.format == "html":
        for page, link in dead_links(app.outdir):
            logger.warning("%s: dead link %s", page, link, type="dead_links")


def setup(app):
    app.connect("build-finished", check)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
