import { isIP, isIPv6 } from "node:net";
import { z } from "zod";
import { didYouMean } from "../model/nearest";
import { parsePublicKey } from "./auth/public-key";
import { DEFAULT_PORT, hostIdentity, hostLabel, splitShorthand } from "./host-text";

export { DEFAULT_PORT, hostIdentity, hostLabel };

/** How a script becomes root on the host. */
export type Become = "none" | "sudo" | "doas";

/** Where a host is and how to reach it, as a program gives it. Every field but the address is optional. */
export interface HostArgs {
  /** DNS name, IP address (an IPv6 one may have a zone: `fe80::1%eth0`), or an alias of the OpenSSH client configuration. */
  address: string;
  /** TCP port of sshd. Default: `Port` of the client configuration, else 22. */
  port?: number;
  /** User to log in as. Default: `macvlan:user`, then `User` of the client configuration, then the local user. */
  user?: string;
  /** Host to go through, which may have a jump of its own. Default: `ProxyJump` of the client configuration. */
  jump?: string | HostArgs;
  /** The host's key: an OpenSSH public key line or a `SHA256:` fingerprint. Default: the known_hosts files decide. */
  hostKey?: string;
  /** How a script becomes root. Default: `none` for root, else `sudo`. */
  become?: Become;
  /** Seconds for connecting, key exchange and authentication together. Default: `ConnectTimeout`, else 10. */
  connectTimeout?: number;
  /** Seconds that one command or script may take. Default: 60, and 20 for reading the host. */
  commandTimeout?: number;
  /**
   * Seconds within which a new connection must confirm a change that could have cut this one. Otherwise the host rolls
   * it back. Default: 30.
   */
  confirmTimeout?: number;
}

/** A host in canonical form: checked, with the fields that were given and no others. */
export interface HostAddress {
  readonly address: string;
  readonly port?: number;
  readonly user?: string;
  readonly jump?: HostAddress;
  readonly hostKey?: string;
  readonly become?: Become;
  readonly connectTimeout?: number;
  readonly commandTimeout?: number;
  readonly confirmTimeout?: number;
}

/** Default, in seconds. */
export const DEFAULT_COMMAND_TIMEOUT = 60;
/** Default, in seconds. */
export const DEFAULT_CONFIRM_TIMEOUT = 30;
/** More jumps in a chain than this are taken for a mistake. */
export const MAX_JUMPS = 8;

const MAX_CONNECT_TIMEOUT = 600;
const MAX_COMMAND_TIMEOUT = 86_400;
/** Even without problems, a new connection takes a while. */
const MIN_CONFIRM_TIMEOUT = 5;
const MAX_CONFIRM_TIMEOUT = 3600;

const SHORTHAND = 'write it as "user@host:port", with user and port optional and an IPv6 address in brackets';

const address = z
  .string({ error: "must be the host's DNS name, IP address or alias" })
  .transform((text) => (/^\[.*\]$/.test(text) ? text.slice(1, -1) : text))
  .superRefine((text, ctx) => {
    const problem = addressProblem(text);
    if (problem !== undefined) ctx.addIssue({ code: "custom", message: problem });
  });

const port = z
  .number({ error: (issue) => `must be a whole number from 1 to 65535, not ${describe(issue.input)}` })
  .refine((value) => Number.isInteger(value) && value >= 1 && value <= 65_535, {
    error: (issue) => `must be a whole number from 1 to 65535, not ${describe(issue.input)}`,
  });

// A login name reaches the server only inside the SSH protocol, but it is also printed and looked up, so it must be
// plain.
const user = z.string({ error: "must be a login name" }).regex(/^[A-Za-z0-9_.][A-Za-z0-9_.@+-]{0,254}$/, {
  error: "must be a login name: letters, digits and _ . @ + -, not starting with -, @ or +",
});

const hostKey = z
  .string({ error: "must be a public key line or a SHA256: fingerprint" })
  .transform((text, ctx) => {
    const trimmed = text.trim();
    const print = /^SHA256:([A-Za-z0-9+/]{43})=?$/.exec(trimmed);
    if (print) return `SHA256:${print[1] ?? ""}`;
    const key = /[\r\n]/.test(trimmed) ? undefined : parsePublicKey(trimmed);
    if (key) return `${key.type} ${key.blob.toString("base64")}`;
    ctx.addIssue({
      code: "custom",
      message:
        'must be one OpenSSH public key line ("ssh-ed25519 AAAA…", without the host name in front) or "SHA256:…" as ' +
        "ssh-keygen -lf prints it",
    });
    return z.NEVER;
  });

const become = z.enum(["none", "sudo", "doas"], {
  error: (issue) => `must be "none", "sudo" or "doas", not ${describe(issue.input)}`,
});

const seconds = (max: number) => {
  const error = (issue: { input?: unknown }) =>
    `must be a number of seconds above 0, up to ${max}, not ${describe(issue.input)}`;
  return z.number({ error }).refine((value) => value > 0 && value <= max, { error });
};

const fields = z.strictObject({
  address,
  port: port.optional(),
  user: user.optional(),
  jump: z.lazy(() => hostSchema).optional(),
  hostKey: hostKey.optional(),
  become: become.optional(),
  connectTimeout: seconds(MAX_CONNECT_TIMEOUT).optional(),
  commandTimeout: seconds(MAX_COMMAND_TIMEOUT).optional(),
  confirmTimeout: seconds(MAX_CONFIRM_TIMEOUT)
    .refine((value) => value >= MIN_CONFIRM_TIMEOUT, {
      error: `must be at least ${MIN_CONFIRM_TIMEOUT} seconds, because a new connection may take that long`,
    })
    .optional(),
});

