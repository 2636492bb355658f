"""Parameters, files and capabilities."""

from __future__ import annotations

import os
from typing import Any, ClassVar

from attrs import evolve
from mutation import breaks

from hvcore.errors import InvalidParameter
from hvcore.fake.driver import FakeDriver
from hvcore.fake.params import PARAMETERS
from hvcore.hypervisor import Hypervisor
from hvcore.model.capability import Capability, Support
from hvcore.model.files import AncillaryFiles
from hvcore.model.parameters import DIR, FILE, REQUIRED, Parameter, ParameterType
from hvcore.plugin import hookimpl

KERNEL = Parameter("kernel_path", ParameterType.STRING, "", "The guest's kernel.", FILE, example="/boot/vmlinuz")
ROOT = Parameter("folder", ParameterType.STRING, "/", "A folder.", DIR)
OWNER = Parameter("owner", ParameterType.STRING, "", "Whose it is.", REQUIRED, example="alice")


class Declares(FakeDriver):
    MORE: ClassVar[tuple[Parameter, ...]] = ()

    def declared_parameters(self) -> Any:
        return (*super().declared_parameters(), *self.MORE)


@breaks("parameters-are-described", "a parameter is not described")
class DeclaresInSilence(Declares):
    MORE = (Parameter("mystery", ParameterType.STRING, "", ""),)


@breaks("parameters-are-described", "a parameter is declared twice")
class DeclaresTwice(Declares):
    MORE = (PARAMETERS[0],)


@breaks("parameters-are-filled-in", "defaults are left out")
class FillsNothingIn(Hypervisor):
    def prepare_instance(self, instance: Any) -> Any:
        super().prepare_instance(instance)
        return instance


@breaks("parameters-are-filled-in", "other values than the defaults are filled in")
class FillsAnythingIn(Hypervisor):
    def prepare_instance(self, instance: Any) -> Any:
        filled = super().prepare_instance(instance)
        return evolve(filled, parameters={**filled.parameters, "stop_delay_s": 7.0})


@breaks("parameters-of-a-good-instance-pass", "no parameters are good enough")
class RefusesAll(FakeDriver):
    @hookimpl
    def validate_parameters(self, parameters: Any) -> None:
        raise InvalidParameter("no", key="start_delay_s")


class Checks(Declares):
    """A driver that checks parameters by itself: too little, or too much."""

    def wrong(self, parameters: dict[str, Any]) -> dict[str, Any]:
        raise NotImplementedError

    @hookimpl
    def check_parameter_syntax(self, parameters: Any) -> None:
        super().check_parameter_syntax(self.wrong(dict(parameters)))


@breaks("parameters-unknown", "what is not declared passes")
class PassesUnknown(Checks):
    def wrong(self, parameters: dict[str, Any]) -> dict[str, Any]:
        return {p.name: parameters[p.name] for p in self.declared_parameters()}


@breaks("parameters-missing", "what is left out has its default")
class PassesMissing(Checks):
    def wrong(self, parameters: dict[str, Any]) -> dict[str, Any]:
        return {**{p.name: p.default for p in self.declared_parameters()}, **parameters}


@breaks("parameters-missing", "what is left out is a bare KeyError, as in Ganeti")
class RaisesKeyErrors(Checks):
    def wrong(self, parameters: dict[str, Any]) -> dict[str, Any]:
        return {p.name: parameters[p.name] for p in self.declared_parameters()}


@breaks("parameters-required", "what is required may be unset")
class PassesUnset(Checks):
    MORE = (OWNER,)
    PARAMETERS_OF_A_GOOD_ONE: ClassVar[dict[str, str]] = {"owner": "alice"}

    def wrong(self, parameters: dict[str, Any]) -> dict[str, Any]:
        return {**parameters, "owner": parameters["owner"] or "nobody"}


@breaks("parameters-unset", "an empty text is no unset value")
class RefusesEmpty(Checks):
    def wrong(self, parameters: dict[str, Any]) -> dict[str, Any]:
        return {name: "?" if value == "" and name != "fail_step" else value for name, value in parameters.items()}


@breaks("parameters-of-another-type", "types are not looked at")
class PassesAnyType(Checks):
    def wrong(self, parameters: dict[str, Any]) -> dict[str, Any]:
        return {p.name: p.default for p in self.declared_parameters()}


@breaks("parameters-syntax-before-runtime", "the syntax check looks at the node")
class LooksTooEarly(Checks):
    MORE = (KERNEL,)

    def wrong(self, parameters: dict[str, Any]) -> dict[str, Any]:
        self.validate_parameters(parameters)
        return parameters


class LooksNever(Declares):
    MORE = (KERNEL, ROOT)

    @hookimpl
    def validate_parameters(self, parameters: Any) -> None:
        pass


