"""The documentation: what is generated is current, links lead somewhere, and alerts have an entry in the runbook."""

import json
import os
import pathlib
import re

import pytest
import yaml

from options_reference import ROOT, page

BIN = pathlib.Path(os.environ.get("REDIS_ZK_BIN", ROOT / "build/release/bin"))
PAGES = sorted(path for path in ROOT.rglob("*.md")
               if not {"build", ".git"} & set(path.relative_to(ROOT).parts))
RUNBOOK = ROOT / "docs/operate/runbook.md"
LINK = re.compile(r"\]\(([^()\s]+)\)")


def prose(path):
    """The page without its code, where brackets mean something else."""
    text = re.sub(r"^ *```.*?^ *```$", "", path.read_text(), flags=re.S | re.M)
    return re.sub(r"`[^`\n]*`", "``", text)


def anchors(path):
    """As GitHub makes them of headings: lower case, without punctuation, blanks are hyphens, numbered where repeated."""
    text = re.sub(r"^ *```.*?^ *```$", "", path.read_text(), flags=re.S | re.M)
    found = set()
    for heading in re.findall(r"^#{1,6} +(.+?) *$", text, re.M):
        heading = re.sub(r"\[([^]]*)\]\([^)]*\)", r"\1", heading)
        anchor = re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-")
        number, numbered = 0, anchor
        while numbered in found:
            number += 1
            numbered = f"{anchor}-{number}"
        found.add(numbered)
    return found


def broken(path):
    """The relative links of a page that lead nowhere."""
    for link in LINK.findall(prose(path)):
        if re.match(r"[a-z]+:", link):
            continue
        target, _, anchor = link.partition("#")
        file = (path.parent / target).resolve() if target else path
        if not file.exists():
            yield link
        elif anchor and (file.suffix != ".md" or anchor not in anchors(file)):
            yield link


def test_the_options_reference_is_what_the_daemons_print():
    assert (ROOT / "docs/reference/options.md").read_text() == page(BIN), "make it anew: ./run docs"


@pytest.mark.parametrize("path", PAGES, ids=lambda path: str(path.relative_to(ROOT)))
def test_links_lead_somewhere(path):
    assert list(broken(path)) == []


def test_every_page_is_in_the_index():
    index = ROOT / "docs/README.md"
    linked = {(index.parent / link.partition("#")[0]).resolve() for link in LINK.findall(prose(index))}
    assert {path for path in PAGES if ROOT / "docs" in path.parents} - linked == {index}


def test_the_readme_is_short():
    assert len((ROOT / "README.md").read_text().splitlines()) <= 200


def test_every_alert_has_an_entry_in_the_runbook():
    rules = [rule for group in yaml.safe_load((ROOT / "conf/prometheus-alerts.yml").read_text())["groups"]
             for rule in group["rules"]]
    assert rules
    for rule in rules:
        file, _, anchor = rule["annotations"]["runbook_url"].partition("#")
        assert ROOT / file == RUNBOOK
        assert anchor == rule["alert"].lower(), "an entry is called as its alert is"
        assert anchor in anchors(RUNBOOK)


def secrets_of(env):
    """What closes a daemon, without the folder of the files."""
    closing = re.compile(r"\w+_PASSWORD_FILE|ZK_USERNAME|ADMIN_TOKEN_FILE|STRICT_SECRETS|\w+_TLS\w*")
    return {name: value.rpartition("/")[2] for name, value in env.items() if closing.fullmatch(name)}


def test_the_closed_variants_close_the_same():
    """Compose with and without host networking, and with TLS, Marathon, Nomad."""
    wanted = {"REDIS_PASSWORD_FILE": "redis", "SENTINEL_PASSWORD_FILE": "sentinel", "ZK_USERNAME": "redis-zk",
              "ZK_PASSWORD_FILE": "zookeeper", "STRICT_SECRETS": "on"}
    admin = {"ADMIN_TOKEN_FILE": "admin"}
    tls = {"REDIS_TLS": "on", "REDIS_TLS_CA_CERT_FILE": "ca.pem", "REDIS_TLS_CERT_FILE": "node.crt",
           "REDIS_TLS_KEY_FILE": "node.key"}
    https = {"HTTP_TLS_CERT_FILE": "watcher.crt", "HTTP_TLS_KEY_FILE": "watcher.key"}
    for name in ("docker-compose.yml", "docker-compose.host.yml"):
        services = yaml.safe_load((ROOT / "docker" / name).read_text())["services"]
        daemons = {name: service for name, service in services.items() if name not in ("zookeeper", "secrets")}
        assert len(daemons) == (3 if name == "docker-compose.yml" else 7)
        for service, settings in daemons.items():
            assert secrets_of(settings["environment"]) == {**wanted, **(admin if service == "watcher" else {})}
            assert "secrets:/run/redis-zk:ro" in settings["volumes"]
    services = yaml.safe_load((ROOT / "docker/docker-compose.tls.yml").read_text())["services"]
    assert sorted(services) == ["certificates", "redis", "sentinel", "watcher"]
    for service in ("redis", "sentinel", "watcher"):
        assert secrets_of(services[service]["environment"]) == {**tls, **(https if service == "watcher" else {})}
    wanted |= tls
    admin |= https
    for app in json.loads((ROOT / "marathon/redis-zk-secure.json").read_text())["apps"]:
        assert secrets_of(app["env"]) == {**wanted, **(admin if app["id"].endswith("/watcher") else {})}
    page = (ROOT / "docs/deploy/nomad.md").read_text()
    (snippet,) = re.findall(r"^```hcl\n(.*?)^```$", page, re.S | re.M)
    assert secrets_of(dict(re.findall(r'^  (\w+) += "(.*)"$', snippet, re.M))) == {**wanted, **admin}
    (files,) = re.findall(r"for_each = (\{.*?\})", snippet, re.S)
    files = dict(re.findall(r'"?([\w.]+)"? += "(\w+)"', files))
    assert set(files) == {*wanted.values(), *admin.values()} - {"on", "redis-zk"}
    assert re.findall(r"(\w+)=(?:\$\(openssl|@)", page) == list(files.values())
