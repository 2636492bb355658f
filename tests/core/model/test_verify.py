from __future__ import annotations

import json

import pytest

from hvcore.model.verify import Finding, VerifyReport, VerifyStatus

FINE = Finding("lxc-start", True, "5.0.2")
WEAK = Finding("swap", False, "no swap accounting", remedy="boot with swapaccount=1")
GONE = Finding("lxc", False, "lxc-start is not installed", essential=True)


@pytest.mark.parametrize(
    ("findings", "status", "text"),
    [
        ((), "healthy", None),
        ((FINE,), "healthy", None),
        ((FINE, WEAK), "unhealthy", "no swap accounting"),
        ((WEAK, GONE), "undetected", "no swap accounting; lxc-start is not installed"),
        ((Finding("root", True, "", essential=True),), "healthy", None),
        ((Finding("root", False, ""),), "unhealthy", "root"),
    ],
)
def test_status_and_text(findings, status, text):
    report = VerifyReport("lxc", findings)
    assert report.status is VerifyStatus(status)
    assert report.text() == text


def test_findings_become_a_tuple():
    assert VerifyReport("lxc", [FINE]).findings == (FINE,)


def test_to_dict():
    assert json.loads(json.dumps(VerifyReport("lxc", (WEAK,)).to_dict())) == {
        "hypervisor": "lxc",
        "status": "unhealthy",
        "text": "no swap accounting",
        "findings": [
            {
                "name": "swap",
                "ok": False,
                "detail": "no swap accounting",
                "remedy": "boot with swapaccount=1",
                "essential": False,
            }
        ],
        "versions": {},
    }


def test_versions_are_told_and_cannot_be_changed():
    report = VerifyReport("lxc", (FINE,), {"lxc": "5.0.2", "kernel": "6.1.0"})
    assert json.loads(json.dumps(report.to_dict()))["versions"] == {"lxc": "5.0.2", "kernel": "6.1.0"}
    with pytest.raises(TypeError):
        report.versions["lxc"] = "6.0"
