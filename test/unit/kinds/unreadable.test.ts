import assert from "node:assert/strict";
import {
  describeUnreadable,
  opaqueRouteLines,
  unreadableIssues,
  unreadableLines,
} from "../../../provider/kinds/unreadable";
import type { Desired, DesiredLink, LinkState } from "../../../provider/model/host";
import type { Observation, Unreadable } from "../../../provider/model/observation";
import { BARE, nic, observationOf } from "../../support/hosts";

const WEB: DesiredLink = {
  name: "web",
  netns: "",
  exists: true,
  settings: [],
  routes: [{ to: "192.0.2.10/32" }],
};

function desired(...links: DesiredLink[]): Desired {
  return { links, netns: "", owner: "fleet/test" };
}

function observed(unreadable: readonly Unreadable[], links: readonly LinkState[] = []): Observation {
  return { ...observationOf({ ...BARE, links, netns: [] }), unreadable };
}

function unreadable(what: Unreadable["what"], more: Partial<Unreadable> = {}): Unreadable {
  return {
    netns: "",
    what,
    reason: "mtu is text",
    text: '{"ifindex":7,"ifname":"web","mtu":"x\u001b"}',
    ...more,
  };
}

describe("what cannot be read of a host", () => {
  const issues = (u: Unreadable, links: readonly LinkState[] = []): string[] =>
    unreadableIssues(desired(WEB), observed([u], links)).map(({ property }) => property);

  it("concerns a resource only if it is of one of its links", () => {
    assert.deepEqual(issues(unreadable("link", { link: "web" })), ["name"]);
    assert.deepEqual(issues(unreadable("link", { link: "other" })), []);
    assert.deepEqual(issues(unreadable("link", { link: "web", netns: "blue" })), []);
  });

  it("may be the link itself while that is not to be seen and the other has no name", () => {
    assert.deepEqual(issues(unreadable("link")), ["name"]);
    assert.deepEqual(issues(unreadable("link"), [nic("web", 7)]), []);
  });

  it("concerns the routes that are given, by the link or the destination", () => {
    const text = '{"dst":"192.0.2.10","metric":"x"}';
    assert.deepEqual(issues(unreadable("IPv4 route", { link: "web" })), ["routes"]);
    assert.deepEqual(issues(unreadable("IPv4 route", { text })), ["routes"]);
    assert.deepEqual(issues(unreadable("IPv4 route", { text: text.replace(".10", ".11") })), []);
    const { routes: _, ...without } = WEB;
    const free = unreadableIssues(desired(without), observed([unreadable("IPv4 route", { link: "web" })]));
    assert.deepEqual(free, []);
  });

  it("names the port of a bridge by its property", () => {
    const port: DesiredLink = { name: "p1", netns: "", exists: true, settings: [], path: "ports[0]." };
    const [issue] = unreadableIssues(desired(port), observed([unreadable("link", { link: "p1" })]));
    assert.equal(issue?.property, "ports[0].name");
    assert.match(issue.reason, /p1 cannot be managed$/);
  });

  it("is reported with what was printed, escaped, and only counted from the sixth on", () => {
    assert.equal(
      describeUnreadable(unreadable("link", { link: "web", netns: "blue" })),
      'what ip printed of the link web in the namespace blue cannot be read (mtu is text: "{\\"ifindex\\":7,\\"ifname\\":\\"web\\",\\"mtu\\":\\"x\\u001b\\"}")',
    );
    const many = Array.from({ length: 8 }, (_, i) => unreadable("IPv6 route", { link: `l${i}` }));
    const lines = unreadableLines(observed(many));
    assert.equal(lines.length, 6);
    assert.match(
      lines[0] ?? "",
      /^what ip printed of an IPv6 route through l0 cannot be read .*; it is ignored$/,
    );
    assert.equal(lines[5], "3 more links and routes cannot be read");
    assert.deepEqual(unreadableLines(observed([])), []);
  });
});

describe("routes that are not compared", () => {
  it("are reported on links whose routes are given, and whether they stay", () => {
    const opaqueRoutes = [
      { to: "192.0.2.10/32", foreign: "nhid 7" },
      { to: "192.0.2.77/32", foreign: "nhid 7" },
    ];
    const observation = observed([], [{ ...nic("web", 7), opaqueRoutes }]);
    const lines = opaqueRouteLines(desired(WEB), observation);
    assert.equal(lines.length, 2);
    assert.match(lines[0] ?? "", /^the route 192\.0\.2\.10\/32 nhid 7 on web will be replaced/);
    assert.match(
      lines[1] ?? "",
      /^the route 192\.0\.2\.77\/32 nhid 7 on web is not in routes but stays, .* ip route delete$/,
    );
    const both = observed([], [{ ...nic("web", 7), routes: [{ to: "192.0.2.10/32" }], opaqueRoutes }]);
    assert.match(opaqueRouteLines(desired(WEB), both)[0] ?? "", /stays/, "beside ours");
    const { routes: _, ...without } = WEB;
    assert.deepEqual(opaqueRouteLines(desired(without), observation), []);
  });
});
