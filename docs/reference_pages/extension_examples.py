"""An example for each hook that extensions answer; a test runs them as doctests."""

from __future__ import annotations

__all__ = ["EXTENSION_EXAMPLES"]

_MOUNTER = """\
>>> import hvcore
>>> from hvcore.plugin import hookimpl
>>> from hvcore_{name}.spec import {spec}
>>> class Nothing:
...     name = "nothing"
...
...     def plan(self):
...         return ()
...
...     def mount(self):
...         "The root is there already."
...
...     def unmount(self):
...         "There is nothing to take off."
>>> class Extension:
...     @hookimpl
...     def {name}_mounter(self, instance):
...         return Nothing() if "mounted" in instance.tags else None  # None declines
>>> {name} = hvcore.load(extensions={{"{name}": [Extension()]}}).hypervisor("{name}")
>>> web1 = hvcore.Instance("web1", "{name}", tags=["mounted"])
>>> {name}.scope.choose({spec}.{name}_mounter, instance=web1, block_devices=(), root="/mnt").name
'nothing'
"""

_NOTICE = """\
>>> import hvcore
>>> from hvcore.plugin import hookimpl
>>> class Listener:
...     @hookimpl
...     def {hook}(self, {argument}):
...         print("{told}", {shown})
>>> fake = hvcore.load(extensions={{"fake": [Listener()]}}).hypervisor("fake")
>>> fake.start_instance(hvcore.Instance("web1", "fake"))
"""

EXTENSION_EXAMPLES = {
    "instance_started": _NOTICE.format(
        hook="instance_started", argument="instance", told="started", shown="instance.name"
    )
    + "started web1\n",
    "instance_stopped": _NOTICE.format(
        hook="instance_stopped", argument="instance_name", told="stopped", shown="instance_name"
    )
    + '>>> fake.stop_instance("web1", force=True)\nstopped web1\n',
    "chroot_mounter": _MOUNTER.format(name="chroot", spec="ChrootSteps"),
    "lxc_mounter": _MOUNTER.format(name="lxc", spec="LxcSteps"),
    "lxc_cgroups": """\
>>> import hvcore
>>> from hvcore.plugin import hookimpl
>>> class Extension:
...     @hookimpl(wrapper=True)
...     def lxc_cgroups(self):
...         manager = yield  # the manager that was chosen
...         return manager  # or an object around it
>>> lxc = hvcore.load(extensions={"lxc": [Extension()]}).hypervisor("lxc")
>>> from hvcore_lxc.spec import LxcSteps
>>> [answerer.role for answerer in lxc.scope.answerers(LxcSteps.lxc_cgroups)]
['wrapper', 'default']
""",
    "lxc_config": """\
>>> import hvcore
>>> from hvcore.plugin import hookimpl
>>> from hvcore_lxc.spec import ConfigDocument, ConfigEntry, LxcSteps
>>> class Extension:
...     @hookimpl
...     def lxc_config(self, instance):
...         return ConfigDocument((ConfigEntry("lxc.uts.name", instance.name),))
>>> lxc = hvcore.load(extensions={"lxc": [Extension()]}).hypervisor("lxc")
>>> web1 = hvcore.Instance("web1", "lxc")
>>> document = lxc.scope.choose(LxcSteps.lxc_config, instance=web1, root="/mnt", limits=())
>>> [(entry.key, entry.value) for entry in document.entries]
[('lxc.uts.name', 'web1')]
""",
    "lxc_config_entries": """\
>>> import hvcore
>>> from hvcore.plugin import hookimpl
>>> from hvcore_lxc.spec import ConfigDocument, ConfigEntry, LxcSteps
>>> class Extension:
...     @hookimpl
...     def lxc_config_entries(self, instance):
...         return [ConfigEntry("lxc.no_new_privs", "1")]
>>> lxc = hvcore.load(extensions={"lxc": [Extension()]}).hypervisor("lxc")
>>> web1 = hvcore.Instance("web1", "lxc")
>>> lxc.scope.collect(LxcSteps.lxc_config_entries, instance=web1, document=ConfigDocument(()))
(ConfigEntry(key='lxc.no_new_privs', value='1'),)
""",
}
"""The examples by hook."""
