# pyinfra's way: a fact reads, an operation compares and yields what differs. `joined` makes one command of it.
import json

from pyinfra import host
from pyinfra.api import FactBase, operation


class Links(FactBase):
    def command(self):
        return "ip -j -d address show; ip -j route show table main"

    def process(self, output):
        links, routes = [json.loads(line) for line in output if line.startswith("[")]
        return {
            "links": {link["ifname"]: link for link in links},
            "routes": {route["dst"]: route.get("dev") for route in routes},
        }


def differences(job, now):
    links, routes = now["links"], now["routes"]

    def has(name, address):
        found = links.get(name, {}).get("addr_info", [])
        return any(f"{a['local']}/{a['prefixlen']}" == address for a in found)

    def up(name):
        if "UP" not in links.get(name, {}).get("flags", []):
            yield f"ip link set dev {name} up"

    web = job["web"]
    seen = links.get(web["name"])
    if seen is None:
        yield (
            f"ip link add link {web['parent']} name {web['name']} address {web['macAddress']} "
            f"mtu {web['mtu']} type macvlan mode bridge"
        )
    else:
        if seen["mtu"] != web["mtu"]:
            yield f"ip link set dev {web['name']} mtu {web['mtu']}"
        if seen["address"] != web["macAddress"]:
            yield f"ip link set dev {web['name']} address {web['macAddress']}"
    for address in web["addresses"]:
        if not has(web["name"], address):
            yield f"ip address replace {address} dev {web['name']}"
    yield from up(web["name"])

    bridge = job["bridge"]["name"]
    if bridge not in links:
        yield f"ip link add {bridge} type bridge"
    yield from up(bridge)
    for port in job["bridge"]["ports"]:
        if links[port].get("master") != bridge:
            yield f"ip link set dev {port} master {bridge}"
        if not links[port].get("linkinfo", {}).get("info_slave_data", {}).get("hairpin"):
            yield f"ip link set dev {port} type bridge_slave hairpin on"

    shim = job["shim"]
    if shim["name"] not in links:
        yield f"ip link add link {shim['parent']} name {shim['name']} type macvlan mode bridge"
    for address in shim["addresses"]:
        if not has(shim["name"], address):
            yield f"ip address replace {address} dev {shim['name']}"
    yield from up(shim["name"])
    for route in shim["routes"]:
        if routes.get(route) != shim["name"]:
            yield f"ip route replace {route} dev {shim['name']}"


@operation()
def links(job, present, joined):
    now = host.get_fact(Links)
    if present:
        commands = list(differences(job, now))
    else:
        names = [job[kind]["name"] for kind in ("web", "shim", "bridge")]
        commands = [f"ip link del {name}" for name in names if name in now["links"]]
    if joined:
        commands = [" && ".join(commands)] if commands else []
    yield from commands


links(
    name="links",
    job=host.data.job,
    present=host.data.get("present") != "no",
    joined=host.data.get("joined") == "yes",
)
