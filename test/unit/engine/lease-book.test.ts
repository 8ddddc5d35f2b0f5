import assert from "node:assert/strict";
import { openLeaseBooks } from "../../../provider/engine/lease-book";
import { UNKNOWN } from "../../../provider/model/unknown";

const POOL = { cidr: ["192.0.2.0/24"], exclude: [], keys: ["a/web", "b/web"], __provider: "code" };

/** What the book made of the inputs. */
interface Checked {
  readonly inputs: { readonly leases?: unknown };
  readonly failures?: readonly { readonly property: string; readonly reason: string }[];
}

let leaseBook = openLeaseBooks();

async function check(olds: object, news: object): Promise<Checked> {
  return ((await leaseBook.check?.(olds, news)) as Checked | undefined) ?? assert.fail("it does not check");
}
async function changes(olds: object, news: object): Promise<boolean | undefined> {
  return (await leaseBook.diff?.("addresses", olds, news))?.changes;
}

describe("lease book", () => {
  beforeEach(() => {
    leaseBook = openLeaseBooks();
  });

  it("adds its leases to the inputs, and starts from those of the last run", async () => {
    const { inputs, failures } = await check({}, { ...POOL, leases: undefined });
    const leases = { "a/web": ["192.0.2.1/24"], "b/web": ["192.0.2.2/24"] };
    assert.deepEqual([inputs.leases, failures], [leases, undefined]);
    const later = await check(inputs, { ...POOL, keys: ["c/web", "b/web"] });
    assert.deepEqual(later.inputs.leases, {
      "c/web": ["192.0.2.3/24"],
      "b/web": ["192.0.2.2/24"],
    });
  });

  it("keeps its leases if the engine replaces it, which checks a second time without the old inputs", async () => {
    const made = (await check({}, POOL)).inputs;
    leaseBook = openLeaseBooks();
    const later = { ...POOL, keys: ["c/web", "b/web"] };
    const { leases } = (await check(made, later)).inputs;
    assert.deepEqual((await check({}, later)).inputs.leases, leases);
    const other = { ...POOL, keys: ["d/web"] };
    assert.deepEqual((await check({}, other)).inputs.leases, { "d/web": ["192.0.2.1/24"] });
  });

  it("shows no reason that could contain a secret, and keeps no note of which are secrets", async () => {
    const given = { ...POOL, __secrets: ["reservations"], leases: null };
    const secret = { reservations: { "a/web": ["198.51.100.9"] } };
    const { failures = [] } = await check({}, { ...given, ...secret });
    assert.deepEqual(
      failures.map(({ property }) => property),
      [""],
    );
    const reason = failures[0]?.reason ?? "";
    assert.match(reason, /^reservations\["a\/web"\] .*\(reservations\) \[invalid-input\]$/);
    assert.doesNotMatch(reason, /198\.51|192\.0/);
    const invalid = await check({}, { ...given, reservations: { "a/web": ["x§"] } });
    assert.doesNotMatch(JSON.stringify(invalid.failures), /x§/);
    const { inputs } = await check({}, given);
    assert.deepEqual(Object.keys(inputs).toSorted(), ["cidr", "exclude", "keys", "leases"]);
  });

  it("changes with its requests and its leases, and not with what the engine adds", async () => {
    const { inputs } = await check({}, POOL);
    const same = await check(inputs, { ...POOL, __provider: "other code" });
    assert.equal(await changes({ ...inputs, __provider: "code" }, same.inputs), false);
    const more = await check(inputs, { ...POOL, keys: [...POOL.keys, "c/web"] });
    assert.equal(await changes(inputs, more.inputs), true);
  });

  it("leaves all leases open while any of its inputs is unknown", async () => {
    const { inputs, failures } = await check({}, { ...POOL, exclude: [UNKNOWN] });
    assert.deepEqual([inputs.leases, failures], [UNKNOWN, undefined]);
    assert.equal(await changes({ ...POOL, leases: {} }, inputs), true);
  });

  it("fails on the path of what is wrong", async () => {
    const wrong = { ...POOL, exclude: ["x"], reservations: { "a/web": ["192.0.2.1/24"] } };
    assert.deepEqual(
      (await check({}, wrong)).failures?.map((f) => f.property),
      ["exclude[0]", 'reservations["a/web"][0]'],
    );
    const reserved = { ...POOL, reservations: { "a/web": ["198.51.100.1"] } };
    assert.deepEqual((await check({}, reserved)).failures, [
      { property: 'reservations["a/web"]', reason: "198.51.100.1 is not in 192.0.2.0/24 [invalid-input]" },
    ]);
  });

  it("reads back what it has, so that a refresh finds no difference", async () => {
    const { inputs } = await check({}, POOL);
    const read = await leaseBook.read?.("addresses", { ...inputs, __provider: "code" });
    assert.deepEqual(read?.inputs, inputs);
  });
});
