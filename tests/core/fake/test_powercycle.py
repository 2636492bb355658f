"""The reset of the simulated node."""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import Any

import pytest

from hvcore.errors import InvalidInput
from hvcore.system.processes import open_pidfd, wait_pidfds

Make = Callable[..., Any]


class RealNode:
    """Fails the test when anything reaches for the real node's power."""

    def __getattr__(self, name: str) -> Any:
        pytest.fail(f"the real node's power was asked to {name}")


def test_a_reset_ends_every_instance_and_not_the_real_node(place: Any, instance: Make) -> None:
    fake = place.hypervisor(power=RealNode())
    for name in ("web1", "web2"):
        fake.start_instance(instance(name))
    fake.pause_instance("web2")
    fake.powercycle_node(confirmed=True)
    assert fake.list_instances() == ()
    assert fake.get_instance_info("web1") is None
    assert place.log()[-1] == "the node was reset"
    assert {recovery.instance for recovery in fake.recover().recoveries} == {"web1", "web2"}
    assert not place.remains("web1") + place.remains("web2")
    fake.start_instance(instance("web1"))
    assert fake.list_instances() == ("web1",)
    fake.stop_instance("web1", force=True)


def test_a_reset_ends_the_commands_in_an_instance(place: Any, fake: Any, instance: Make) -> None:
    fake.start_instance(instance())
    child = place.spawn(
        'import threading\nthreading.Thread(target=lambda: fake.exec_in_instance("web1", '
        '["sh", "-c", "echo $$ > pid; exec sleep 600"]), daemon=True).start()\n'
        'import time\npath = f"{state_dir}/fake/web1/root/pid"\n'
        "while not os.path.exists(path) or not open(path).read().strip(): time.sleep(0.01)\n"
        "tell(int(open(path).read()))\nsys.stdin.read()"
    )
    pid = int(child.stdout.readline())
    watched = open_pidfd(pid)
    assert watched is not None
    fake.powercycle_node(confirmed=True)
    assert wait_pidfds([watched], 10)
    os.close(watched)
    assert fake.list_instances() == ()
    fake.cleanup_instance("web1")


def test_a_reset_must_be_confirmed(fake: Any, instance: Make) -> None:
    fake.start_instance(instance())
    with pytest.raises(InvalidInput, match="must be confirmed"):
        fake.powercycle_node()
    assert fake.list_instances() == ("web1",)


def test_a_reset_while_an_instance_arrives(nodes: Any, instance: Make) -> None:
    nodes.source.start_instance(instance())
    info = nodes.begin()
    nodes.target.powercycle_node(confirmed=True)
    assert nodes.source.list_instances() == ("web1",)
    nodes.end(info, success=False)
    assert nodes.source.list_instances() == ("web1",)
    assert nodes.target.list_instances() == ()
    nodes.source.stop_instance("web1", force=True)
