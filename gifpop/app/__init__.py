"""The command `gifpop`: demo, info, bench, explore."""
