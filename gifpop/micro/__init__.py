"""The microscopic level: a population neuron by neuron."""
