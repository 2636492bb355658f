"""The LXC hypervisor, a plugin of hvcore."""

__version__ = "0.1.0"
