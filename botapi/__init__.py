"""The package's version, as text; importing it costs nothing."""

__version__ = "0.1.0"
