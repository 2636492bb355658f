"""Hypervisors and scopes of a test's own, and the fixtures that make them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

import hvcore
from hvcore.errors import HookConflict, InvalidPlugin, OperationFailed, UnknownHypervisor
from hvcore.fake.plugin import plugin
from hvcore.plugin import BaseHypervisor, Extension, HypervisorPlugin, choose, hookimpl
from hvcore.spec.inventory import InventorySpec
from hvcore.testing.commands import FakeRunner, Reply
from hvcore.testing.faults import FailAt, Watch
from hvcore.testing.fixtures import fake_runner, hypervisor_factory, scope
from hvcore.testing.hypervisors import make_hypervisor

__all__ = ["fake_runner", "hypervisor_factory", "scope"]

pytest_plugins = ("pytester",)


class Toy(BaseHypervisor):
    """Runs what a command says."""

    @hookimpl
    def list_instances(self, parameters: object) -> tuple[str, ...]:
        return tuple(self.context.runner.run(["toy", "list"], timeout_s=1).stdout.split())


class ToySteps:
    """The steps of toy."""

    @choose(since="1.0")
    def toy_colour(self, name: str) -> str | None:
        """Choose a colour."""
        raise NotImplementedError


class Green:
    @hookimpl
    def toy_colour(self, name: str) -> str | None:
        return "green"


class Red:
    @hookimpl
    def toy_colour(self, name: str) -> str | None:
        return "red" if name == "web1" else None


class Misspelt:
    @hookimpl
    def toy_color(self, name: str) -> str:
        return name


def test_a_drivers_class_is_enough(hypervisor_factory: Any, fake_runner: FakeRunner, tmp_path: Path) -> None:
    fake_runner.answer(["toy", "list"], Reply("web1 web2\n"))
    toy = hypervisor_factory(Toy, runner=fake_runner)
    assert toy.list_instances() == ("web1", "web2")
    assert (toy.name, toy.context.state_dir) == ("toy", tmp_path / "state" / "toy")
    assert list(tmp_path.iterdir()) == []


def test_a_scope_in_one_line(scope: Any) -> None:
    ours = scope(Toy, Extension(Red(), before=("Green",)), Green(), steps=[ToySteps])
    assert ours.choose(ToySteps.toy_colour, name="web1") == "red"
    assert ours.choose(ToySteps.toy_colour, name="web2") == "green"
    assert ours.implements(InventorySpec.list_instances)
    assert not ours.implements(InventorySpec.verify)


def test_a_name_of_its_own(scope: Any) -> None:
    assert scope(Toy, name="mine").hypervisor == "mine"


@pytest.mark.parametrize("driver", ["fake", plugin])
def test_an_installed_hypervisor_and_a_plugin(hypervisor_factory: Any, driver: str | HypervisorPlugin) -> None:
    fake = hypervisor_factory(driver)
    fake.start_instance(hvcore.Instance("web1", "fake"))
    assert hypervisor_factory(driver).list_instances() == ("web1",)
    fake.stop_instance("web1", force=True)


def test_the_environment_has_no_say(hypervisor_factory: Any, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("HVCORE_DISABLE", "fake")
    monkeypatch.setenv("HVCORE_PLUGINS", "nothing")
    monkeypatch.setenv("HVCORE_STATE_DIR", "/nowhere")
    fake = hypervisor_factory("fake", Misheard())
    assert fake.context.state_dir == tmp_path / "state" / "fake"


class Misheard:
    @hookimpl
    def instance_started(self, instance: object) -> None:
        """Hear nothing."""


def test_a_broken_extension_is_an_error(hypervisor_factory: Any) -> None:
    with pytest.raises(InvalidPlugin, match="toy has no hook 'toy_color'") as caught:
        hypervisor_factory(Toy, Misspelt(), steps=[ToySteps])
    assert "did you mean toy_colour" in str(caught.value.resolution)


def test_a_conflict_is_an_error(scope: Any) -> None:
    with pytest.raises(HookConflict):
        scope(Toy, Red(), Green(), steps=[ToySteps])


def test_a_hypervisor_that_is_not_installed(scope: Any) -> None:
    with pytest.raises(UnknownHypervisor, match="no hypervisor 'qemu'; installed: .*fake"):
        scope("qemu")


def test_surroundings(tmp_path: Path) -> None:
    watch = Watch()
    fake = make_hypervisor("fake", directory=tmp_path, observer=watch, prepare=FailAt("root").prepare)
    with pytest.raises(OperationFailed, match="injected at root begin"):
        fake.start_instance(hvcore.Instance("web1", "fake"))
    assert ("root", "undone") in watch.seen


# -- the fixtures, as an author's own tests use them


def test_the_scripted_runner_fails_a_test_that_swallows_its_complaint(pytester: pytest.Pytester) -> None:
    pytester.makeconftest("from hvcore.testing.fixtures import fake_runner\n")
    pytester.makepyfile(
        """
        def test_swallows(fake_runner):
            try:
                fake_runner.run(["rm"], timeout_s=1)
            except AssertionError:
                pass
        """
    )
    pytester.runpytest_inprocess("-p", "no:cacheprovider").assert_outcomes(passed=1, errors=1)


def test_nothing_is_there_unless_it_is_imported(pytester: pytest.Pytester) -> None:
    pytester.makepyfile("def test_wants(fake_runner): pass")
    pytester.runpytest_inprocess("-p", "no:cacheprovider").assert_outcomes(errors=1)
