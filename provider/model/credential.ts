/** What looks like a credential. Apart from the redactor, as programs load this and nothing that parses addresses. Pure. */

/** Names of properties that are likely to contain a credential. */
export const CREDENTIAL =
  /pass(?:word|phrase|wd)?$|password|passphrase|secret|token|private|credential|become.{0,20}pass/i;

/** `user:password@host`, as in a URL. */
export const CREDENTIAL_IN_HOST = /:([^@:/]+)@/;

/** Whether a host, as given by a program, contains something that looks like a credential. */
export function holdsCredential(host: unknown): boolean {
  if (typeof host === "string") return CREDENTIAL_IN_HOST.test(host);
  if (typeof host !== "object" || host === null) return false;
  return Object.entries(host).some(([key, value]) => CREDENTIAL.test(key) || holdsCredential(value));
}
