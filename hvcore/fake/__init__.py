"""The embedded hypervisor: instances that are files, for tests of management tools and for a first look.

Nothing runs but the commands that ``exec_in_instance`` is given, and those without any namespace: as the caller, on this
machine. Everything else is bookkeeping that any number of processes share through the state directory.
"""
