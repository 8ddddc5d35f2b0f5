/**
 * Texts that nobody is to see, although they may have got into something that is shown: values of properties that the
 * program marked as secret, and credentials. They live as long as the process, and nothing is written.
 */
const secrets = new Set<string>();

/** What stands in the place of a text that is withheld. */
const PLACEHOLDER = "[secret]";

/** Shorter texts are in everything by chance: withholding them would hide nothing and make messages unreadable. */
const SHORTEST = 4;

/** Withholds each text in a value, at any depth, from all that is shown from now on. */
export function registerSecret(value: unknown): void {
  if (typeof value === "string") {
    if (value.trim().length >= SHORTEST) secrets.add(value.trim());
  } else if (typeof value === "object" && value !== null) {
    Object.values(value).forEach(registerSecret);
  }
}

/** A text as it may be shown. */
export function redact(text: string): string {
  // the longest first: one may be a part of another
  const texts = [...secrets].toSorted((a, b) => b.length - a.length);
  return texts.reduce((so, secret) => {
    const escaped = JSON.stringify(secret).slice(1, -1);
    return so.replaceAll(secret, PLACEHOLDER).replaceAll(escaped, PLACEHOLDER);
  }, text);
}

/** Names under which people look for a place to put a credential. */
export const CREDENTIAL =
  /pass(?:word|phrase|wd)?$|password|passphrase|secret|token|private|credential|become.*pass/i;

/** `user:password@host`, as in a URL. */
export const CREDENTIAL_IN_HOST = /:([^@:/]+)@/;

/** Whether a host, as a program gives it, has something in it that looks like a credential. */
export function holdsCredential(host: unknown): boolean {
  if (typeof host === "string") return CREDENTIAL_IN_HOST.test(host);
  if (typeof host !== "object" || host === null) return false;
  return Object.entries(host).some(([key, value]) => CREDENTIAL.test(key) || holdsCredential(value));
}