/** What the schema has returned, as all links of a host are checked with the same one. */
const CANONICAL = new WeakSet<object>();

function isCanonical(value: unknown): value is HostAddress {
  return typeof value === "object" && value !== null && CANONICAL.has(value);
}

/**
 * Schema of a `host` property: a string such as `ops@node1.example:22`, `[2001:db8::1]:2222` or an alias, or an object
 * of {@link HostArgs}. Yields the canonical form. Nothing passes that could be read as an option of ssh or as shell
 * text. Issues are on the path of the field that is wrong.
 *
 * @example hostSchema.parse("ops@node1.example:2222") // { address: "node1.example", port: 2222, user: "ops" }
 */
export const hostSchema: z.ZodType<HostAddress> = z.unknown().transform((value, ctx): HostAddress => {
  if (isCanonical(value)) return value;
  if (tooManyJumps(value)) {
    ctx.addIssue({ code: "custom", message: `has more than ${MAX_JUMPS} jumps`, path: ["jump"] });
    return z.NEVER;
  }
  const parts = typeof value === "string" ? splitShorthand(value) : value;
  if (parts === undefined || parts === null || typeof parts !== "object" || Array.isArray(parts)) {
    const message =
      typeof value === "string"
        ? `is not a host: ${SHORTHAND}`
        : `must be a string or an object with address, not ${describe(value)}`;
    ctx.addIssue({ code: "custom", message });
    return z.NEVER;
  }
  const parsed = fields.safeParse(withoutUndefined(parts));
  if (parsed.success) {
    const host = canonical(parsed.data);
    CANONICAL.add(host);
    return host;
  }
  for (const issue of parsed.error.issues) {
    if (issue.code === "unrecognized_keys") {
      for (const key of issue.keys) {
        const known = Object.keys(fields.shape);
        const hint = didYouMean(key, known, `its properties are ${known.join(", ")}`);
        ctx.addIssue({
          code: "custom",
          message: `is not a property of a host; ${hint}`,
          path: [key],
        });
      }
    } else if (typeof value === "string") {
      const field = issue.path[0] === "address" ? "" : `${String(issue.path[0])} `;
      ctx.addIssue({ code: "custom", message: `${field}${issue.message} (in a string, ${SHORTHAND})` });
    } else {
      ctx.addIssue({ code: "custom", message: issue.message, path: [...issue.path] });
    }
  }
  return z.NEVER;
});

/**
 * What distinguishes two hosts that are read: the way there with every host key that is named on it. That two
 * ways lead to one machine is only what the machine says of itself, which a clone or a liar says as well.
 */
export function hostReach(host: HostAddress): string {
  const { jump, hostKey, ...here } = host;
  return JSON.stringify([hostIdentity(here), hostKey, jump && hostReach(jump)]);
}

/** A host for messages, with the way there: `ops@node1.example through bastion.example`. */
export function hostRoute(host: HostAddress): string {
  return host.jump === undefined ? hostLabel(host) : `${hostLabel(host)} through ${hostRoute(host.jump)}`;
}

function addressProblem(text: string): string | undefined {
  if (text === "") return "must not be empty: give the host's DNS name, IP address or alias";
  if (text.length > 255) return "must not be longer than 255 characters";
  const [bare = "", zone, ...more] = text.split("%");
  if (isIPv6(bare)) {
    const plainZone = zone === undefined || (more.length === 0 && /^[A-Za-z0-9_.-]{1,15}$/.test(zone));
    return plainZone ? undefined : "has a zone that is not an interface name";
  }
  if (!/^[A-Za-z0-9_][A-Za-z0-9_.-]*$/.test(text)) {
    return (
      `must be a DNS name, an IP address or an alias: letters, digits and . - _ (not starting with . or -), ` +
      `not ${text.includes("@") ? "one with an @" : describe(text)}; user and port go into user and port`
    );
  }
  if (/^\d+(\.\d+)+$/.test(text) && isIP(text) === 0) return `is not a valid IPv4 address: ${text}`;
  return undefined;
}

/** Checked before the recursion, so that an object that contains itself leads to a message. */
function tooManyJumps(value: unknown): boolean {
  let hop: unknown = value;
  for (let jumps = 0; jumps <= MAX_JUMPS; jumps++) {
    if (typeof hop !== "object" || hop === null || !("jump" in hop)) return false;
    hop = hop.jump;
  }
  return hop !== undefined;
}

function withoutUndefined(value: object): Record<string, unknown> {
  return Object.fromEntries(Object.entries(value).filter(([, field]) => field !== undefined));
}

function canonical(host: z.output<typeof fields>): HostAddress {
  return {
    address: host.address,
    ...(host.port !== undefined && { port: host.port }),
    ...(host.user !== undefined && { user: host.user }),
    ...(host.jump !== undefined && { jump: host.jump }),
    ...(host.hostKey !== undefined && { hostKey: host.hostKey }),
    ...(host.become !== undefined && { become: host.become }),
    ...(host.connectTimeout !== undefined && { connectTimeout: host.connectTimeout }),
    ...(host.commandTimeout !== undefined && { commandTimeout: host.commandTimeout }),
    ...(host.confirmTimeout !== undefined && { confirmTimeout: host.confirmTimeout }),
  };
}

function describe(value: unknown): string {
  if (value === undefined) return "nothing";
  const text = JSON.stringify(value) as string | undefined;
  return text === undefined ? typeof value : text.length > 60 ? `${text.slice(0, 57)}…` : text;
}
