"""The mesoscopic level: a population as one stochastic equation."""
