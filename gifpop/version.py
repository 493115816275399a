"""The version, where building reads it without importing the compiled modules."""

__version__ = "0.1.0"
