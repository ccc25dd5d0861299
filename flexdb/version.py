"""The version, told wherever the service says what it is; setup.cfg reads it from here."""

__version__ = "1.0.0"
