"""Where the installers of the catalogue's systems call: found by other people's readers of each format.

Reads {example: {document: text}} in JSON from its input, and prints {example: {hook: [text, ...]}}, with the hooks `done`,
`fail`, `progress` and `up`: the commands, or the URLs, that the installer runs or calls at that point. What its format does not
allow ends it.
"""

import json
import subprocess
import sys
import tomllib
import xml.etree.ElementTree

import yaml
from pykickstart.constants import KS_SCRIPT_ONERROR, KS_SCRIPT_POST, KS_SCRIPT_PRE
from pykickstart.parser import KickstartParser
from pykickstart.version import makeVersion

KICKSTART = ["RHEL9", "RHEL10", "F41"]


def shell(*texts):
    """Each text is one that a POSIX shell reads."""
    for text in texts:
        subprocess.run(["sh", "-n"], input=text, text=True, check=True)
    return list(texts)


def script(files, name):
    """A shell script that does everything itself."""
    text, = shell(files[name])
    return {"done": [text], "fail": [text], "progress": [text]}


def debian(files):
    questions = {}
    for line in files["preseed.cfg"].splitlines():
        if line and not line.startswith("#"):
            words = line.split(None, 3)
            questions[words[1]] = words[3] if len(words) > 3 else ""
    early, late = questions["preseed/early_command"], questions["preseed/late_command"]
    shell(early, late, questions["partman/early_command"])
    # The ramdisk holds the second file that the profile puts into it.
    assert early.startswith("sh /watch.sh")
    return {"done": [late], "fail": [files["watch.sh"], questions["partman/early_command"]],
            "progress": [files["watch.sh"]], "up": [files["finish.sh"]], "name": questions["netcfg/get_hostname"]}


def rocky(files):
    for version in KICKSTART:
        handler = makeVersion(version)
        parser = KickstartParser(handler, errorsAreFatal=True)
        parser.readKickstartFromString(files["ks.cfg"])
        assert handler.reboot.action is not None and handler.url.url
    of = {kind: shell(*(part.script for part in handler.scripts if part.type == kind))
          for kind in [KS_SCRIPT_PRE, KS_SCRIPT_POST, KS_SCRIPT_ONERROR]}
    last = [part for part in handler.scripts if part.type == KS_SCRIPT_POST][-1]
    assert not last.inChroot and handler.scripts[-1] is last
    return {"done": [last.script], "fail": of[KS_SCRIPT_ONERROR], "progress": of[KS_SCRIPT_POST],
            "up": of[KS_SCRIPT_POST], "name": handler.network.hostname}


def ubuntu(files):
    install = yaml.safe_load(files["user-data"])["autoinstall"]
    commands = {key: shell(*install[key]) for key in ["early-commands", "late-commands", "error-commands"]}
    webhook, = install["reporting"].values()
    assert install["version"] == 1 and webhook["type"] == "webhook"
    up = [" ".join(command) for command in install["user-data"]["runcmd"]]
    return {"done": commands["late-commands"][-1:], "fail": commands["error-commands"], "progress": [webhook["endpoint"]],
            "up": up, "name": install["identity"]["hostname"]}


def opensuse(files):
    profile = json.loads(files["profile.json"])
    return script(files, "run.sh") | {"up": shell(profile["scripts"]["init"][0]["content"]),
                                      "name": profile["hostname"]["static"]}


def autoyast(files):
    space = "{http://www.suse.com/1.0/yast2ns}"
    profile = xml.etree.ElementTree.fromstring(files["autoinst.xml"])

    def of(kind):
        found = profile.findall(f"{space}scripts/{space}{kind}/{space}script/{space}source")
        return shell(*(source.text for source in found))
    return {"done": of("chroot-scripts"), "fail": of("pre-scripts"), "progress": of("pre-scripts"), "up": of("init-scripts"),
            "name": profile.findtext(f"{space}networking/{space}dns/{space}hostname")}


def harvester(files):
    config = yaml.safe_load(files["config.yaml"])
    hooks = {hook["event"]: [hook["url"]] for hook in config["install"]["webhooks"]}
    return {"done": hooks["SUCCEEDED"], "fail": hooks["FAILED"], "progress": hooks["STARTED"], "name": config["os"]["hostname"]}


def kairos(files):
    config = yaml.safe_load(files["config.yaml"])

    def of(stage):
        return shell(*(command for step in config["stages"][stage] for command in step["commands"]))
    return {"done": of("after-install"), "fail": of("before-install"), "progress": of("before-install"), "up": of("boot"),
            "name": config["hostname"]}


def esxi(files):
    head, separator, post = files["ks.cfg"].partition("%post --interpreter=busybox\n")
    assert separator and "install --disk=" in head
    return {"done": shell(post)}


def proxmox(files):
    answer = tomllib.loads(files["answer.toml"])
    assert answer["first-boot"]["source"] == "from-url" and answer["global"]["reboot-on-error"] is False
    assert answer["disk-setup"]["filter"]["ID_SERIAL"]
    script, = [files[name] for name in files if answer["first-boot"]["url"].endswith(f"/{name}")]
    return {"done": [answer["post-installation-webhook"]["url"]], "up": shell(script), "name": answer["global"]["fqdn"].split(".")[0]}


def ignition(done, fail):
    """Fedora CoreOS and Flatcar: files from URLs, and units that run them."""
    def read(files):
        live, target = json.loads(files["live.ign"]), json.loads(files["target.ign"])
        sources = {file["path"]: file["contents"]["source"] for file in live["storage"]["files"]}
        units = {unit["name"]: unit.get("contents", "") for unit in live["systemd"]["units"]}

        def of(unit):
            program, = [line for line in units[unit].splitlines() if line.startswith("ExecStart=")]
            return [sources[program.split()[-1]]]
        up = [unit["contents"] for unit in target["systemd"]["units"]]
        return {"done": of(done), "fail": of(fail), "progress": [], "up": up}
    return read


def flatcar(files):
    units = ignition("install.service", "install.service")(files)
    return units | {"progress": units["done"]}


READERS = {
    "alpine": lambda files: script(files, "install.sh"),
    "arch": lambda files: script(files, "install.sh"),
    "autoyast": autoyast,
    "debian": debian,
    "esxi": esxi,
    "fedora-coreos": ignition("bootwright-done.service", "bootwright-fail.service"),
    "flatcar": flatcar,
    "harvester": harvester,
    "kairos": kairos,
    "kiwi": lambda files: {hook: shell(files["guard.sh"]) for hook in ["fail", "progress"]},
    "microos": lambda files: script(files, "combustion.sh"),
    "minimal": lambda files: script(files, "install.sh"),
    "nixos": lambda files: script(files, "install.sh"),
    "opensuse": opensuse,
    "proxmox": proxmox,
    "rocky": rocky,
    "talos": lambda files: {"name": yaml.safe_load(files["machine.yaml"])["machine"]["network"]["hostname"]},
    "ubuntu": ubuntu,
}

found = {example: READERS[example](files) for example, files in json.load(sys.stdin).items()}
json.dump(found, sys.stdout)
