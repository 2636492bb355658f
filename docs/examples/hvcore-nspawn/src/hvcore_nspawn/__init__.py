"""systemd-nspawn as an hvcore hypervisor: a whole driver in small rooms.

Begin with ``driver.py``, which answers the contract, and go on to ``lifecycle.py``, which holds the order of operations.
"""
