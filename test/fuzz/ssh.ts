import assert from "node:assert/strict";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import fc from "fast-check";
import { forLog, printable } from "../../provider/model/outside-text";
import { hostSchema } from "../../provider/ssh/address";
import { hostCertificateProblem, parseCertificate } from "../../provider/ssh/auth/certificate";
import { parsePublicKey } from "../../provider/ssh/auth/public-key";
import {
  CA_SIGNATURES,
  CIPHERS,
  HOST_KEYS,
  KEX,
  MACS,
  PUBLIC_KEYS,
} from "../../provider/ssh/config/algorithms";
import { resolveHost } from "../../provider/ssh/config/resolve";
import { OPTIONS } from "../../provider/ssh/config/supported";
import { SshError } from "../../provider/ssh/error";
import { judge, parseKnownHosts } from "../../provider/ssh/host-keys/known-hosts";
import { readSettings } from "../../provider/ssh/settings";
import { mutate, mutations } from "./mutate";
import { assertHarmless } from "./harmless";
import type { FuzzTarget } from "./target";

/** Milliseconds of CPU time that no text of this size may take. */
const SLOW = 2000;

/** Of CPU time: on a busy machine any work may take long. */
function inTime<T>(work: () => T): T {
  const before = process.cpuUsage();
  const result = work();
  const { user, system } = process.cpuUsage(before);
  const took = (user + system) / 1000;
  assert.ok(took < SLOW, `took ${took} ms`);
  return result;
}

/** Values that options have, and others that none has. */
const VALUES = [
  "yes",
  "no",
  "none",
  "all",
  "22",
  "*",
  "!x",
  "+ssh-rsa",
  "-*",
  "^aes*",
  "%h",
  "%%",
  '"a b"',
  "a=b",
  "host",
  "final",
  "exec",
];
const word = fc.oneof(fc.constantFrom(...VALUES), fc.string({ maxLength: 12, unit: "binary" }));
const line = fc
  .tuple(
    fc.oneof(
      fc.constantFrom(...OPTIONS.map(({ name }) => name).filter((name) => name !== "Include")),
      fc.constantFrom("Host", "Match", "constructor", "__proto__", "toString"),
    ),
    fc.constantFrom(" ", "=", " = ", "\t"),
    fc.array(word, { minLength: 1, maxLength: 4 }),
  )
  .map(([option, separator, words]) => option + separator + words.join(" "));
const blanks = fc.nat(60_000).map((length) => `User x${" ".repeat(length)}x`);

/** A client configuration of any lines gives a host that can be connected to, or an error that says it is the cause. */
export function sshConfig(resolve: typeof resolveHost = resolveHost): FuzzTarget {
  return {
    name: "ssh-config",
    about: "a client configuration of any lines: a host that can be used, or an error of its own kind",
    property: fc.property(
      fc.array(fc.oneof({ arbitrary: line, weight: 20 }, { arbitrary: blanks, weight: 1 }), {
        maxLength: 12,
      }),
      mutations,
      fc.boolean(),
      (lines, changes, isMutated) => {
        const text = isMutated ? mutate(lines.join("\n"), changes) : lines.join("\n");
        // other files of this machine are not what is tried
        fc.pre(!/include/i.test(text));
        const dir = mkdtempSync(join(tmpdir(), "macvlan-fuzz-"));
        try {
          const path = join(dir, "config");
          writeFileSync(path, text);
          const settings = readSettings({ HOME: dir, MACVLAN_SSH_CONFIG_PATH: path }, () => undefined);
          const host = inTime(() => resolve({ address: "host" }, settings));
          const { hostname, port, user, algorithms } = host;
          assert.ok(hostSchema.safeParse({ address: hostname, port, user }).success);
          for (const [chosen, { defaults, weak }] of [
            [algorithms.kex, KEX],
            [algorithms.cipher, CIPHERS],
            [algorithms.mac, MACS],
            [algorithms.hostKey, HOST_KEYS],
            [algorithms.publicKey, PUBLIC_KEYS],
            [algorithms.caSignature, CA_SIGNATURES],
          ] as const) {
            assert.ok(chosen.length > 0);
            for (const name of chosen) assert.ok(defaults.includes(name) || weak.includes(name), name);
          }
        } catch (error) {
          assert.ok(error instanceof SshError && error.kind === "configuration", String(error));
          assertHarmless(error.message);
        } finally {
          rmSync(dir, { recursive: true });
        }
      },
    ),
  };
}

