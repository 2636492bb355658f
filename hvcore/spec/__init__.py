"""The contract: one class of hook specifications per domain.

A driver inherits the classes whose hooks it answers (usually through ``hvcore.plugin.BaseHypervisor``) and marks each
answer with ``@hookimpl``. What it does not implement is unsupported.
"""
