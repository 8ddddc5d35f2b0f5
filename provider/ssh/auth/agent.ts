import { connect } from "node:net";
import type { BaseAgent, IdentityCallback, ParsedKey, SignCallback, SigningRequestOptions } from "ssh2";
import { ssh2 } from "../ssh2";
import { reasonOf } from "../../model/error";
import { printable } from "../../model/outside-text";
import { parseCertificate } from "./certificate";
import type { PresentedKey } from "./presented-key";
import { fingerprint, publicKeyLine } from "./public-key";
import { WireReader } from "./wire";

/** One key that an agent holds. */
export interface AgentKey {
  /** The key's own binary form. */
  readonly blob: Buffer;
  /** Its fingerprint. */
  readonly print: string;
  /** Comment and fingerprint, for messages. */
  readonly label: string;
  readonly key: ParsedKey;
  /** A certificate of it that the agent holds, in binary form. */
  readonly certificate?: Buffer;
  /** An agent with only this key, as it is presented, so that each key is an attempt of its own. */
  readonly agentFor: (presented: PresentedKey) => BaseAgent;
}

const LIST_TIMEOUT = 5_000;
/** authfd.c, MAX_AGENT_REPLY_LEN. */
const LONGEST_ANSWER = 256 * 1024;
const REQUEST_IDENTITIES = 11;
const IDENTITIES_ANSWER = 12;

/**
 * Lists the keys of the agent at a socket, those with a certificate first. Keys that ssh2 cannot sign with (security
 * keys) are left out.
 *
 * @param report receives the problem if the agent does not answer, or later refuses to sign
 */
export async function agentKeys(socket: string, report: (problem: string) => void): Promise<AgentKey[]> {
  const agent = ssh2.createAgent(socket) as BaseAgent<ParsedKey>;
  let identities: readonly Identity[];
  try {
    identities = await listIdentities(socket);
  } catch (error) {
    report(reasonOf(error));
    return [];
  }
  const keys = identities.flatMap(({ blob, comment }): AgentKey[] => {
    const certificate = parseCertificate(blob);
    const own = certificate?.key ?? blob;
    const parsed: unknown = ssh2.utils.parseKey(publicKeyLine(own));
    if (parsed instanceof Error) return [];
    const key = parsed as ParsedKey;
    const print = fingerprint(own);
    const label = comment === "" ? print : `${printable(comment, 100)} (${print})`;
    return [
      {
        blob: own,
        print,
        label,
        key,
        ...(certificate !== undefined && { certificate: blob }),
        agentFor: (presented) =>
          new SingleKeyAgent(agent, presented, (problem) => report(`${problem} (key ${label})`)),
      },
    ];
  });
  return [...keys.filter((one) => one.certificate), ...keys.filter((one) => !one.certificate)];
}

interface Identity {
  readonly blob: Buffer;
  readonly comment: string;
}

/** Lists all identities: ssh2 omits those that it cannot parse, such as certificates. */
async function listIdentities(path: string): Promise<Identity[]> {
  const socket = connect(path);
  const timer = setTimeout(() => socket.destroy(new Error("does not answer")), LIST_TIMEOUT);
  timer.unref();
  try {
    socket.write(Buffer.from([0, 0, 0, 1, REQUEST_IDENTITIES]));
    const chunks: Buffer[] = [];
    let bytes = 0;
    for await (const chunk of socket as AsyncIterable<Buffer>) {
      chunks.push(chunk);
      bytes += chunk.length;
      const needed = bytes < 4 ? 4 : 4 + Buffer.concat(chunks).readUInt32BE();
      if (needed > LONGEST_ANSWER) throw new Error("sends too long an answer");
      if (bytes >= 4 && bytes >= needed) return readIdentities(Buffer.concat(chunks).subarray(4, needed));
    }
    throw new Error("closes the connection without an answer");
  } catch (error) {
    const reason = reasonOf(error);
    throw new Error(/^(does not|closes|answers)/.test(reason) ? reason : `cannot be used: ${reason}`, {
      cause: error,
    });
  } finally {
    clearTimeout(timer);
    socket.destroy();
  }
}

function readIdentities(answer: Buffer): Identity[] {
  const reader = new WireReader(answer);
  if (reader.bytesOf(1)[0] !== IDENTITIES_ANSWER) throw new Error("refuses to list its keys");
  const identities: Identity[] = [];
  for (let left = reader.uint32(); left > 0; left--) {
    identities.push({ blob: reader.string(), comment: reader.text() });
  }
  return identities;
}

/** The agent, limited to one of its keys. ssh2 accepts only instances of its own class as an agent. */
class SingleKeyAgent extends ssh2.BaseAgent<ParsedKey> {
  constructor(
    private readonly agent: BaseAgent<ParsedKey>,
    private readonly key: PresentedKey,
    private readonly report: (problem: string) => void,
  ) {
    super();
  }

  getIdentities(answer: IdentityCallback<ParsedKey>): void {
    answer(null, [this.key]);
  }

  sign(
    _key: ParsedKey,
    data: Buffer,
    options: SigningRequestOptions | SignCallback,
    answer?: SignCallback,
  ): void {
    const done = typeof options === "function" ? options : answer;
    const { hash } = this.key;
    // ssh2 passes the hash on only for keys that it recognises as RSA.
    const key =
      hash === undefined ? this.key : (Object.create(this.key, { type: { value: "ssh-rsa" } }) as ParsedKey);
    const how: SigningRequestOptions = hash === "sha256" || hash === "sha512" ? { hash } : {};
    this.agent.sign(key, data, how, (error, signature) => {
      // In ssh2 an error here would end the whole connection, so that the remaining keys could not be tried. With an
      // invalid signature instead, the server refuses only this key.
      if (error) this.report(`refused to sign: ${error.message}`);
      done?.(null, error ? Buffer.alloc(64) : signature);
    });
  }
}
