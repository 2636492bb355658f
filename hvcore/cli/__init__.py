"""The ``hv`` command."""
