from __future__ import annotations

import json
import os
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hvcore.errors import InvalidInput
from hvcore.model.instance import Disk, DiskKind, Instance, Nic, NicMode
from hvcore.model.instance_file import MAX_FILE_BYTES, parse_instance, read_instance_file

EXAMPLE = """\
name = "web1"
hypervisor = "lxc"

[backend]
memory_mib = 256
memory_min_mib = 128
vcpus = 1

[parameters]
cpu_mask = "0"
num_ttys = 6
devices = ["c 1:3 rw", "c 1:5 rw"]

[[disks]]
path = "/srv/web1.rootfs"

[[disks]]
path = "/srv/data.img"
kind = "image"
mount_point = "/srv"
read_only = true

[[nics]]
mode = "bridged"
link = "br0"
mac = "AA:00:00:12:34:56"
ip = "192.0.2.10/24"
"""


def test_the_example():
    assert parse_instance(EXAMPLE, "web1.toml") == Instance(
        "web1",
        "lxc",
        memory_mib=256,
        memory_min_mib=128,
        parameters={"cpu_mask": "0", "num_ttys": 6, "devices": ("c 1:3 rw", "c 1:5 rw")},
        disks=(Disk("/srv/web1.rootfs"), Disk("/srv/data.img", DiskKind.IMAGE, "/srv", True)),
        nics=(Nic(NicMode.BRIDGED, "br0", "aa:00:00:12:34:56", "192.0.2.10/24"),),
    )


@pytest.mark.parametrize(
    ("old", "new", "line", "key"),
    [
        ('name = "web1"', 'name = "web_1"', 1, "name"),
        ('name = "web1"\n', "", 1, "name"),
        ('hypervisor = "lxc"', "hypervisor = 5", 2, "hypervisor"),
        ("[backend]", "[backends]", 4, "backends"),
        ("memory_mib = 256", "memory_mib = 0", 5, "backend.memory_mib"),
        ("memory_mib = 256", 'memory_mib = "256"', 5, "backend.memory_mib"),
        ("memory_mib = 256", "memory_mib = 64", 6, "backend.memory_min_mib"),
        ("memory_mib = 256", "memory_mb = 256", 5, "backend.memory_mb"),
        ("memory_mib = 256", "memory_mib = 0x" + "f" * 5000, 5, "backend.memory_mib"),
        ("vcpus = 1", "vcpus = 1.0", 7, "backend.vcpus"),
        ("vcpus = 1", "vcpus = true", 7, "backend.vcpus"),
        ('cpu_mask = "0"', "cpu_mask = {a = 1}", 10, "parameters.cpu_mask"),
        ('cpu_mask = "0"', "cpu_mask.a = 1", 10, "parameters.cpu_mask"),
        ('cpu_mask = "0"', "cpu_mask = 1979-05-27", 10, "parameters.cpu_mask"),
        ('cpu_mask = "0"', "cpu_mask = nan", 10, "parameters.cpu_mask"),
        ('cpu_mask = "0"', 'cpu_mask = "0\\nlxc.x = 1"', 10, "parameters.cpu_mask"),
        ('cpu_mask = "0"', '"a b" = "0"', 10, "parameters.'a b'"),
        ('"c 1:5 rw"]', "5]", 12, "parameters.devices[1]"),
        ('"c 1:5 rw"]', "[]]", 12, "parameters.devices[1]"),
        ('"/srv/web1.rootfs"', '"web1.rootfs"', 15, "disks[0].path"),
        ('path = "/srv/data.img"', "", 17, "disks[1].path"),
        ('path = "/srv/data.img"', 'path = "data.img"', 18, "disks[1].path"),
        ('kind = "image"', 'kind = "lvm"', 19, "disks[1].kind"),
        ('mount_point = "/srv"', 'mount_point = "/srv/.."', 20, "disks[1].mount_point"),
        ('mount_point = "/srv"', "", 17, "disks[1].mount_point"),
        ('mount_point = "/srv"', 'mountpoint = "/srv"', 20, "disks[1].mountpoint"),
        ("read_only = true", "read_only = 1", 21, "disks[1].read_only"),
        ('mode = "bridged"', 'mode = "bridge"', 24, "nics[0].mode"),
        ('link = "br0"', "", 23, "nics[0].link"),
        ("AA:00:00:12:34:56", "AB:00", 26, "nics[0].mac"),
        ("192.0.2.10/24", "192.0.2.10", 27, "nics[0].ip"),
        ("[[nics]]", "[nics]", 23, "nics"),
        ("[[nics]]", "[[nics.x]]", 23, "nics"),
    ],
)
def test_bad_input_is_refused_with_file_line_and_key(old, new, line, key):
    text = EXAMPLE.replace(old, new, 1)
    assert text != EXAMPLE
    with pytest.raises(InvalidInput) as caught:
        parse_instance(text, "web1.toml")
    error = caught.value
    assert (error.file, error.line, error.key) == ("web1.toml", line, key)
    assert str(error).startswith(f"web1.toml:{line}: ")
    assert "\n" not in str(error)
    assert error.allowed
    assert error.resolution
    assert json.dumps(error.to_dict())


