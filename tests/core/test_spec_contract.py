"""The specs: all of Ganeti's contract, each hook declared, documented and tested."""

from __future__ import annotations

import ast
import inspect
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import hvcore
from hvcore import discovery
from hvcore.errors import Unsupported
from hvcore.plugin import BaseHypervisor, HypervisorPlugin
from hvcore.scope import Hook, Scope
from hvcore.spec.contract import CONTRACT_SPECS, CONTRACT_VERSION
from hvcore.spec.kinds import Kind, declaration_of

TESTS = Path(__file__).parents[1]

# Every method of the latest BaseHypervisor that a caller may call, and the two of its attributes that are asked for.
GANETI = """
    StartInstance VerifyInstance RestoreInstance StopInstance CleanupInstance RebootInstance ListInstances GetInstanceInfo
    GetAllInstancesInfo GetNodeInfo GetInstanceConsole GetAncillaryFiles Verify VersionsSafeForMigration MigrationInfo
    AcceptInstance MigrateInstance GetMigrationStatus FinalizeMigrationSource FinalizeMigrationDst BalloonInstanceMemory
    CheckParameterSyntax ValidateParameters AssessParameters PowercycleNode ResizeDisk HotAddDevice HotDelDevice
    HotModDevice VerifyHotplugSupport HotplugSupported
    """.split()
ATTRIBUTES = {"PARAMETERS": "get_parameters", "CAN_MIGRATE": "can_migrate"}

# In the order of its arguments; what Ganeti takes apart or leaves to the caller is a typed value here.
SIGNATURES = {
    "start_instance": "instance block_devices startup_paused",
    "verify_instance": "instance",
    "restore_instance": "instance block_devices",
    "stop_instance": "instance name force retry timeout_s",
    "cleanup_instance": "instance_name",
    "reboot_instance": "instance",
    "list_instances": "parameters",
    "get_instance_info": "instance_name parameters",
    "get_all_instances_info": "parameters",
    "get_node_info": "parameters",
    "get_instance_console": "instance primary_node",
    "get_ancillary_files": "",
    "verify": "parameters",
    "versions_safe_for_migration": "source target",
    "migration_info": "instance",
    "accept_instance": "instance info target",
    "migrate_instance": "cluster_name instance target live",
    "get_migration_status": "instance",
    "finalize_migration_source": "instance success live",
    "finalize_migration_dst": "instance info success",
    "balloon_instance_memory": "instance memory_mib",
    "check_parameter_syntax": "parameters",
    "validate_parameters": "parameters",
    "assess_parameters": "parameters",
    "powercycle_node": "parameters",
    "resize_disk": "instance disk new_size_bytes",
    "hot_add_device": "instance device_type device extra sequence",
    "hot_del_device": "instance device_type device extra sequence",
    "hot_mod_device": "instance device_type device extra sequence",
    "verify_hotplug_support": "instance action device_type",
    "hotplug_supported": "instance",
}


def installed_steps() -> dict[str, tuple[type, ...]]:
    """Return the step specs of every hypervisor that is installed; one that does not load fails a test of its own."""
    found: dict[str, tuple[type, ...]] = {}
    for candidate in discovery.find_all():
        if candidate.group == discovery.HYPERVISORS_GROUP:
            plugin = discovery.load(candidate)
            assert isinstance(plugin, HypervisorPlugin)
            found[plugin.name] = plugin.steps
    return found


STEPS = installed_steps()
CONTRACT = Scope("contract", CONTRACT_SPECS).hooks
HOOKS = [*CONTRACT, *(hook for name, steps in STEPS.items() for hook in Scope(name, steps).hooks)]

each_hook = pytest.mark.parametrize("hook", HOOKS, ids=[hook.name for hook in HOOKS])


def pep8(name: str) -> str:
    return re.sub("(?<!^)(?=[A-Z])", "_", name).lower()


def sections(hook: Hook) -> dict[str, str]:
    """Return the parts of a hook's docstring: its first line as "summary", the others by their heading."""
    lines = inspect.cleandoc(hook.function.__doc__ or "").split("\n")
    parts: dict[str, list[str]] = {"summary": [lines[0]]}
    heading = "text"
    for line in lines[1:]:
        match = re.match(r"(Answered by|Args|Returns|Raises|Source):(.*)", line)
        heading = match[1] if match else heading
        parts.setdefault(heading, []).append(match[2] if match else line)
    return {name: "\n".join(part).strip() for name, part in parts.items()}


# All of Ganeti's contract.


@pytest.mark.parametrize("name", GANETI)
def test_every_method_of_ganetis_contract_is_a_hook(name: str) -> None:
    hooks = {hook.name: hook for hook in CONTRACT}
    assert hooks[pep8(name)].arguments == tuple(SIGNATURES[pep8(name)].split())
    assert f"Ganeti ``{name}``" in sections(hooks[pep8(name)])["Source"]


@pytest.mark.parametrize(("attribute", "hook"), ATTRIBUTES.items())
def test_every_attribute_of_ganetis_contract_is_a_hook_and_an_attribute(attribute: str, hook: str) -> None:
    assert hook in {each.name for each in CONTRACT}
    assert hasattr(BaseHypervisor, attribute)


