"""Extensions beside a real container: what they hear, what they forbid, and which of two is asked first."""

from __future__ import annotations

import logging
import shutil
from collections.abc import Generator
from typing import Any

import pytest
from attrs import frozen

import hvcore
from hvcore.errors import HookConflict, OperationFailed
from hvcore.hypervisor import Hypervisor
from hvcore.model.instance import Instance
from hvcore.plugin import Extension, hookimpl
from hvcore.testing.fixtures import LiveHost
from hvcore_lxc.config import build_document
from hvcore_lxc.document import ConfigDocument, ConfigEntry
from hvcore_lxc.paths import LxcPaths

pytestmark = pytest.mark.live


class Listener:
    def __init__(self) -> None:
        self.heard: list[tuple[str, Instance | str]] = []

    @hookimpl
    def instance_started(self, instance: Instance) -> None:
        self.heard.append(("started", instance))

    @hookimpl
    def instance_stopped(self, instance_name: str) -> None:
        self.heard.append(("stopped", instance_name))


class Deafened:
    @hookimpl
    def instance_started(self) -> None:
        raise RuntimeError("no ear for a start")

    @hookimpl
    def instance_stopped(self) -> None:
        raise RuntimeError("no ear for a stop")


class Vetoes:
    @hookimpl(wrapper=True)
    def start_instance(self, instance: Instance) -> Generator[None, None, None]:
        if instance.memory_mib > 32:
            raise OperationFailed(f"{instance.name} is too large for this node", resolution="use at most 32 MiB")
        return (yield)


@frozen(eq=False)
class HostNamed:
    """Answers the whole configuration, with a host name of its own."""

    paths: LxcPaths
    host_name: str

    @hookimpl
    def lxc_config(self, instance: Instance, root: str, limits: tuple[ConfigEntry, ...]) -> ConfigDocument:
        return build_document(instance, root, limits, self.paths).replace("lxc.uts.name", self.host_name)


# Two classes, since an extension is ordered by its class's name.
class First(HostNamed):
    pass


class Second(HostNamed):
    pass


def load(lxc_host: LiveHost, settings: hvcore.Settings, *extensions: object) -> Hypervisor:
    host = hvcore.load(
        settings=settings, state_dir=lxc_host.state_dir, log_dir=lxc_host.log_dir, extensions={"lxc": extensions}
    )
    return host.hypervisor("lxc")


# -- notices and commands ----------------------------------------------------------------------------------------------


def test_a_start_and_a_stop_are_heard_once_each(lxc_host: LiveHost, leak_check: Any) -> None:
    listener = Listener()
    lxc = lxc_host.load(extensions=[listener])
    instance = lxc_host.instance(init="/sbin/quick")
    lxc.start_instance(instance)
    assert listener.heard == [("started", lxc.prepare_instance(instance))]
    lxc.stop_instance(instance.name, timeout_s=20)
    assert listener.heard[1:] == [("stopped", instance.name)]
    leak_check.check()


def test_a_failed_start_is_not_heard(lxc_host: LiveHost, leak_check: Any) -> None:
    listener = Listener()
    lxc = lxc_host.load(extensions=[listener])
    with pytest.raises(OperationFailed):
        lxc.start_instance(lxc_host.instance(init="/sbin/is-not-there"))
    assert listener.heard == []
    leak_check.check()


@pytest.mark.parametrize("order", [(Deafened, Listener), (Listener, Deafened)])
def test_a_listener_that_fails_is_logged_and_changes_nothing(
    lxc_host: LiveHost, caplog: pytest.LogCaptureFixture, leak_check: Any, order: tuple[type, type]
) -> None:
    listeners = [kind() for kind in order]
    settings = hvcore.Settings(order=tuple(kind.__name__ for kind in order))
    lxc = load(lxc_host, settings, *listeners)
    instance = lxc_host.instance(init="/sbin/quick")
    with caplog.at_level(logging.ERROR, "hvcore.notices"):
        lxc.start_instance(instance)
        assert lxc.list_instances() == (instance.name,)
        lxc.stop_instance(instance.name, timeout_s=20)
    [listener] = [one for one in listeners if isinstance(one, Listener)]
    assert [event for event, _ in listener.heard] == ["started", "stopped"]
    assert [record.name for record in caplog.records] == ["hvcore.notices"] * 2
    assert all("Deafened" in record.getMessage() for record in caplog.records)
    assert [str(record.exc_info[1]) for record in caplog.records if record.exc_info] == [
        "no ear for a start",
        "no ear for a stop",
    ]
    # What was not heard is kept for 'hv plugins', and is all that is left.
    kept = lxc_host.state_dir / ".notices"
    assert len(list(kept.iterdir())) == 2
    shutil.rmtree(kept)
    leak_check.check()


def test_a_veto_leaves_nothing(lxc_host: LiveHost, paths: LxcPaths, leak_check: Any) -> None:
    listener = Listener()
    lxc = lxc_host.load(extensions=[Vetoes(), listener])
    with pytest.raises(OperationFailed, match="too large") as caught:
        lxc.start_instance(lxc_host.instance("large", memory_mib=64))
    assert caught.value.resolution == "use at most 32 MiB"
    assert list(paths.lxcpath.iterdir()) == []
    assert listener.heard == []
    leak_check.check()
    small = lxc_host.instance("small", memory_mib=32, init="/sbin/quick")
    lxc.start_instance(small)
    assert lxc.list_instances() == (small.name,)
    lxc.stop_instance(small.name, timeout_s=20)
    leak_check.check()


# -- two of a kind -----------------------------------------------------------------------------------------------------


def test_two_answers_without_an_order_name_both_and_start_nothing(
    lxc_host: LiveHost, paths: LxcPaths, leak_check: Any
) -> None:
    with pytest.raises(HookConflict) as caught:
        lxc_host.load(extensions=[First(paths, "first"), Second(paths, "second")]).start_instance(lxc_host.instance())
    assert "lxc_config" in caught.value.explain()
    assert "'First'" in caught.value.message
    assert "'Second'" in caught.value.message
    assert list(paths.lxcpath.iterdir()) == []
    leak_check.check()


@pytest.mark.parametrize("winner", ["First", "Second"])
@pytest.mark.parametrize("said_by", ["before", "after", "settings"])
def test_with_an_order_the_right_one_wins(
    lxc_host: LiveHost, paths: LxcPaths, leak_check: Any, winner: str, said_by: str
) -> None:
    loser = {"First": "Second", "Second": "First"}[winner]
    settings = hvcore.Settings(order=(winner, loser) if said_by == "settings" else ())
    extensions = [
        Extension(
            kind(paths, kind.__name__.lower()),
            before=(loser,) if said_by == "before" and kind.__name__ == winner else (),
            after=(winner,) if said_by == "after" and kind.__name__ == loser else (),
        )
        for kind in (First, Second)
    ]
    lxc = load(lxc_host, settings, *extensions)
    instance = lxc_host.instance()
    lxc.start_instance(instance)
    assert lxc.exec_in_instance(instance.name, ["hostname"]).stdout.decode().strip() == winner.lower()
    lxc.stop_instance(instance.name, force=True)
    leak_check.check()
