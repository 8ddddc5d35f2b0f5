/** What is measured: stacks of a shape, as programs, and what their hosts are to have afterwards. */

/** A stack to measure. */
export interface Shape {
  /** How many hosts. */
  readonly hosts: number;
  /** The number of the first of them: 7 for `node7`, `node8` … */
  readonly first: number;
  /** Links on each; without {@link isPerHost}, a resource each. */
  readonly perHost: number;
  /** The program's text, after which the classes are known. */
  readonly program: string;
  /** What each host needs to have before: a script. */
  readonly prepare: string;
  /** Of the CLI, besides that of every project. */
  readonly environment?: Readonly<Record<string, string>>;
  /** The name of a macvlan that every host then has, of the resource `NAME-HOST`; with {@link isPerHost}, of `HOST`. */
  readonly sample: string;
  /** All links of a host are one resource. */
  readonly isPerHost?: boolean;
}

/** The names of a shape's hosts. */
export function namesOf({ hosts, first }: Pick<Shape, "hosts" | "first">): string[] {
  return Array.from({ length: hosts }, (_, i) => `node${first + i}`);
}

/** On each host a macvlan, a hairpin bridge with a port, and a shim with four routes. */
export function fleetShape(hosts: number, first = 1): Shape {
  return {
    hosts,
    first,
    perHost: 3,
    sample: "web0",
    // the port leads nowhere: a hairpin port towards the lab's one switch would send every broadcast back
    prepare: "ip link add p0 type veth peer name p1",
    program: `
      for (let i = ${first}; i < ${first + hosts}; i++) {
        const host = "node" + i;
        const net = "198.18." + (i >> 8) + "." + (i & 255);
        new MacvlanInterface("web0-" + host, {
          host, name: "web0", parent: "eth0", mtu: 1400, addresses: [net + "/15", "2001:db8::" + i.toString(16) + "/64"],
        });
        new HairpinBridge("br0-" + host, { host, name: "br0", ports: ["p0"], stp: false });
        new HostShim("shim0-" + host, {
          host, name: "shim0", parent: "eth0", routes: [1, 2, 3, 4].map((r) => "203.0.113." + r + "/32"),
        });
      }`,
  };
}

/** The same, with an engine that writes its state once, at the end (pulumi/pulumi#10668). */
export function unsavedShape(hosts: number, first = 1): Shape {
  return { ...fleetShape(hosts, first), environment: { PULUMI_SKIP_CHECKPOINTS: "true" } };
}

/** The same links, all links of a host as one resource. */
export function hostLinksShape(hosts: number, first = 1): Shape {
  const shape = fleetShape(hosts, first);
  return {
    ...shape,
    isPerHost: true,
    program: `
      for (let i = ${first}; i < ${first + hosts}; i++) {
        const host = "node" + i;
        const net = "198.18." + (i >> 8) + "." + (i & 255);
        new HostLinks(host, { host, links: {
          web0: { kind: "macvlan", parent: "eth0", mtu: 1400, addresses: [net + "/15", "2001:db8::" + i.toString(16) + "/64"] },
          br0: { kind: "bridge", ports: ["p0"], stp: false },
          shim0: { kind: "shim", parent: "eth0", routes: [1, 2, 3, 4].map((r) => "203.0.113." + r + "/32") },
        } });
      }`,
  };
}

/** So many macvlans on one host, as one resource. */
export function hostLinksOfShape(links: number, first = 1): Shape {
  return {
    ...linksShape(links, first),
    isPerHost: true,
    program: `
      const links = {};
      for (let i = 1; i <= ${links}; i++) {
        const address = "198.18." + (i >> 8) + "." + (i & 255) + "/15";
        links["m" + i] = { kind: "macvlan", parent: "eth0", mtu: 1400, addresses: [address] };
      }
      new HostLinks("node${first}", { host: "node${first}", links });`,
  };
}

/** So many macvlans on one host. */
export function linksShape(links: number, first = 1): Shape {
  return {
    hosts: 1,
    first,
    perHost: links,
    sample: "m1",
    prepare: "true",
    program: `
      for (let i = 1; i <= ${links}; i++) {
        const address = "198.18." + (i >> 8) + "." + (i & 255) + "/15";
        new MacvlanInterface("m" + i + "-node${first}", { host: "node${first}", name: "m" + i, parent: "eth0", mtu: 1400, addresses: [address] });
      }`,
  };
}