def test_the_helpers_of_ganetis_contract_are_offered() -> None:
    assert {hvcore.linux_node_info, hvcore.linux_powercycle}
    for name in ("ANCILLARY_FILES", "ANCILLARY_FILES_OPT", "startup_memory_mib"):
        assert hasattr(BaseHypervisor, name)


def test_every_hook_of_a_command_has_its_verb() -> None:
    verbs = {
        "get_parameters": "parameters",
        "get_instance_stats": "instance_stats",
        "get_all_instances_stats": "all_instances_stats",
        "watch_guest": "watch_events",
        "get_guest_end": "watch_events",
    }
    for hook in CONTRACT:
        if hook.declaration.kind is Kind.COMMAND:
            assert hasattr(hvcore.Hypervisor, verbs.get(hook.name, hook.name)), hook.name


# Each hook.


@each_hook
def test_declares_its_kind_and_since_when_it_exists(hook: Hook) -> None:
    assert isinstance(hook.declaration.kind, Kind)
    since = re.fullmatch(r"([0-9]+)\.([0-9]+)", hook.declaration.since)
    assert since
    if hook in CONTRACT:
        assert [int(part) for part in since.groups()] <= [int(part) for part in CONTRACT_VERSION.split(".")]


@each_hook
def test_says_in_one_imperative_line_what_it_is_for(hook: Hook) -> None:
    summary = sections(hook)["summary"]
    assert summary.endswith(".")
    assert len(summary) <= 110
    first = summary.split()[0]
    assert first == first.capitalize()
    # "Start", not "Starts", "Started" or "Starting".
    assert not re.search("(?<!s)s$|ed$|ing$", first), first
    assert first not in {"The", "A", "An", "This", "It"}


@each_hook
def test_says_who_answers(hook: Hook) -> None:
    who = sections(hook)["Answered by"]
    if hook.declaration.kind is Kind.COMMAND:
        assert who.startswith("the driver")
        # Nobody but the base class overrides the specs that it inherits.
        answered_by_base = declaration_of(getattr(BaseHypervisor, hook.name)) is None
        assert ("BaseHypervisor" in who) is answered_by_base
    else:
        assert "extension" in who


@each_hook
def test_documents_every_argument_and_no_other(hook: Hook) -> None:
    text = sections(hook)["Args"]
    if not hook.arguments:
        assert text == "none."
        return
    documented = re.findall(r"^ {4}(\w+): \S", "    " + text, flags=re.MULTILINE)
    assert tuple(documented) == hook.arguments


@each_hook
def test_documents_its_answer_its_errors_and_its_source(hook: Hook) -> None:
    parts = sections(hook)
    returns_nothing = inspect.signature(hook.function).return_annotation in {"None", None}
    assert (parts["Returns"] == "Nothing." or parts["Returns"].startswith("Nothing;")) is returns_nothing
    assert parts["Source"].endswith(".")
    raised = re.findall(r"^ {4}(\w+): ", "    " + parts["Raises"], flags=re.MULTILINE)
    assert raised or parts["Raises"].startswith("nothing")
    for name in raised:
        assert issubclass(getattr(hvcore.errors, name), hvcore.HypervisorError), name


@each_hook
def test_documents_the_unit_of_every_number(hook: Hook) -> None:
    text = sections(hook)["Args"]
    for suffix, unit in {"_mib": "MiB", "_bytes": "bytes", "_s": "seconds"}.items():
        for argument in hook.arguments:
            if argument.endswith(suffix):
                assert re.search(rf"{argument}: .*{unit}", text)


@each_hook
def test_arguments_are_typed_without_defaults_and_pass_by_name_and_position(hook: Hook) -> None:
    signature = inspect.signature(hook.function)
    assert signature.return_annotation is not inspect.Signature.empty
    for parameter in list(signature.parameters.values())[1:]:
        assert parameter.kind is inspect.Parameter.POSITIONAL_OR_KEYWORD
        assert parameter.default is inspect.Parameter.empty
        assert parameter.annotation is not inspect.Parameter.empty


@each_hook
def test_the_specs_own_body_is_never_an_answer(hook: Hook) -> None:
    with pytest.raises(NotImplementedError):
        hook.function(*([None] * (len(hook.arguments) + 1)))


def test_steps_are_named_after_their_hypervisor() -> None:
    for name, steps in STEPS.items():
        for hook in Scope(name, steps).hooks:
            assert hook.name.startswith(f"{name}_")


# Coverage of the hooks by tests.


@pytest.fixture(scope="module")
def names_of_tests() -> frozenset[str]:
    return frozenset(
        node.name
        for file in TESTS.rglob("test_*.py")
        for node in ast.walk(ast.parse(file.read_text("utf-8")))
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef))
    )


@each_hook
def test_has_a_test_of_its_name(hook: Hook, names_of_tests: frozenset[str]) -> None:
    assert f"test_{hook.name}" in names_of_tests


def test_what_nobody_implements_is_unsupported_for_every_command() -> None:
    scope = Scope("empty", CONTRACT_SPECS)
    scope.seal()
    call: Callable[..., Any] = scope.command
    for hook in CONTRACT:
        if hook.declaration.kind is Kind.COMMAND:
            with pytest.raises(Unsupported, match=f"empty does not support {hook.name}"):
                call(hook.function, *([None] * len(hook.arguments)))
