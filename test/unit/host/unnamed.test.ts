/** Links in namespaces without a name: who has them, and that nothing is done about them. */
import assert from "node:assert/strict";
import { parseObservation } from "../../../provider/host/observe";
import { kernelOf } from "../../../provider/kinds";
import { macsOn } from "../../../provider/kinds/lan/conflicts";
import { childrenOf, nameAndPlace } from "../../../provider/model/host";
import { commandsOf } from "../../../provider/iproute2/commands";
import { plan } from "../../../provider/plan/plan";

const ETH0 =
  '{"ifindex":2,"ifname":"eth0","flags":["UP"],"mtu":1500,"txqlen":1000,"address":"02:00:5e:00:53:01","addr_info":[]}';
const child = (name: string, more: string, mac: number): string =>
  `{"ifindex":7,${more},"ifname":"${name}","flags":["UP"],"mtu":1500,"txqlen":1000,"address":"02:00:5e:00:53:1${mac}",` +
  '"linkinfo":{"info_kind":"macvlan","info_data":{"mode":"bridge"}},"addr_info":[{"family":"inet","local":"192.0.2.7","prefixlen":24}]}';
const ID = "0123456789abcdef".repeat(4);

/** A host on which these namespaces without a name were found. */
function observed(
  ...unnamed: readonly (readonly [pid: number, ...lines: string[]])[]
): ReturnType<typeof parseObservation> {
  const parts = [
    ["ip", "ip utility, iproute2-6.1.0"],
    ["links", `[${ETH0}]\n[]`],
    ["routes6", "[]"],
    ...unnamed.map(([pid, ...lines]) => [`unnamed ${pid}`, lines.join("\n")]),
    ["end", ""],
  ];
  return parseObservation(parts.map(([name, text]) => `@m ${name}\n${text}\n`).join(""), "@m");
}

const LAN = '"link_index":2,"link_netnsid":0';

describe("links in namespaces without a name", () => {
  it("are children of the host's links, under the name of the container or process", () => {
    const { state, unreadable } = observed(
      [11, `[${child("eth0", LAN, 1)}]`, "process nginx", `container docker ${ID} "Name":"/web"`],
      [12, `[${child("eth0", LAN, 2)}]`, "process app", `container libpod ${ID} "id":"${ID}","names":["db"`],
      [13, `[${child("eth0", LAN, 3)}]`, "process pause", `container cri-containerd ${ID} `],
      [14, `[${child("mv0", LAN, 4)}]`, "process sl\u001beep x"],
      [15, `[${child("eth0", LAN, 5)}]`, "process nginx", `container docker ${ID} "Name":"/web"`],
    );
    assert.deepEqual(childrenOf(state, "eth0").map(nameAndPlace), [
      "eth0 in container web (docker)",
      "eth0 in container db (podman)",
      "eth0 in container 0123456789ab (containerd)",
      "mv0 in process 14 (sl?eep?x)",
      "eth0 in container web (docker), process 15",
    ]);
    assert.deepEqual(unreadable, []);
    assert.equal(macsOn(state, "eth0").length, 6);
    assert.deepEqual(state.netns, [], "which are none that a resource could be in");
  });

  it("are left out if the link below them is not one of the host", () => {
    const { state } = observed([
      11,
      `[${child("a", '"link":"b"', 1)},${child("c", '"link_index":99', 2)}]`,
      "process x",
    ]);
    assert.deepEqual(
      state.links.map(({ name }) => name),
      ["eth0"],
    );
  });

  it("are touched by no step and by no undo", () => {
    const { state } = observed([11, `[${child("hidden", LAN, 1)}]`, "process x"]);
    const mtu = { key: "link.mtu" as const, value: "1400", property: "mtu" };
    const desired = {
      links: [{ name: "eth0", netns: "", exists: true, settings: [mtu] }],
      ...{ netns: "", owner: "fleet/test" },
    };
    const { steps } = plan(state, desired, kernelOf("6.1.0"));
    assert.ok(steps.length > 0);
    const all = steps.flatMap(({ step, undo }) => [step, ...undo]).flatMap((s) => commandsOf(s, "bridge"));
    assert.deepEqual(
      all.filter((command) => JSON.stringify(command).includes("hidden")),
      [],
    );
  });
});