def test_a_relative_path_is_told_what_is_allowed():
    with pytest.raises(InvalidInput) as caught:
        parse_instance(EXAMPLE.replace("/srv/web1.rootfs", "web1.rootfs"), "web1.toml")
    assert str(caught.value).startswith(
        "web1.toml:15: disks[0].path cannot be 'web1.rootfs'; allowed: an absolute path"
    )
    assert caught.value.value == "web1.rootfs"


def test_an_unknown_key_gets_the_closest_name():
    with pytest.raises(InvalidInput) as caught:
        parse_instance(EXAMPLE.replace("memory_mib", "memoy_mib"), "web1.toml")
    assert caught.value.resolution == "did you mean memory_mib?"
    assert caught.value.allowed == "memory_mib, memory_min_mib, vcpus"
    assert caught.value.value == 256


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ('name = "web1"\nhypervisor = lxc\n', 2),
        ('name = "web1\n', 1),
        ('name = "web1"\nname = "web2"\n', 2),
        ("[backend]\n[backend]\n", 2),
        ("a = [\n1,\n2\n", 4),
        ("\n\n=", 3),
        ('a = "\x01"', 1),
        ('name = "web1"\nx = ' + "9" * 5000, 2),
        ('name = "web1"\n\nx = ' + "[" * 5000, 3),
        ('name = "web1"\nx = ' + "[" * 5000 + "]" * 5000, 2),
        ("a = 1\n" + "a." * 5000 + "b = 1", 2),
        ("a = 1\n[" + '"a" . ' * 5000 + "b]", 2),
        ("a = 1\nb = {" + "a." * 5000 + "b = 1}", 2),
        ("a = 1\nb = {c = 1, " + "a." * 5000 + "b = 1}", 2),
    ],
)
def test_syntax_errors_name_the_line(text, line):
    with pytest.raises(InvalidInput, match=f"^web1.toml:{line}: not valid TOML: ") as caught:
        parse_instance(text, "web1.toml")
    assert caught.value.line == line
    assert caught.value.resolution
    assert len(str(caught.value)) < 400


def test_keys_of_a_few_parts_are_no_syntax_error():
    text = EXAMPLE.replace("[backend]\nmemory_mib = 256", "[backend]\nmemory_mib.a.b.c.d = 256")
    with pytest.raises(InvalidInput) as caught:
        parse_instance(text, "web1.toml")
    assert caught.value.key == "backend.memory_mib"


def failure(path):
    with pytest.raises(InvalidInput) as caught:
        read_instance_file(path)
    assert caught.value.file is not None
    assert caught.value.file.isprintable()
    assert caught.value.resolution
    assert str(caught.value).startswith(caught.value.file)
    return caught.value


def test_files_that_cannot_be_read(tmp_path):
    assert "No such file" in failure(tmp_path / "none.toml").message
    assert "directory" in failure(tmp_path).message
    assert "null byte" in failure("a\0b").message
    assert "File name too long" in failure(tmp_path / ("x" * 300)).message


def test_a_file_that_is_not_utf8(tmp_path):
    path = tmp_path / "web1.toml"
    path.write_bytes(b'name = "web1"\nhypervisor = "\xff"\n')
    error = failure(path)
    assert (error.line, error.message) == (2, "byte 0xff is not UTF-8")


def test_a_byte_order_mark_is_no_fault(tmp_path):
    path = tmp_path / "web1.toml"
    path.write_bytes(b"\xef\xbb\xbf" + EXAMPLE.encode())
    assert read_instance_file(path).name == "web1"


def test_a_file_that_is_too_large(tmp_path):
    path = tmp_path / "web1.toml"
    head = EXAMPLE.encode()
    path.write_bytes(head + b"#" * (MAX_FILE_BYTES - len(head)))
    assert read_instance_file(path).name == "web1"
    path.write_bytes(head + b"#" * (MAX_FILE_BYTES - len(head) + 1))
    assert "too large" in failure(path).message
    assert "too large" in failure("/dev/zero").message


def test_an_odd_file_name_stays_on_one_line(tmp_path):
    path = tmp_path / os.fsdecode(b"a\nb\xff.toml")
    path.write_text("x = 1")
    assert "\\n" in failure(path).file


# -- any text ----------------------------------------------------------------------------------------------------------

TOKENS = st.sampled_from(
    [
        '"',
        "'",
        "[",
        "]",
        "[[",
        "]]",
        "=",
        ".",
        "\n",
        "#",
        "\\",
        "\r",
        "\0",
        "{",
        "}",
        ",",
        '"""',
        "name",
        "disks",
        "-1",
        "nan",
    ]
)
TEXTS = st.text() | st.lists(TOKENS | st.text(max_size=3), max_size=30).map("".join)


