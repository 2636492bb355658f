"""Whatever is wrong with a plugin that is really installed: ``hv plugins`` tells why, and everything else works."""

from __future__ import annotations

from pathlib import Path
from textwrap import dedent
from typing import Any

import pytest

EXTENSION = """
    from hvcore.plugin import hookimpl

    class Extension:
        hvcore_contract = "1.0"

        @hookimpl
        def instance_started(self, instance):
            print("heard of", instance.name)

    extension = Extension()
    """


def listener(old: str, new: str) -> str:
    assert old in EXTENSION
    return EXTENSION.replace(old, new)


class Installer:
    """A folder on the path of the commands, into which distributions are installed."""

    def __init__(self, site: Path) -> None:
        self.site = site
        site.mkdir()

    def install(self, project: str, group: str, value: str, source: str = EXTENSION, name: str = "mine") -> None:
        info = self.site / f"{project}-1.0.dist-info"
        info.mkdir()
        (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {project}\nVersion: 1.0\n")
        (info / "entry_points.txt").write_text(f"[{group}]\n{name} = {value}\n")
        (self.site / f"{value.partition(':')[0]}.py").write_text(dedent(source))


@pytest.fixture
def installer(environment: Path, monkeypatch: pytest.MonkeyPatch) -> Installer:
    made = Installer(environment / "site")
    monkeypatch.setenv("PYTHONPATH", str(made.site))
    monkeypatch.delenv("HVCORE_PLUGINS")
    made.install("good", "hvcore.fake", "good_module:extension", name="good")
    return made


def works(run_hv: Any, instance_file: Any) -> None:
    """Whether an instance starts, the good extension hears of it, and it is listed and stopped."""
    started = run_hv("start", instance_file())
    assert (started.status, started.out.splitlines()[0]) == (0, "heard of web1")
    assert [found["name"] for found in run_hv("list", "--json").json] == ["web1"]
    assert run_hv("stop", "web1", "--force").status == 0


@pytest.mark.parametrize(
    ("source", "value", "reason", "resolution"),
    [
        ("1 / 0", "bad:extension", "ZeroDivisionError: division by zero; at {site}/bad.py:1", "reinstall or update"),
        ("x = (", "bad:extension", "SyntaxError", "reinstall or update"),
        ("raise SystemExit(3)", "bad:extension", "SystemExit: 3", "reinstall or update"),
        (
            "import not_installed_here",
            "bad:extension",
            "No module named 'not_installed_here'",
            "install what bad needs",
        ),
        ("", "bad:extension", "has no attribute 'extension'", "name something that is in bad"),
        (
            listener("(self, instance)", "(self, instanse)"),
            "bad:extension",
            "instance_started asks for 'instanse', which the hook does not pass; at {site}/bad.py:7",
            "did you mean instance?",
        ),
        (
            listener("instance_started", "instance_startd"),
            "bad:extension",
            "fake has no hook 'instance_startd'; at {site}/bad.py:7",
            "did you mean instance_started?",
        ),
        (listener('"1.0"', '"9.0"'), "bad:extension", "it needs contract 9.0", "install a newer release of hvcore"),
        (
            listener('"1.0"', '"1.9"').replace("started", "sung"),
            "bad:extension",
            "does not know instance_sung",
            "newer",
        ),
        (EXTENSION, "bad:Extension", "it is the class Extension, not an object; at {site}/bad.py:4", "Extension()"),
        (EXTENSION, "bad", "it is the module bad, which answers no hook itself", "bad:extension"),
        (
            listener("instance_started(self, instance)", "start_instance(self)"),
            "bad:extension",
            "and driver 'fake' of hvcore",
            "HVCORE_DISABLE",
        ),
    ],
)
def test_a_broken_extension_is_told_of_and_stops_nobody(
    run_hv: Any, installer: Installer, instance_file: Any, source: str, value: str, reason: str, resolution: str
) -> None:
    installer.install("bad", "hvcore.fake", value, source)
    [broken] = run_hv("plugins", "--json").json["broken"]
    assert (broken["name"], broken["distribution"]) == ("mine", "bad 1.0")
    assert reason.format(site=installer.site) in broken["reason"]
    assert resolution in broken["resolution"]
    works(run_hv, instance_file)
    shown = run_hv("plugins").out
    assert "broken: mine of bad 1.0 (hvcore.fake)" in shown
    assert run_hv("list", "--no-plugins").err == ""


def test_two_extensions_of_one_name_are_both_left_out(run_hv: Any, installer: Installer, instance_file: Any) -> None:
    installer.install("one", "hvcore.fake", "one_module:extension")
    installer.install("two", "hvcore.all", "two_module:extension")
    broken = run_hv("plugins", "--json").json["broken"]
    assert {fault["distribution"] for fault in broken} == {"one 1.0", "two 1.0"}
    assert all("is claimed by one 1.0 and two 1.0" in fault["reason"] for fault in broken)
    works(run_hv, instance_file)


def test_a_listener_that_fails_is_told_of_until_it_hears_well(
    run_hv: Any, installer: Installer, instance_file: Any
) -> None:
    failing = listener('print("heard of", instance.name)', "raise ValueError(instance.name)")
    installer.install("deaf", "hvcore.all", "deaf:extension", failing)
    works(run_hv, instance_file)
    report = run_hv("plugins", "--json").json
    assert report["broken"] == []
    [deaf] = [plugin for plugin in report["extensions"] if plugin["name"] == "mine"]
    [note] = deaf["notes"]
    assert note.startswith("it failed to hear instance_started of fake at 20")
    assert note.endswith(f"ValueError: web1 (at {installer.site}/deaf.py:9)")
    assert f"note: mine of deaf 1.0: {note}" in run_hv("plugins").out
    (installer.site / "deaf.py").write_text(dedent(EXTENSION))
    run_hv("start", instance_file())
    run_hv("stop", "web1", "--force")
    assert [p["notes"] for p in run_hv("plugins", "--json").json["extensions"] if p["name"] == "mine"] == [[]]


def test_a_failure_that_cannot_be_kept_disturbs_nobody(run_hv: Any, installer: Installer, instance_file: Any) -> None:
    failing = listener('print("heard of", instance.name)', "raise ValueError(instance.name)")
    installer.install("deaf", "hvcore.all", "deaf:extension", failing)
    state = Path(installer.site).parent / "state"
    state.mkdir()
    (state / ".notices").write_text("in the way")
    works(run_hv, instance_file)
    assert run_hv("plugins", "--json").status == 0


def test_two_overriders_without_an_order_name_both_and_how_to_decide(
    run_hv: Any, installer: Installer, environment: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("HVCORE_DISABLE")  # it would win over the file's entry
    stepped = """
        from hvcore.plugin import BaseHypervisor, HypervisorPlugin, choose, hookimpl

        class Steps:
            @choose(since="1.0")
            def toy_step(self) -> str | None:
                raise NotImplementedError

        class Driver(BaseHypervisor):
            @hookimpl
            def list_instances(self, parameters):
                return ()

            @hookimpl
            def get_all_instances_info(self, parameters):
                return ()

        plugin = HypervisorPlugin("toy", "a toy", Driver, (Steps,), contract="1.0")
        """
    step = listener("instance_started(self, instance)", "toy_step(self)")
    installer.install("toy", "hvcore.hypervisors", "toy_module:plugin", stepped, name="toy")
    installer.install("one", "hvcore.toy", "one_module:extension", step, name="one")
    installer.install("two", "hvcore.toy", "two_module:extension", step, name="two")
    failed = run_hv("list", "-H", "toy")
    assert failed.status == 1
    assert "extension 'one' of one 1.0 and extension 'two' of two 1.0" in failed.err
    assert "HVCORE_ORDER=one,two or in the configuration file, or declare before/after" in failed.err
    everything = run_hv("list")
    assert (everything.status, "toy cannot say what runs" in everything.err) == (0, True)
    assert run_hv("list", "-H", "toy", HVCORE_ORDER="two,one").status == 0
    config = environment / "hvcore.toml"
    config.write_text('[plugins]\norder = ["two", "one"]\n')
    [toy] = [
        plugin
        for plugin in run_hv("plugins", "--json", HVCORE_CONFIG=str(config)).json["hypervisors"]
        if plugin["name"] == "toy"
    ]
    assert toy["order"] == ["two", "one", "toy"]
    config.write_text('[plugins]\ndisable = ["two"]\n')
    assert run_hv("list", "-H", "toy", HVCORE_CONFIG=str(config)).status == 0


def test_a_broken_configuration_stops_hv_but_not_without_plugins(run_hv: Any, installer: Installer) -> None:
    config = installer.site / "hvcore.toml"
    config.write_text("[plugins]\nordr = []\n")
    failed = run_hv("list", HVCORE_CONFIG=str(config))
    assert failed.status == 2
    assert f"{config}:2: unknown key plugins.ordr" in failed.err
    told = run_hv("list", "--json", HVCORE_CONFIG=str(config)).error
    assert (told["file"], told["line"], told["key"]) == (str(config), 2, "plugins.ordr")
    bare = run_hv("list", "--no-plugins", HVCORE_CONFIG=str(config))
    assert bare.status == 0
    assert "going on without the file" in bare.err


def test_no_plugins_always_starts(run_hv: Any, installer: Installer) -> None:
    installer.install("worst", "hvcore.hypervisors", "worst:plugin", "import os; os._exit(9)", name="worst")
    assert run_hv("list").status == 9
    assert run_hv("list", "--no-plugins").status == 0
    assert run_hv("list", HVCORE_DISABLE="worst lxc").status == 0
