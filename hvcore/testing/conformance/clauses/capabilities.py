"""What a hypervisor says of what it can do."""

from __future__ import annotations

from hvcore.model.capability import Capability, Support
from hvcore.spec.kinds import Kind
from hvcore.testing.conformance.clause import clause
from hvcore.testing.conformance.promise import allowed, ensure
from hvcore.testing.conformance.support import why_unsupported
from hvcore.testing.conformance.trial import Trial

__all__ = ["CapabilityClauses"]


class CapabilityClauses:
    """What is supported, and what is not."""

    @clause("The capabilities name every operation of the contract once.")
    def test_capabilities_are_complete(self, trial: Trial) -> None:
        told = sorted(capability.operation for capability in _capabilities(trial))
        hooks = trial.hypervisor.scope.hooks
        known = sorted(hook.name for hook in hooks if hook.declaration.kind is Kind.COMMAND)
        ensure(told == known, f"capabilities() and the contract differ in {sorted(set(told) ^ set(known)) or told}")

    @clause("A capability that is limited or missing says why.")
    def test_capabilities_have_reasons(self, trial: Trial) -> None:
        mute = [c.operation for c in _capabilities(trial) if c.support is not Support.YES and not c.reason.strip()]
        ensure(not mute, f"there is no reason why these are limited or missing: {', '.join(mute)}")

    @clause(
        "What is declared unsupported raises Unsupported, and never answers.",
        source="Ganeti's hole: NotImplementedError",
    )
    def test_capabilities_are_true(self, trial: Trial) -> None:
        for capability in _capabilities(trial):
            why_unsupported(trial.hypervisor, capability.operation, trial.instance)

    @clause("can_migrate is true if, and only if, migrate_instance is supported.", source="Ganeti CAN_MIGRATE")
    def test_capabilities_agree_on_migration(self, trial: Trial) -> None:
        why_not = why_unsupported(trial.hypervisor, "migrate_instance", trial.instance)
        can = allowed("a question for can_migrate", lambda: trial.hypervisor.can_migrate)
        ensure(
            can is (why_not is None), f"can_migrate is {can}, and of migrate_instance is said: {why_not or 'supported'}"
        )

    @clause("An instance may migrate between equal versions.", source="Ganeti 2.13 VersionsSafeForMigration")
    def test_capabilities_equal_versions_are_safe(self, trial: Trial) -> None:
        for version in ((), (1,), (5, 0, 2)):
            is_safe = allowed("a comparison", trial.hypervisor.versions_safe_for_migration, version, version)
            ensure(is_safe is True, f"a migration from {version} to {version} is not safe")


def _capabilities(trial: Trial) -> tuple[Capability, ...]:
    return allowed("a question for the capabilities", trial.hypervisor.capabilities)
