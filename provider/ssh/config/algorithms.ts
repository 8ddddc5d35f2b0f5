import { matchesPattern } from "./patterns";

/** The algorithms of one kind. */
export interface Algorithms {
  /** What is offered if the configuration says nothing, in our order: no weaker than OpenSSH 9's. */
  readonly defaults: readonly string[];
  /** Others that the configuration can enable, as in ssh. */
  readonly weak: readonly string[];
}

/** Signature algorithms, strongest first; RSA keys sign with one of two (RFC 8332). */
const SIGNATURES = [
  "ssh-ed25519",
  "ecdsa-sha2-nistp256",
  "ecdsa-sha2-nistp384",
  "ecdsa-sha2-nistp521",
  "rsa-sha2-512",
  "rsa-sha2-256",
];

const CERTIFICATE = "-cert-v01@openssh.com";

/** What `KexAlgorithms` can name. OpenSSH's order but without what ssh2 lacks (sntrup761x25519). */
export const KEX: Algorithms = {
  defaults: [
    "curve25519-sha256",
    "curve25519-sha256@libssh.org",
    "ecdh-sha2-nistp256",
    "ecdh-sha2-nistp384",
    "ecdh-sha2-nistp521",
    "diffie-hellman-group-exchange-sha256",
    "diffie-hellman-group16-sha512",
    "diffie-hellman-group18-sha512",
    "diffie-hellman-group14-sha256",
  ],
  weak: ["diffie-hellman-group-exchange-sha1", "diffie-hellman-group14-sha1", "diffie-hellman-group1-sha1"],
};

/** What `Ciphers` can name. AES first, because the CPU supports it; ssh2 computes ChaCha20 in JavaScript. */
export const CIPHERS: Algorithms = {
  defaults: [
    "aes128-gcm@openssh.com",
    "aes256-gcm@openssh.com",
    "aes128-ctr",
    "aes192-ctr",
    "aes256-ctr",
    "chacha20-poly1305@openssh.com",
  ],
  weak: ["aes128-cbc", "aes192-cbc", "aes256-cbc", "3des-cbc"],
};

/** What `MACs` can name. OpenSSH's defaults without UMAC, which ssh2 lacks. */
export const MACS: Algorithms = {
  defaults: [
    "hmac-sha2-256-etm@openssh.com",
    "hmac-sha2-512-etm@openssh.com",
    "hmac-sha1-etm@openssh.com",
    "hmac-sha2-256",
    "hmac-sha2-512",
    "hmac-sha1",
  ],
  weak: ["hmac-sha1-96", "hmac-md5", "hmac-md5-96"],
};

/** What `HostKeyAlgorithms` can name. Host certificates of RSA keys cannot be checked through ssh2. */
export const HOST_KEYS: Algorithms = {
  defaults: [
    ...SIGNATURES.filter((name) => !name.startsWith("rsa-")).map((name) => name + CERTIFICATE),
    ...SIGNATURES,
  ],
  weak: ["ssh-rsa"],
};

/** What `PubkeyAcceptedAlgorithms` can name. */
export const PUBLIC_KEYS: Algorithms = {
  defaults: [...SIGNATURES.map((name) => name + CERTIFICATE), ...SIGNATURES],
  weak: ["ssh-rsa", `ssh-rsa${CERTIFICATE}`],
};

/** What `CASignatureAlgorithms` can name. */
export const CA_SIGNATURES: Algorithms = { defaults: SIGNATURES, weak: ["ssh-rsa"] };

/**
 * The algorithms that an option selects (ssh_config(5), Ciphers): a list of patterns, or one that begins with `+`, `-`
 * or `^` and appends to the defaults, removes from them, or moves to their front. Unknown algorithms are left out, as
 * ssh does with those that it was built without.
 *
 * @returns an empty list if none is left
 */
export function chosenAlgorithms({ defaults, weak }: Algorithms, option: string | undefined): string[] {
  if (option === undefined || option === "") return [...defaults];
  const sign = /^[+^-]/.exec(option)?.[0] ?? "";
  const patterns = option.slice(sign.length).split(",");
  const named = patterns.flatMap((pattern) =>
    [...defaults, ...weak].filter((name) => matchesPattern(pattern, name)),
  );
  switch (sign) {
    case "+":
      return [...new Set([...defaults, ...named])];
    case "-":
      return defaults.filter((name) => !named.includes(name));
    case "^":
      return [...new Set([...named, ...defaults])];
    default:
      return [...new Set(named)];
  }
}

/** Whether a name is one of a certificate's algorithms. */
export function isCertificateAlgorithm(name: string): boolean {
  return name.endsWith(CERTIFICATE);
}

/** The algorithm of a certificate's key: `ssh-ed25519` for `ssh-ed25519-cert-v01@openssh.com`. */
export function plainAlgorithm(name: string): string {
  return isCertificateAlgorithm(name) ? name.slice(0, -CERTIFICATE.length) : name;
}

/** The certificate algorithm for an algorithm of a key. */
export function certificateAlgorithm(name: string): string {
  return name + CERTIFICATE;
}