@st.composite
def damaged(draw):
    start = draw(st.integers(0, len(EXAMPLE)))
    end = draw(st.integers(start, min(len(EXAMPLE), start + 20)))
    return EXAMPLE[:start] + draw(TEXTS) + EXAMPLE[end:]


@given(TEXTS | damaged())
def test_any_text_is_an_instance_or_refused(text):
    try:
        instance = parse_instance(text, "web1.toml")
    except InvalidInput as error:
        refusal = error
    else:
        assert_clean(instance)
        return
    assert refusal.file == "web1.toml"
    assert refusal.line is not None
    assert 1 <= refusal.line <= text.count("\n") + 1
    assert len(str(refusal).splitlines()) == 1
    assert json.dumps(refusal.to_dict())


def assert_clean(instance):
    written = json.dumps(instance.to_dict())
    assert Instance.from_dict(json.loads(written)) == instance
    assert not re.search("[\x00-\x1f\x7f-\x9f\u2028\u2029]", json.dumps(instance.to_dict(), ensure_ascii=False))


@given(st.binary() | damaged().map(lambda text: text.encode(errors="replace")))
def test_any_bytes_are_an_instance_or_refused(tmp_path_factory, data):
    path = tmp_path_factory.getbasetemp() / "any.toml"
    path.write_bytes(data)
    try:
        outcome = read_instance_file(path)
    except InvalidInput as error:
        outcome = error
    assert isinstance(outcome, Instance) or outcome.file == str(path)


# -- generated instances -----------------------------------------------------------------------------------------------

LINES = st.text(st.characters(exclude_categories=["Cc", "Cs"], exclude_characters="\u2028\u2029"), max_size=20)
PATHS = LINES.map(lambda text: f"/{text}")
MACS = st.integers(1, 2**40 - 1).map(lambda n: "02:" + ":".join(f"{byte:02x}" for byte in n.to_bytes(5, "big")))
IPS = (
    st.ip_addresses()
    .filter(lambda ip: not (ip.is_multicast or ip.is_unspecified or "%" in str(ip)))
    .map(lambda ip: f"{ip}/24")
)
VALUES = (
    st.booleans()
    | st.integers(-(2**63) + 1, 2**63 - 1)
    | st.floats(allow_nan=False, allow_infinity=False)
    | LINES
    | st.lists(LINES, max_size=3)
)
PARAMETERS = st.dictionaries(st.from_regex(r"[a-z][a-z0-9_]{0,10}", fullmatch=True), VALUES, max_size=4)
NICS = st.lists(
    st.builds(
        Nic,
        mode=st.sampled_from(NicMode),
        link=st.sampled_from(["br0", "eth0.100"]),
        mac=st.just("") | MACS,
        ip=st.just("") | IPS,
        name=st.sampled_from(["", "eth0"]),
    ),
    max_size=8,
)


@st.composite
def instances(draw):
    memory_mib = draw(st.integers(1, 2**31))
    count = draw(st.integers(0, 4))
    disks = [
        Disk(draw(PATHS), draw(st.none() | st.sampled_from(DiskKind)), f"/mnt/{n}" if n else "", draw(st.booleans()))
        for n in range(count)
    ]
    return Instance(
        draw(st.from_regex(r"[a-z]([a-z0-9-]{0,20}[a-z0-9])?(\.[a-z]){0,3}", fullmatch=True)),
        draw(st.from_regex(r"[a-z][a-z0-9-]{0,20}", fullmatch=True)),
        memory_mib=memory_mib,
        memory_min_mib=draw(st.none() | st.integers(1, memory_mib)),
        vcpus=draw(st.integers(1, 8192)),
        parameters=draw(PARAMETERS),
        disks=disks,
        nics=draw(NICS),
        uuid=draw(st.just("") | st.uuids().map(str)),
        tags=draw(st.lists(st.from_regex(r"[a-z0-9:@/]{1,10}", fullmatch=True), max_size=3)),
    )


def toml_value(value):
    """Write a value; JSON's strings, numbers and lists are TOML's as long as nothing is escaped."""
    text = json.dumps(value, ensure_ascii=False)
    return text if not isinstance(value, float) or "." in text or "e" in text else f"{text}.0"


def toml(data):
    lines = []
    tables = {key: data[key] for key in ("backend", "parameters")}
    arrays = {key: data[key] for key in ("disks", "nics")}
    for header, table in [
        ("", {key: value for key, value in data.items() if key not in {*tables, *arrays}}),
        *((f"[{key}]", table) for key, table in tables.items()),
        *((f"[[{key}]]", table) for key, array in arrays.items() for table in array),
    ]:
        lines.append(header)
        lines.extend(f"{key} = {toml_value(value)}" for key, value in table.items() if value is not None)
    return "\n".join(lines)


@given(instances())
def test_generated_instances_survive_a_file(instance):
    assert parse_instance(toml(instance.to_dict()), "web1.toml") == instance


@given(instances())
def test_generated_instances_survive_json(instance):
    assert Instance.from_dict(json.loads(json.dumps(instance.to_dict()))) == instance
