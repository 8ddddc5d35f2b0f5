/** Texts that nobody is to see, although they may have got into something that is shown. */

/** What stands in the place of a text that is withheld. */
const PLACEHOLDER = "[secret]";

/** Shorter texts are in everything by chance: withholding them would hide nothing and make messages unreadable. */
const SHORTEST = 4;

/**
 * Withholds the values of properties that the program marked as secret, and credentials, from all that is shown. It lives
 * as long as the run, and writes nothing.
 */
export interface Redactor {
  /** Withholds each text in a value, at any depth, from now on. */
  readonly register: (value: unknown) => void;
  /** A text as it may be shown. */
  readonly redact: (text: string) => string;
  /** An error as it may be shown: message and stack. */
  readonly redactError: (error: unknown) => unknown;
}

export function openRedactor(): Redactor {
  const secrets = new Set<string>();
  const register = (value: unknown): void => {
    if (typeof value === "string") {
      if (value.trim().length >= SHORTEST) secrets.add(value.trim());
    } else if (typeof value === "object" && value !== null) {
      Object.values(value).forEach(register);
    }
  };
  const redact = (text: string): string => {
    // the longest first: one may be a part of another
    const texts = [...secrets].toSorted((a, b) => b.length - a.length);
    return texts.reduce((so, secret) => {
      const escaped = JSON.stringify(secret).slice(1, -1);
      return so.replaceAll(secret, PLACEHOLDER).replaceAll(escaped, PLACEHOLDER);
    }, text);
  };
  return {
    register,
    redact,
    redactError(error) {
      if (!(error instanceof Error)) return typeof error === "string" ? redact(error) : error;
      const { message, stack } = error;
      error.message = redact(message);
      if (stack !== undefined) error.stack = redact(stack);
      return error;
    },
  };
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
