"""Every promise of the contract, tried on real containers."""

from __future__ import annotations

import pytest

import hvcore
from hvcore.testing import HypervisorConformance
from hvcore.testing.fixtures import LiveHost

BEHAVED = {"init": "/sbin/quick", "shutdown_signal": "SIGTERM", "shutdown_timeout": 20}


@pytest.mark.live
class TestNspawn(HypervisorConformance):
    required_level = "full"

    @pytest.fixture
    def hypervisor(self, nspawn_host: LiveHost) -> hvcore.Hypervisor:
        return nspawn_host.hypervisor

    @pytest.fixture
    def instance(self, nspawn_host: LiveHost) -> hvcore.Instance:
        return nspawn_host.instance(**BEHAVED)

    @pytest.fixture
    def stubborn_instance(self, nspawn_host: LiveHost) -> hvcore.Instance:
        return nspawn_host.instance("deaf", **{**BEHAVED, "init": "/sbin/deaf"})

    @pytest.fixture
    def failing_instance(self, nspawn_host: LiveHost) -> hvcore.Instance:
        return nspawn_host.instance("broken", **{**BEHAVED, "init": "/sbin/none"})
