import type { BaseAgent, IdentityCallback, ParsedKey, SignCallback, SigningRequestOptions } from "ssh2";
import { ssh2 } from "../ssh2";
import { fingerprint } from "./public-key";

/** One key that an agent holds. */
export interface AgentKey {
  readonly blob: Buffer;
  /** Its fingerprint. */
  readonly print: string;
  /** Comment and fingerprint, for messages. */
  readonly label: string;
  /** An agent that has this key only, so that each key is an attempt of its own. */
  readonly agent: BaseAgent;
}

const LIST_TIMEOUT = 5_000;

/**
 * Lists the keys of the agent at a socket. Keys that ssh2 cannot sign with (security keys, certificates) are left out.
 *
 * @param report called with what is wrong when the agent does not answer, or later when it refuses to sign
 */
export async function agentKeys(socket: string, report: (problem: string) => void): Promise<AgentKey[]> {
  const agent = ssh2.createAgent(socket) as BaseAgent<ParsedKey>;
  let timer: NodeJS.Timeout | undefined;
  const keys = await new Promise<readonly ParsedKey[]>((resolve) => {
    const fail = (problem: string): void => {
      report(problem);
      resolve([]);
    };
    timer = setTimeout(() => fail("does not answer"), LIST_TIMEOUT);
    timer.unref();
    agent.getIdentities((error, list) => {
      if (error) fail(`cannot be asked: ${error.message}`);
      else resolve((list ?? []) as ParsedKey[]);
    });
  });
  clearTimeout(timer);
  return keys.map((key) => {
    const blob = key.getPublicSSH();
    const print = fingerprint(blob);
    const label = key.comment === "" ? print : `${key.comment} (${print})`;
    return {
      blob,
      print,
      label,
      agent: new SingleKeyAgent(agent, key, (problem) => report(`${problem} (key ${label})`)),
    };
  });
}

/** The agent, cut down to one of its keys. ssh2 takes only instances of its own class for an agent. */
class SingleKeyAgent extends ssh2.BaseAgent<ParsedKey> {
  constructor(
    private readonly agent: BaseAgent<ParsedKey>,
    private readonly key: ParsedKey,
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
    this.agent.sign(this.key, data, typeof options === "function" ? {} : options, (error, signature) => {
      // An error here would end the whole connection in ssh2, and with it the keys that come after: an invalid
      // signature instead makes the server refuse this key only.
      if (error) this.report(`refused to sign: ${error.message}`);
      done?.(null, error ? Buffer.alloc(64) : signature);
    });
  }
}