const AUTHORITY = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIJQm+He3TNZSBAxkoBVRf+9iznEkRsloeV9wZgrAxLSX";
/** A certificate of that authority for `edge.example` and `10.0.0.1`, without an end. */
const CERTIFICATE = Buffer.from(
  "AAAAIHNzaC1lZDI1NTE5LWNlcnQtdjAxQG9wZW5zc2guY29tAAAAIMkN6DPpUbtKxb/LUnO3s6OzDZClPG6+myaXDvOxW7dkAAAAICfR2/Uwcsj" +
    "AZpODUhgE+A4wUgq/If0YZSMaI+SZA32PAAAAAAAAAAAAAAACAAAAB2ZpeHR1cmUAAAAcAAAADGVkZ2UuZXhhbXBsZQAAAAgxMC4wLjAuMQAA" +
    "AAAAAAAA//////////8AAAAAAAAAAAAAAAAAAAAzAAAAC3NzaC1lZDI1NTE5AAAAIJQm+He3TNZSBAxkoBVRf+9iznEkRsloeV9wZgrAxLSXA" +
    "AAAUwAAAAtzc2gtZWQyNTUxOQAAAECiDgJ4VR2L4ZBpDoBfdGvi3GtZyc7thQputRc29Y7wE6a5TiiIlXNLmqNEZkc+LtD9o21OorY3XuPyeS" +
    "lIyJUP",
  "base64",
);

const KEY = parsePublicKey(AUTHORITY)?.blob ?? Buffer.alloc(0);
const STRANGER = Buffer.concat([KEY.subarray(0, -1), Buffer.from([0])]);
const known = fc
  .tuple(
    fc.constantFrom("", "@revoked ", "@cert-authority ", "@what "),
    fc.constantFrom("host", "*", "!host,*", "[host]:22", "|1|AAAA|AAAA", "constructor"),
  )
  .map(([marker, names]) => `${marker}${names} ${AUTHORITY}`);

/** A known_hosts file of any lines: what is in no line is never accepted, and what one line revokes stays revoked. */
export function knownHosts(read: typeof parseKnownHosts = parseKnownHosts): FuzzTarget {
  return {
    name: "known-hosts",
    about: "a known_hosts file of any lines: no other key is accepted, and what a line revokes stays revoked",
    property: fc.property(
      fc.array(fc.oneof(known, blanks, fc.string({ maxLength: 60, unit: "binary" })), { maxLength: 12 }),
      mutations,
      fc.boolean(),
      (lines, changes, revokes) => {
        const text = mutate(lines.join("\n"), changes);
        const full = revokes ? `${text}\n@revoked * ${AUTHORITY}\n` : text;
        const entries = inTime(() => read(full, "file"));
        assert.notEqual(judge(entries, "host", 22, STRANGER).kind, "match");
        const { kind } = judge(entries, "host", 22, KEY);
        if (revokes) assert.equal(kind, "revoked");
        else if (!full.includes("AAAAC3")) assert.notEqual(kind, "match");
      },
    ),
  };
}

/** A host's certificate that is changed in any byte vouches for nothing. */
export function certificates(problem: typeof hostCertificateProblem = hostCertificateProblem): FuzzTarget {
  const problemOf = (blob: Buffer): string | undefined => {
    const certificate = parseCertificate(blob);
    if (certificate === undefined) return "is none";
    // as host-keys/verify.ts does before it asks
    if (!certificate.authority.equals(KEY)) return "is of another authority";
    return problem(certificate, "edge.example", 1_800_000_000, CA_SIGNATURES.defaults);
  };
  return {
    name: "certificates",
    about: "a host's certificate: in order as it is, and for nothing with any byte changed, added or missing",
    property: fc.property(
      fc.nat(CERTIFICATE.length - 1),
      fc.integer({ min: 1, max: 255 }),
      fc.constantFrom("change", "insert", "delete", "cut"),
      (at, by, how) => {
        assert.equal(problemOf(CERTIFICATE), undefined);
        const [before, after] = [CERTIFICATE.subarray(0, at), CERTIFICATE.subarray(at)];
        const byte = Buffer.from([(after[0] ?? 0) ^ by]);
        const changed = {
          change: () => Buffer.concat([before, byte, after.subarray(1)]),
          insert: () => Buffer.concat([before, byte, after]),
          delete: () => Buffer.concat([before, after.subarray(1)]),
          cut: () => before,
        }[how]();
        if (changed.equals(CERTIFICATE)) return;
        assert.notEqual(
          inTime(() => problemOf(changed)),
          undefined,
        );
      },
    ),
  };
}

const said = fc
  .array(
    fc.oneof(
      fc.constantFrom(
        "::error::",
        "##[error]",
        "##vso[task.x]",
        "\r\n",
        "\n",
        "\u001b[2J",
        "\u202e",
        "\u2028",
        "  ",
      ),
      fc.string({ maxLength: 20, unit: "binary" }),
      fc.nat(100_000).map((length) => " ".repeat(length)),
    ),
    { maxLength: 8 },
  )
  .map((parts) => parts.join(""));

/** What a server says of itself, whatever it is, is a harmless text. */
export function messages(log: typeof forLog = forLog): FuzzTarget {
  return {
    name: "messages",
    about: "what hosts and servers say: no escape sequence, and no line that a CI system obeys",
    property: fc.property(said, (text) => {
      assertHarmless(inTime(() => log(text)));
      assertHarmless(`it said ${inTime(() => printable(text))}`);
      assert.ok(printable(text).length <= 6 * 401);
    }),
  };
}