breaks("parameters-syntax-before-runtime", "nobody looks at the node")(LooksNever)
breaks("parameters-are-validated-at-a-start", "nobody looks at the node")(LooksNever)


@breaks("parameters-are-validated-at-a-start", "a start touches the node before the parameters are validated")
class ValidatesTooLate(Hypervisor):
    class DRIVER(Declares):
        MORE = (KERNEL,)

    def start_instance(self, instance: Any, block_devices: Any = (), startup_paused: bool = False) -> None:
        self.context.instance_dir(instance.name).mkdir(parents=True, exist_ok=True)
        super().start_instance(instance, block_devices, startup_paused)


@breaks("parameters-checks-leave-nothing", "a check writes down what it was asked")
class ChecksOnDisk(FakeDriver):
    @hookimpl
    def validate_parameters(self, parameters: Any) -> None:
        self.context.state_dir.mkdir(parents=True, exist_ok=True)
        (self.context.state_dir / "checked").touch()
        super().validate_parameters(parameters)


@breaks("parameters-advice-is-text", "advice is one text")
class AdvisesInOneText(FakeDriver):
    @hookimpl
    def assess_parameters(self, parameters: Any) -> Any:
        return "use less memory"


@breaks("parameters-advice-is-text", "advice is numbers")
class AdvisesInNumbers(FakeDriver):
    @hookimpl
    def assess_parameters(self, parameters: Any) -> Any:
        return (1, 2)


@breaks("files-are-absolute", "a path goes up and down")
class NamesCrookedPaths(FakeDriver):
    ANCILLARY_FILES = frozenset({"/etc/../etc/fake.conf"})


@breaks("files-are-absolute", "a path is relative")
class NamesRelativePaths(FakeDriver):
    @hookimpl
    def get_ancillary_files(self) -> Any:
        files = AncillaryFiles()
        object.__setattr__(files, "paths", frozenset({"fake.conf"}))
        return files


@breaks("files-optional-are-a-subset", "an optional file is none of the files")
class NamesStrays(FakeDriver):
    @hookimpl
    def get_ancillary_files(self) -> Any:
        files = AncillaryFiles({"/etc/fake.conf"})
        object.__setattr__(files, "optional", frozenset({"/etc/other.conf"}))
        return files


@breaks("files-stay-the-same", "each instance brings files of its own")
class NamesInstancesFiles(FakeDriver):
    @hookimpl
    def get_ancillary_files(self) -> Any:
        return AncillaryFiles(f"/etc/fake/{name}.conf" for name in self.list_instances(None))


@breaks("files-are-no-state", "the state directory is to be copied to all nodes")
class NamesItsState(FakeDriver):
    @hookimpl
    def get_ancillary_files(self) -> Any:
        return AncillaryFiles({os.fspath(self.context.state_dir / "registry")})


class Boasts(Hypervisor):
    def change(self, capability: Capability) -> Capability:
        raise NotImplementedError

    def capabilities(self) -> Any:
        return tuple(map(self.change, super().capabilities()))


@breaks("capabilities-are-complete", "an operation is not mentioned")
class MentionsNotAll(Hypervisor):
    def capabilities(self) -> Any:
        return super().capabilities()[1:]


@breaks("capabilities-are-complete", "an operation is mentioned twice")
class MentionsTwice(Hypervisor):
    def capabilities(self) -> Any:
        return (*super().capabilities(), super().capabilities()[0])


@breaks("capabilities-have-reasons", "what is limited has no reason")
class LimitsWithoutAWord(Boasts):
    def change(self, capability: Capability) -> Capability:
        return evolve(capability, support=Support.LIMITED, reason=" ")


@breaks("capabilities-are-true", "pausing is declared unsupported, and works")
class HidesThePause(Boasts):
    def change(self, capability: Capability) -> Capability:
        hidden = capability.operation == "pause_instance"
        return evolve(capability, support=Support.NO, reason="too hard") if hidden else capability


@breaks("capabilities-are-true", "node info is declared unsupported, and answers")
class HidesTheNode(Boasts):
    def change(self, capability: Capability) -> Capability:
        hidden = capability.operation == "get_node_info"
        return evolve(capability, support=Support.NO, reason="too hard") if hidden else capability


@breaks("capabilities-agree-on-migration", "can_migrate says the opposite")
class BoastsOfMigration(FakeDriver):
    @hookimpl
    def can_migrate(self) -> bool:
        return not super().can_migrate()


@breaks("capabilities-equal-versions-are-safe", "no version is safe")
class TrustsNoVersion(FakeDriver):
    @hookimpl
    def versions_safe_for_migration(self, source: Any, target: Any) -> bool:
        return False
