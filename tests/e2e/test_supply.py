"""What a release is made of: the SBOMs of `./run sbom`, and the base images, which can be pinned."""

import json
import os
import pathlib
import re
import shutil
import subprocess
import sys

import pytest
import yaml

from cluster import ROOT

BIN = pathlib.Path(os.environ.get("REDIS_ZK_BIN", ROOT / "build/release/bin"))
TOOL = ROOT / "packaging/sbom.py"
COMPOSE = sorted((ROOT / "docker").glob("docker-compose*.yml"))
HEADER_ONLY = {"libcli11-dev", "libexpected-dev", "libspdlog-dev", "libtomlplusplus-dev", "nlohmann-json3-dev"}

# What `docker` prints of an image with these packages.
LISTING = """\
installed\tlibc6\t2.41-12\tamd64\tglibc
config-files\tzookeeper\t3.8.0-11\tall\tzookeeper
installed\tredis-server\t5:8.0.2-3+deb13u1\tall\tredis
installed\tnlohmann-json3-dev\t3.11.3-2\tall\tnlohmann-json3
installed\tlibc6\t2.41-12\tamd64\tglibc

PRETTY_NAME="Debian GNU/Linux 13 (trixie)"
VERSION_ID="13"
"""


def sbom(*words, path=os.environ["PATH"]):
    made = subprocess.run([sys.executable, TOOL, *map(str, words)], capture_output=True, text=True, check=False,
                          env={**os.environ, "PATH": path, "SOURCE_DATE_EPOCH": "1800000000"})
    assert made.returncode == 0, made.stderr
    return json.loads(made.stdout)


def check(document, kind, name):
    """What CycloneDX 1.5 requires, and what scanners look for."""
    assert (document["bomFormat"], document["specVersion"], document["version"]) == ("CycloneDX", "1.5", 1)
    assert re.fullmatch(r"urn:uuid:[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", document["serialNumber"])
    assert document["metadata"]["timestamp"] == "2027-01-15T08:00:00Z"
    about = document["metadata"]["component"]
    assert (about["type"], about["name"], about["version"]) == (kind, name, "0.2.0")
    references = [each["bom-ref"] for each in document["components"]]
    assert len(set(references)) == len(references) > 0
    assert document["dependencies"] == [{"ref": about["bom-ref"], "dependsOn": references}]
    for each in document["components"]:
        assert each["type"] == "library" and each["name"] and each["version"]
        assert re.fullmatch(r"pkg:deb/debian/[a-z0-9.+-]+@[A-Za-z0-9.~%-]+\?arch=\w+&distro=debian-[\d.]+", each["purl"])
    return {each["name"]: each for each in document["components"]}


def test_of_the_daemons():
    if shutil.which("dpkg-query") is None:
        pytest.skip("no dpkg")
    document = sbom("binaries", BIN)
    components = check(document, "application", "redis-zk")
    assert {"libc6", "libstdc++6", "libzookeeper-mt2"} | HEADER_ONLY <= set(components)
    for daemon in ("redis-wrapper", "sentinel-wrapper", "watcher"):
        needed = re.findall(r"NEEDED.*\[(lib\w+)", subprocess.run(["readelf", "-d", BIN / daemon], capture_output=True,
                                                                   text=True, check=True).stdout)
        for library in {"libhiredis", "libfmt", "libzookeeper_mt", "libssl"} & set(needed):
            assert [name for name in components if name.startswith(library.replace("_", "-"))], library
    assert sbom("binaries", BIN) == document, "the same input, the same document"


def test_of_an_image(tmp_path):
    docker = tmp_path / "docker"
    (tmp_path / "listing").write_text(LISTING)
    docker.write_text(f"""#!/bin/sh
case "$1 $2" in
  "image inspect") echo '{{"org.opencontainers.image.version":"0.2.0"}}' ;;
  *) cat {tmp_path}/listing ;;
esac
""")
    docker.chmod(0o755)
    document = sbom("image", "registry.example.com/redis-zk/redis-wrapper:latest",
                    path=f"{tmp_path}:{os.environ['PATH']}")
    components = check(document, "container", "redis-wrapper")
    assert sorted(components) == ["libc6", "nlohmann-json3-dev", "redis-server"]
    assert components["redis-server"]["purl"] == \
        "pkg:deb/debian/redis-server@5%3A8.0.2-3%2Bdeb13u1?arch=all&distro=debian-13"
    assert components["redis-server"]["properties"] == [{"name": "debian:source", "value": "redis"}]


def test_what_the_images_say_of_compiled_in_libraries():
    """The tool and the Dockerfile name the same ones, in one format."""
    dockerfile = (ROOT / "docker/Dockerfile").read_text()
    (listing,) = re.findall(r"^RUN dpkg-query -W -f '(\S+)' ((?:.|\\\n)*?)>(\S+)$", dockerfile, re.M)
    tool = TOOL.read_text()
    assert f'FORMAT = r"{listing[0]}"' in tool and f'COMPILED_IN = "{listing[2]}"' in tool
    assert set(listing[1].replace("\\", " ").split()) == HEADER_ONLY
    copied = re.findall(r"^COPY --from=build (\S+) (\S+)$", dockerfile, re.M)
    assert copied.count((listing[2], listing[2].rpartition("/")[0] + "/")) == 3
    assert re.search(r"HEADER_ONLY = \((.*)\)", tool)[1].replace('"', "").split(", ") == sorted(HEADER_ONLY)


def test_every_image_begins_with_the_base_that_can_be_pinned():
    lines = (ROOT / "docker/Dockerfile").read_text().splitlines()
    (default,) = [line for line in lines if line.startswith("ARG BASE_IMAGE=")]
    first = next(number for number, line in enumerate(lines) if line.startswith("FROM "))
    assert lines.index(default) < first, "an ARG after the first FROM is another stage's"
    stages = [line.split() for line in lines if line.startswith("FROM ")]
    names = {words[3] for words in stages}
    assert {words[1] for words in stages} - names == {"$BASE_IMAGE"}
    text = "\n".join(lines)
    labels = text.count("org.opencontainers.image.base.name=$BASE_IMAGE")
    assert labels == text.count("\nARG BASE_IMAGE\n") == text.count("LABEL org.opencontainers.image.title=") == 3
    for path in COMPOSE:
        content = yaml.safe_load(path.read_text())
        builds = [service["build"] for service in content["services"].values() if "build" in service]
        for build in builds:
            assert build["args"] == {"BASE_IMAGE": "${BASE_IMAGE:-%s}" % default.partition("=")[2]}, path.name
        images = {service["image"] for name, service in content["services"].items()
                  if "image" in service and not service["image"].startswith("redis-zk/")}
        assert images <= {"${ZOOKEEPER_IMAGE:-zookeeper:3.9}"}, path.name
