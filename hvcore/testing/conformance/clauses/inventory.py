"""What questions about instances promise."""

from __future__ import annotations

import math

from hvcore.model.info import InstanceInfo
from hvcore.model.state import InstanceState
from hvcore.testing.conformance.clause import clause
from hvcore.testing.conformance.promise import allowed, ensure, is_of
from hvcore.testing.conformance.trial import Trial

__all__ = ["InventoryClauses"]

_INFO = "Ganeti GetInstanceInfo"
_ALL = "Ganeti GetAllInstancesInfo"
_LIST = "Ganeti ListInstances"
_HVPARAMS = "Ganeti 2.9 hvparams=None"


class InventoryClauses:
    """What runs."""

    @clause("The info of an instance that never ran is None, not an error.", source=_INFO)
    def test_info_of_what_never_ran(self, trial: Trial) -> None:
        for name in (trial.name, trial.unknown):
            found = allowed("a question for what never ran", trial.hypervisor.get_instance_info, name)
            ensure(found is None, f"get_instance_info says of what never ran: {found}")

    @clause("The info of a stopped instance is None, not an error.", source=_INFO)
    def test_info_of_what_was_stopped(self, trial: Trial) -> None:
        trial.start()
        trial.stop()
        found = allowed("a question for a stopped instance", trial.hypervisor.get_instance_info, trial.name)
        ensure(found is None, f"get_instance_info says of a stopped instance: {found}")

    @clause("An info names its instance and its hypervisor.", source=_INFO)
    def test_info_names_its_instance(self, trial: Trial) -> None:
        trial.start()
        info = trial.info()
        names = (info.name, info.hypervisor)
        ensure(names == (trial.name, trial.hypervisor.name), f"the info is of {names}")

    @clause("An info has whole MiB, whole CPUs, finite seconds and a live process, none below zero.", source=_INFO)
    def test_info_has_its_units(self, trial: Trial) -> None:
        trial.start()
        info = trial.info()
        ensure(is_of(info.state, InstanceState), f"its state is {info.state!r}")
        ensure(_whole(info.memory_mib), f"its memory is {info.memory_mib!r}")
        ensure(_whole(info.vcpus), f"its CPUs are {info.vcpus!r}")
        seconds = info.cpu_seconds
        is_time = is_of(seconds, int, float) and math.isfinite(seconds) and seconds >= 0
        ensure(is_time, f"its CPU time is {seconds!r}")
        ensure(info.pid is None or (_whole(info.pid) and info.pid > 1), f"its init is process {info.pid!r}")
        used = info.memory_used_mib
        ensure(used is None or _whole(used), f"its memory in use is {used!r}")

    @clause("CPU time never runs backwards.", source=_INFO)
    def test_info_counts_cpu_time_upwards(self, trial: Trial) -> None:
        trial.start()
        seconds = [trial.info().cpu_seconds for _ in range(4)]
        ensure(seconds == sorted(seconds), f"its CPU time was, one after the other, {seconds}")

    @clause("All infos together say of each instance what its own info says.", source=_ALL)
    def test_info_of_all_agrees(self, trial: Trial) -> None:
        names = {trial.start(), trial.start(trial.sibling)}
        together = {
            info.name: _steady(info) for info in trial.hypervisor.get_all_instances_info() if info.name in names
        }
        apart = {name: _steady(trial.info(name)) for name in names}
        ensure(together == apart, f"together they are {together}, and each by itself {apart}")

    @clause("All infos come sorted by name, one for each name that is listed.", source=_ALL)
    def test_info_of_all_matches_the_list(self, trial: Trial) -> None:
        trial.start(trial.sibling)
        trial.start()
        listed = allowed("a list", trial.hypervisor.list_instances)
        described = tuple(info.name for info in allowed("all infos", trial.hypervisor.get_all_instances_info))
        ensure(described == listed, f"listed are {listed}, described {described}")

    @clause("The list is sorted and names nothing twice.", source=_LIST)
    def test_list_is_sorted(self, trial: Trial) -> None:
        trial.start(trial.sibling)
        trial.start()
        listed = allowed("a list", trial.hypervisor.list_instances)
        ensure(list(listed) == sorted(set(listed)), f"the list is {listed}")

    @clause("The list leaves out what does not run.", source=_LIST)
    def test_list_leaves_out_what_was_stopped(self, trial: Trial) -> None:
        ensure(trial.name not in trial.hypervisor.list_instances(), "it is listed before its start")
        trial.start()
        trial.stop()
        ensure(trial.name not in trial.hypervisor.list_instances(), "it is listed after its stop")

    @clause("Questions answer alike with the hypervisor's parameters and without.", source=_HVPARAMS)
    def test_questions_take_parameters(self, trial: Trial) -> None:
        trial.start()
        parameters = trial.hypervisor.fill_parameters(trial.instance.parameters)
        verbs = trial.hypervisor
        listed = allowed("a list with parameters", verbs.list_instances, parameters)
        ensure(trial.name in listed, f"with parameters the list is {listed}")
        info = allowed("a question with parameters", verbs.get_instance_info, trial.name, parameters)
        ensure(info is not None and _steady(info) == _steady(trial.info()), f"with parameters the info is {info}")
        names = [found.name for found in allowed("all infos with parameters", verbs.get_all_instances_info, parameters)]
        ensure(trial.name in names, f"with parameters all infos are of {names}")

    @clause("Questions leave nothing on the node.")
    def test_questions_leave_nothing(self, trial: Trial) -> None:
        before = trial.offers.leftovers()
        verbs = trial.hypervisor
        verbs.list_instances()
        verbs.get_all_instances_info()
        verbs.get_instance_info(trial.name)
        verbs.get_instance_definition(trial.name)
        trial.must_leave_nothing(before, "a question")

    @clause("The definition of a name that nobody knows is None, not an error.")
    def test_definition_of_what_never_ran(self, trial: Trial) -> None:
        for name in (trial.name, trial.unknown):
            known = allowed("a question for a definition", trial.hypervisor.get_instance_definition, name)
            ensure(known is None, f"the definition of what never ran is {known}")


def _whole(number: object) -> bool:
    return isinstance(number, int) and not isinstance(number, bool) and number >= 0


def _steady(info: InstanceInfo) -> tuple[object, ...]:
    """Return what does not change from one look to the next."""
    return info.name, info.hypervisor, info.state, info.memory_mib, info.vcpus, info.pid
