"""Tests of populations neuron by neuron."""
