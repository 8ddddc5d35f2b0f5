/** Changes of all links of a host at once, in which links take places and parts of each other. */
import assert from "node:assert/strict";
import type { Lab } from "./fleet";
import { replaceIp, restoreIp } from "./faults";
import { isGuest } from "./fleet/names";
import { type SeenLink, differenceOf, snapshot, withoutNumbers } from "./seen";
import type { OnLab } from "./stack";

type Links = Readonly<Record<string, Readonly<Record<string, unknown>>>>;

/** From some links of a `HostLinks` to others, by their keys. */
export interface Transition {
  readonly title: string;
  readonly from: Links;
  readonly to: Links;
  /** What the host's own `ip` shows of the links after it, those in namespaces left out. */
  readonly shows: readonly string[];
  /** Keys of links that are the same ones before and after it. */
  readonly keeps: readonly string[];
}

/**
 * Asserts that the change is made by one script, that it leads there and back, and that the host is as before if a command
 * in the middle of it or its last one fails. Nothing of it is left afterwards.
 */
export async function assertTransition(on: OnLab, host: string, transition: Transition): Promise<void> {
  const { from, to, shows, keeps } = transition;
  const { lab, stack } = on;
  const up = (links: Links) => stack.up("HostLinks", "all", { host, links });
  const bare = await comparable(lab, host);
  const first = await up(from);
  const before = await comparable(lab, host);
  await replaceIp(lab, host, 0, "true");
  // what tests run on a guest goes over SSH as well, and its commands are not counted
  const sent = isGuest(host) ? undefined : await lab.commands(host);
  const made = await up(to);
  if (sent !== undefined) assert.equal((await lab.commands(host)) - sent, 2, "one reading and one script");
  const commands = Number(await lab.sh(host, "cat /tmp/count"));
  await restoreIp(lab, host);
  assert.deepEqual(await shownOn(lab, host), shows.toSorted());
  for (const key of keeps)
    assert.equal(made.links[key]?.["ifIndex"], first.links[key]?.["ifIndex"], `${key} is the same link`);
  const preview = await stack.preview("HostLinks", "all", { host, links: to });
  assert.deepEqual(preview, { drift: {}, failures: [], changes: false, replaces: [] });
  await up(from);
  assert.equal(differenceOf(before, await comparable(lab, host)), "", "on the way back");
  for (const n of [Math.ceil(commands / 2), commands]) {
    await replaceIp(lab, host, n, "echo RTNETLINK answers: No buffer space available >&2; exit 2");
    const error = await up(to).then(() => "none", String);
    assert.match(error, /Everything was undone.*\[change-failed\]$/s);
    await restoreIp(lab, host);
    assert.equal(
      differenceOf(before, await comparable(lab, host)),
      "",
      `after a failure of command ${n} of ${commands}`,
    );
  }
  await stack.down();
  assert.equal(differenceOf(bare, await comparable(lab, host)), "", "after the deletion");
}

/** The links that a host did not boot with: `web macvlan@br0`, `tag vlan@eth0 10`, `eth1 in br0`. */
async function shownOn(lab: Lab, host: string): Promise<string[]> {
  const links = await lab.ipJson<SeenLink[]>(host, ["-d", "address", "show"]);
  const lines = links.map(({ ifname, link, linkinfo = {}, master }) => {
    const isNic = /^(?:lo|mgmt0|eth[01])$/.test(ifname);
    const { info_kind: kind = "", info_data: { id } = {} } = linkinfo;
    const made = `${kind}${link === undefined ? "" : `@${link}`}${kind === "vlan" ? ` ${String(id)}` : ""}`;
    const place = master === undefined ? [] : [`in ${master}`];
    const what = [...(isNic ? [] : [made]), ...place];
    return what.length === 0 ? undefined : [ifname, ...what].join(" ");
  });
  return lines.filter((line) => line !== undefined).toSorted();
}

/**
 * A host without what follows its carriers, which the kernel works out later, without the numbers of a bridge's ports, and
 * without limits of offloading, which a link takes over from what is below it when it is made.
 */
async function comparable(lab: Lab, host: string): Promise<string> {
  const lines = withoutNumbers(await snapshot(lab, host)).split("\n");
  return lines
    .filter((line) => !/inet6 fe80:|^fe80::/.test(line))
    .map((line) =>
      line.replace(
        /NO-CARRIER,|,LOWER_UP| state \S+|(?:port_id|port_no|designated_port|[gt][sr]o_max_\w+) \S+/g,
        "",
      ),
    )
    .toSorted()
    .join("\n");
}
