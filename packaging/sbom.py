#!/usr/bin/env python3
"""Says what an image or a folder of daemons is made of, as a CycloneDX document on stdout. See ./run sbom.

    sbom.py image NAME      all Debian packages in the image, and the header-only libraries in its daemon
    sbom.py binaries DIR    the Debian packages of the shared libraries that the daemons in DIR load on this machine, and
                            the header-only libraries that they were compiled with

The same input makes the same document, but for its time, which SOURCE_DATE_EPOCH sets.
"""

import datetime
import json
import os
import pathlib
import re
import subprocess
import sys
import typing
import urllib.parse
import uuid

FORMAT = r"${db:Status-Status}\t${Package}\t${Version}\t${Architecture}\t${source:Package}\n"
DAEMONS = ("redis-wrapper", "sentinel-wrapper", "watcher")
# Compiled into the daemons, so that no shared library names them.
HEADER_ONLY = ("libcli11-dev", "libexpected-dev", "libspdlog-dev", "libtomlplusplus-dev", "nlohmann-json3-dev")
# In the images; docker/Dockerfile writes it in the stage that compiles.
COMPILED_IN = "/usr/share/redis-zk/compiled-in"
NAMESPACE = uuid.uuid5(uuid.NAMESPACE_URL, "https://cyclonedx.org/redis-zk")


class Package(typing.NamedTuple):
    name: str
    version: str
    architecture: str
    source: str


def output(*words):
    ended = subprocess.run([str(word) for word in words], capture_output=True, text=True, check=False)
    if ended.returncode != 0:
        sys.exit(f"sbom: {' '.join(map(str, words))} exited with {ended.returncode}: {ended.stderr.strip()}")
    return ended.stdout


def parse_packages(text):
    """Of lines as FORMAT makes them; each package that is installed once, ordered by name."""
    fields = [line.split("\t") for line in text.splitlines() if line]
    return sorted({Package(*each) for state, *each in fields if state == "installed"})


def packages_named(names):
    return parse_packages(output("dpkg-query", "-W", "-f", FORMAT, *names))


def resolved(path):
    """As dpkg knows the file: /lib is a link to /usr/lib, and a package may name either."""
    return [path, path.removeprefix("/usr"), "/usr" + path]


def owner_of(library):
    """The package that a shared library belongs to."""
    real = str(pathlib.Path(library).resolve())
    for path in [*resolved(real), *resolved(library)]:
        ended = subprocess.run(["dpkg-query", "-S", path], capture_output=True, text=True, check=False)
        if ended.returncode == 0:
            return ended.stdout.partition(": ")[0].partition(",")[0]
    sys.exit(f"sbom: no package owns {library}: only Debian's libraries can be listed")


# --- what there is


def of_image(image):
    """(name, version, components, Debian's version)."""
    listing = output("docker", "run", "--rm", "--network", "none", "--entrypoint", "sh", image, "-euc",
                     f"dpkg-query -W -f '{FORMAT}'; cat {COMPILED_IN} 2>/dev/null || true; echo; cat /etc/os-release")
    packages, _, release = listing.partition("\n\n")
    name, _, tag = image.rpartition("/")[2].partition("@")[0].partition(":")
    labels = json.loads(output("docker", "image", "inspect", "--format", "{{json .Config.Labels}}", image)) or {}
    return name, labels.get("org.opencontainers.image.version", tag), parse_packages(packages), debian_of(release)


def of_binaries(folder):
    """The same, of the daemons in a folder."""
    libraries = set()
    for daemon in DAEMONS:
        libraries |= set(re.findall(r"=> (/\S+)", output("ldd", pathlib.Path(folder) / daemon)))
    version = output(pathlib.Path(folder) / "watcher", "--version").split()[-1]
    packages = packages_named([*{owner_of(library) for library in libraries}, *HEADER_ONLY])
    return "redis-zk", version, packages, debian_of(pathlib.Path("/etc/os-release").read_text())


def debian_of(os_release):
    found = re.search(r'^VERSION_ID="?([^"\n]+)', os_release, re.MULTILINE)
    return f"debian-{found[1]}" if found else "debian"


# --- the document


def purl(package, distribution):
    """https://github.com/package-url/purl-spec: how scanners know a package."""
    return (f"pkg:deb/debian/{package.name}@{urllib.parse.quote(package.version, safe='.-~')}"
            f"?arch={package.architecture}&distro={distribution}")


def component(package, distribution):
    reference = purl(package, distribution)
    return {"type": "library", "bom-ref": reference, "name": package.name, "version": package.version,
            "purl": reference, "properties": [{"name": "debian:source", "value": package.source}]}


def document(kind, name, version, packages, distribution):
    components = [component(package, distribution) for package in packages]
    about = {"type": kind, "bom-ref": f"{name}@{version}", "name": name, "version": version}
    contents = json.dumps([about, components])
    at = datetime.datetime.fromtimestamp(
        int(os.environ.get("SOURCE_DATE_EPOCH", datetime.datetime.now().timestamp())), datetime.timezone.utc)
    return {"bomFormat": "CycloneDX", "specVersion": "1.5", "serialNumber": f"urn:uuid:{uuid.uuid5(NAMESPACE, contents)}",
            "version": 1, "metadata": {"timestamp": at.strftime("%Y-%m-%dT%H:%M:%SZ"), "component": about},
            "components": components,
            "dependencies": [{"ref": about["bom-ref"], "dependsOn": [each["bom-ref"] for each in components]}]}


def main():
    match sys.argv[1:]:
        case ["image", image]:
            made = document("container", *of_image(image))
        case ["binaries", folder]:
            made = document("application", *of_binaries(folder))
        case _:
            sys.exit(__doc__)
    json.dump(made, sys.stdout, indent=2)
    print()


if __name__ == "__main__":
    main()
