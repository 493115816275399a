"""Benchmarks for airspeed velocity (asv), which follows them through the history of gifpop.

``asv run --config benchmarks/asv.conf.json`` measures a commit; they use gifpop's public names only, so that old
versions can be measured too.
"""
