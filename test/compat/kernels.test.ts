/** Links on each kind of parent, on each kernel: made, proved by packets, previewed as they are, deleted. */
import assert from "node:assert/strict";
import { linkOf, seenLink } from "../lab/seen";
import { openStack, useLab } from "../lab/stack";
import { CHILDREN, type Child, PARENTS, type Parent, type Place } from "./cells";
import { type Outcome, type Table, isWhole, useTable } from "./table";

const TABLE: Table = {
  name: "kernels",
  of: ["Kernel", "Parent"],
  columns: CHILDREN.map(({ title }) => title),
};

/** Hosts with each kernel, and which one answers to it on the LAN: it has a kernel with VLANs. */
const HOSTS: readonly { readonly host: string; readonly kernel: string; readonly peer: string }[] = [
  { host: "guest2", kernel: "Debian bullseye", peer: "guest1" },
  { host: "guest1", kernel: "Debian, as the machine", peer: "guest2" },
  { host: "guest3", kernel: "Debian trixie", peer: "guest1" },
  { host: "node1", kernel: "this machine's", peer: "guest1" },
];

/** Networks of the LAN as such, and of its VLAN 10. The peer is number 9 of each. */
const [PLAIN, TAGGED] = ["192.0.2", "198.51.100"];

describe("a kernel:", function () {
  this.timeout(400_000);
  const on = useLab(1, [{}, { kernel: "bullseye" }, { kernel: "trixie" }]);
  const note = useTable(TABLE);
  const parents = isWhole ? PARENTS : [];

  before(async function () {
    this.timeout(400_000);
    for (const peer of ["guest1", "guest2"])
      await on.lab.sh(
        peer,
        `ip link add link eth0 name eth0.10 type vlan id 10; ip address replace ${PLAIN}.${lastOf(peer)}/24 dev eth0;
         ip address replace ${TAGGED}.${lastOf(peer)}/24 dev eth0.10; ip link set eth0.10 up`,
      );
  });

  for (const { host, kernel, peer } of HOSTS)
    for (const parent of parents)
      it(`${kernel}: ${CHILDREN.length} kinds of children of a ${parent.title}`, async () => {
        const [release = ""] = (await on.lab.sh(host, "uname -r")).split("-");
        const row = [`${release.trim()}, ${kernel}`, parent.title];
        const why = await whyNotMade(host, parent);
        // only the machine's own kernel may be without: a stock one has them all
        if (why !== "") assert.equal(host, "node1", why);
        for (const child of CHILDREN)
          note(row, child.title, why === "" ? await tried(host, parent, child, peer) : noParent(why));
        await unmake(host);
      });

  const noParent = (why: string): Outcome => ({ is: "not run", why });

  async function tried(host: string, parent: Parent, child: Child, peer: string): Promise<Outcome> {
    const place = await placeOn(host, parent, peer);
    const { failures } = await child.made.preview(openStack(on.lab), place);
    const [why] = failures.filter((failure) => failure.includes("has no module"));
    if (why === undefined) await goesThrough(child, place, peer);
    // only the machine's own kernel may be without: a stock one has them all
    else assert.equal(host, "node1", why);
    return why === undefined ? { is: "works" } : { is: "refused", why };
  }

  async function whyNotMade(host: string, { title, make }: Parent): Promise<string> {
    const { code, stderr } = await on.lab.exec(host, ["sh", "-c", make]);
    return code === 0 ? "" : `the kernel has no ${title} (${stderr.trim().split("\n")[0] ?? ""})`;
  }

  async function placeOn(host: string, { link, isTagged }: Parent, peer: string): Promise<Place> {
    const { address: peerMac } = await linkOf(on.lab, peer, isTagged === true ? "eth0.10" : "eth0");
    return { host, parent: link, address: `${networkOf(link)}.1/24`, peerMac };
  }

  async function goesThrough(
    { title, made, shows, sibling }: Child,
    place: Place,
    peer: string,
  ): Promise<void> {
    const { host } = place;
    const stack = openStack(on.lab);
    await made.up(stack, place);
    const { linkinfo } = await linkOf(on.lab, host, "cell", "cell");
    assert.deepEqual({ kind: linkinfo?.info_kind, mode: linkinfo?.info_data?.["mode"] }, shows, title);
    const network = networkOf(place.parent);
    const answers = (from: string, to: string, netns?: string): Promise<boolean> =>
      on.lab.ping(from, to, { deadline: 5000, ...(netns === undefined ? {} : { netns }) });
    assert.ok(await answers(peer, `${network}.1`), `${title}: another host reaches it`);
    assert.ok(await answers(host, `${network}.${lastOf(peer)}`, "cell"), `${title}: it reaches another host`);
    if (sibling) {
      const to = `${network}.2`;
      await on.lab.sh(
        host,
        `ip netns add other && ip link add other link ${place.parent} netns other type ${sibling.type} &&
         ip -n other address add ${to}/24 dev other && ip -n other link set other up`,
      );
      // the one of the cell before had another MAC address
      await on.lab.sh(peer, `ip neigh flush to ${to}`);
      assert.ok(await answers(peer, to), `${title}: the other child is there`);
      const deadline = sibling.isReached ? 5000 : 700;
      const isReached = await on.lab.ping(host, to, { netns: "cell", deadline });
      assert.equal(isReached, sibling.isReached, `${title}: reaches another child`);
      await on.lab.sh(host, "ip -n other link del other; ip netns del other");
    }
    const { drift, changes } = await made.preview(stack, place);
    assert.deepEqual([drift, changes], [{}, false], title);
    await stack.down();
    assert.equal(await on.lab.sh(host, "ls /run/netns 2>/dev/null || true"), "", title);
  }

  async function unmake(host: string): Promise<void> {
    for (const { link } of PARENTS)
      if (link !== "eth1" && (await seenLink(on.lab, host, link)))
        await on.lab.sh(host, `ip link del ${link}`);
    await on.lab.sh(host, "ip link set eth1 nomaster up");
  }
});

/** The last octet of a peer's addresses. */
function lastOf(peer: string): number {
  return peer === "guest1" ? 9 : 8;
}

function networkOf(parent: string): string {
  return PARENTS.find(({ link }) => link === parent)?.isTagged === true ? TAGGED : PLAIN;
}
