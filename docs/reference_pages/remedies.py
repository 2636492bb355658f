"""What to do about each error, in general; an error's own ``resolution`` knows more."""

from __future__ import annotations

__all__ = ["REMEDIES"]

REMEDIES = {
    "HypervisorError": "read the code: it is always one of those below",
    "Unsupported": "ask `capabilities()` before, or `hv verify`",
    "InvalidInput": "mend the key or line that it names; `allowed` says how",
    "InvalidParameter": "mend the parameter; the reference of the hypervisor's parameters has the rules",
    "UnknownHypervisor": "install it, or correct the name; `hv plugins` lists what is there and what is broken",
    "InstanceNotFound": "`hv list` names those that run",
    "Busy": "wait for the one that it names and try again; a soft stop may be cut short by a forced one",
    "OperationFailed": "look at `step`, `details` and `left_behind`",
    "CommandFailed": "read the tool's words in `details`; run `command` by hand",
    "CommandTimeout": "find out what the tool waits for: storage, a lock, the network",
    "AlreadyRunning": "nothing, when it was meant to run; else stop it first",
    "NotRunning": "start it",
    "StopTimeout": "give it more time, or stop it with `force`",
    "DeviceBusy": "free the device from whom the message names",
    "StateFailed": "look for a full disk, and for rights below the state directory",
    "MissingRequirement": "install or grant what it names; `hv verify` shows all that is missing",
    "PolicyRefused": "keep to the rule that it names, or ask whoever set it",
    "HotplugError": "compare the device with those of the running instance",
    "PluginError": "`hv plugins` shows the plugin and the reason; `hv --no-plugins` leaves it out",
    "InvalidPlugin": "mend the plugin at the file and line it names, update it, or disable it with `HVCORE_DISABLE`",
    "HookConflict": "give the order with `HVCORE_ORDER`, in the configuration file, or with `before` and `after`",
    "HookFailed": "report it to the plugin's author; `hv --debug` shows the traceback",
}
"""The remedies by class."""
