"""An example for each hook that a verb calls, as a management tool writes it; a test runs them as doctests.

Every one begins anew after ``PRELUDE``.
"""

from __future__ import annotations

__all__ = ["PRELUDE", "VERB_EXAMPLES"]

PRELUDE = """\
>>> import hvcore
>>> from hvcore.plugin import Disk, DeviceAction, DeviceType, Nic
>>> fake = hvcore.load().hypervisor("fake")
>>> root = Disk("/srv/web1")
>>> web1 = hvcore.Instance("web1", "fake", memory_mib=256, disks=[root])
"""

_NODES = """\
>>> from pathlib import Path
>>> there = hvcore.load(state_dir=Path("there").absolute()).hypervisor("fake")
>>> address = str(Path("there").absolute())
>>> fake.start_instance(web1)
"""
_TRANSFER = """\
>>> info = fake.migration_info(web1)
>>> there.accept_instance(web1, info, address)
>>> fake.migrate_instance(web1, address)
"""
_ARRIVAL = """\
>>> while fake.get_migration_status(web1).is_active:
...     pass
"""

VERB_EXAMPLES = {
    "start_instance": """\
>>> fake.start_instance(web1)
>>> fake.list_instances()
('web1',)
""",
    "plan_start": """\
>>> [step.name for step in fake.plan_start(web1).steps]
['directory', 'definition', 'console', 'root', 'boot']
>>> fake.list_instances()  # nothing was touched
()
""",
    "verify_instance": """\
>>> fake.start_instance(web1)
>>> fake.verify_instance("web1")
True
""",
    "restore_instance": """\
>>> fake.start_instance(web1)
>>> if not fake.verify_instance("web1"):
...     fake.restore_instance("web1")
""",
    "stop_instance": """\
>>> fake.start_instance(web1)
>>> fake.stop_instance("web1", timeout_s=30)
>>> fake.stop_instance("web1", force=True)  # it does not run any more: no error
>>> fake.list_instances()
()
""",
    "cleanup_instance": """\
>>> fake.cleanup_instance("web1")
>>> fake.cleanup_instance("web1")  # any number of times
""",
    "reboot_instance": """\
>>> fake.start_instance(web1)
>>> fake.reboot_instance("web1")
>>> fake.list_instances()
('web1',)
""",
    "pause_instance": """\
>>> fake.start_instance(web1)
>>> fake.pause_instance("web1")
>>> print(fake.get_instance_info("web1").state)
paused
""",
    "resume_instance": """\
>>> fake.start_instance(web1, startup_paused=True)
>>> fake.resume_instance("web1")
>>> print(fake.get_instance_info("web1").state)
running
""",
    "balloon_instance_memory": """\
>>> fake.start_instance(web1)
>>> fake.balloon_instance_memory("web1", 128)
>>> fake.get_instance_info("web1").memory_mib
128
""",
    "recover": """\
>>> fake.recover().recoveries  # nothing was left half done
()
""",
    "list_instances": """\
>>> fake.start_instance(web1)
>>> fake.list_instances()
('web1',)
""",
    "get_instance_info": """\
>>> fake.get_instance_info("web1") is None  # it does not run
True
>>> fake.start_instance(web1)
>>> fake.get_instance_info("web1").memory_mib
256
""",
    "get_all_instances_info": """\
>>> fake.start_instance(web1)
>>> [(info.name, info.vcpus) for info in fake.get_all_instances_info()]
[('web1', 1)]
""",
    "get_instance_definition": """\
>>> fake.start_instance(web1)
>>> fake.get_instance_definition("web1").disks == web1.disks
True
""",
    "get_node_info": """\
>>> node = fake.get_node_info()
>>> 0 < node.memory_free_mib <= node.memory_total_mib
True
""",
    "verify": """\
>>> print(fake.verify().text())  # Ganeti's form: None, or what is wrong
None
""",
    "capabilities": """\
>>> {c.operation: str(c.support) for c in fake.capabilities()}["pause_instance"]
'yes'
""",
    "get_instance_console": """\
>>> fake.start_instance(web1)
>>> console = fake.get_instance_console("web1")
>>> print(console.instance, console.kind)
web1 msg
""",
    "exec_in_instance": """\
>>> fake.start_instance(web1)
>>> result = fake.exec_in_instance("web1", ["cat"], stdin=b"hello", timeout_s=30)
>>> result.exit_status, result.stdout
(0, b'hello')
>>> fake.stop_instance("web1", force=True)
""",
    "can_migrate": """\
>>> fake.can_migrate
True
""",
    "versions_safe_for_migration": """\
>>> fake.versions_safe_for_migration((1, 0), (1, 0))
True
""",
    "migration_info": f"""\
{_NODES}>>> info = fake.migration_info(web1)
>>> there.accept_instance(web1, info, address)
""",
    "accept_instance": f"""\
{_NODES}>>> there.accept_instance(web1, fake.migration_info(web1), address)
>>> there.list_instances()  # accepted is not started
()
""",
    "migrate_instance": f"""\
{_NODES}{_TRANSFER}>>> fake.list_instances()  # until it is finalized it is here
('web1',)
""",
    "get_migration_status": f"""\
{_NODES}{_TRANSFER}{_ARRIVAL}>>> print(fake.get_migration_status(web1).status)
completed
""",
    "finalize_migration_source": f"""\
{_NODES}{_TRANSFER}{_ARRIVAL}>>> fake.finalize_migration_source(web1, success=True)
>>> there.finalize_migration_dst(web1, info, success=True)
>>> fake.list_instances(), there.list_instances()
((), ('web1',))
""",
    "finalize_migration_dst": f"""\
{_NODES}{_TRANSFER}>>> there.finalize_migration_dst(web1, info, success=False)  # called off
>>> fake.finalize_migration_source(web1, success=False)
>>> fake.list_instances(), there.list_instances()
(('web1',), ())
""",
    "powercycle_node": """\
>>> try:
...     fake.powercycle_node()
... except hvcore.InvalidInput as error:
...     print(error.key, "must be", error.allowed)
confirmed must be True
""",
    "get_ancillary_files": """\
>>> files = fake.get_ancillary_files()
>>> files.optional <= files.paths
True
""",
    "get_parameters": """\
>>> [parameter.name for parameter in fake.parameters][:2]
['start_delay_s', 'stop_delay_s']
""",
    "check_parameter_syntax": """\
>>> try:
...     fake.check_parameter_syntax({"start_delay_s": "long"})
... except hvcore.InvalidInput as error:
...     print(error.code)
input.parameter
""",
    "validate_parameters": """\
>>> fake.validate_parameters({"start_delay_s": 0.5})
""",
    "assess_parameters": """\
>>> fake.assess_parameters({"start_delay_s": 0.5})
()
""",
    "lint_configuration": """\
>>> lxc = hvcore.load().hypervisor("lxc")
>>> for finding in lxc.lint_configuration("lxc.uts.nam = web1\\n", "web1.conf"):
...     print(finding.line, finding.key, "->", finding.suggestion)
1 lxc.uts.nam -> lxc.uts.name
""",
    "translate_configuration": """\
>>> lxc = hvcore.load().hypervisor("lxc")
>>> lxc.translate_configuration("lxc.utsname = web1\\n", "web1.conf").text
'lxc.uts.name = web1\\n'
""",
    "plan_change": """\
>>> fake.start_instance(web1)
>>> larger = hvcore.Instance("web1", "fake", memory_mib=512, disks=[root])
>>> plan = fake.plan_change(larger)
>>> [(change.key, change.before, change.after) for change in plan.changes]
[('backend.memory_mib', '256', '512')]
>>> plan.needs_restart
False
""",
    "resize_disk": """\
>>> fake.start_instance(web1)
>>> fake.resize_disk("web1", root, 2 * 1024**3)
""",
    "hot_add_device": """\
>>> fake.start_instance(web1)
>>> fake.hot_add_device("web1", DeviceType.NIC, Nic("none", mac="aa:00:00:12:34:57"), 0)
'nic0'
""",
    "hot_del_device": """\
>>> more = Disk("/srv/more", mount_point="/more")
>>> fake.start_instance(web1)
>>> fake.hot_add_device("web1", DeviceType.DISK, more, 1)
'disk1'
>>> fake.hot_del_device("web1", DeviceType.DISK, more, 1)
""",
    "hot_mod_device": """\
>>> fake.start_instance(web1)
>>> fake.hot_add_device("web1", DeviceType.NIC, Nic("none", mac="aa:00:00:12:34:57"), 0)
'nic0'
>>> fake.hot_mod_device("web1", DeviceType.NIC, Nic("none", mac="aa:00:00:12:34:58"), 0)
'nic0'
""",
    "verify_hotplug_support": """\
>>> fake.start_instance(web1)
>>> fake.verify_hotplug_support("web1", DeviceAction.ADD, DeviceType.DISK)
""",
    "hotplug_supported": """\
>>> fake.start_instance(web1)
>>> fake.hotplug_supported("web1")
""",
    "get_instance_stats": """\
>>> fake.start_instance(web1)
>>> stats = fake.instance_stats("web1")
>>> stats.name, stats.memory.limit_bytes
('web1', 268435456)
""",
    "get_all_instances_stats": """\
>>> fake.start_instance(web1)
>>> [stats.name for stats in fake.all_instances_stats()]
['web1']
""",
    "watch_guest": """\
>>> with fake.watch_events() as watch:  # watches over every guest that runs
...     fake.start_instance(web1)
...     event = watch.wait(timeout_s=10)
...     print(event.instance, event.kind)
web1 starting
""",
    "get_guest_end": """\
>>> fake.start_instance(web1)
>>> fake.stop_instance("web1")
>>> with fake.watch_events(after="") as watch:  # those that are kept
...     kinds = [str(watch.wait(timeout_s=10).kind) for _ in range(4)]
>>> kinds
['starting', 'started', 'stopping', 'stopped']
""",
}
"""The examples by hook."""
