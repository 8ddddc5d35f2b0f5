/**
 * What ssh2 has no public API for: certificates of hosts and users, and a host's other keys. All of its internals that are used are named here
 * and checked before use; test/lab/ssh/certificates.test.ts tests them with a real sshd.
 */
import type { Client } from "ssh2";
import { isCertificateAlgorithm, plainAlgorithm } from "../config/algorithms";
import { type Certificate, parseCertificate } from "../auth/certificate";
import { wireString } from "../auth/wire";

interface AlgorithmList {
  readonly array: string[];
}

interface Direction {
  readonly cipher: AlgorithmList;
  readonly mac: AlgorithmList;
  readonly compress: AlgorithmList;
  readonly lang: AlgorithmList;
}

interface Offer {
  readonly lists: {
    readonly kex: AlgorithmList;
    readonly serverHostKey: AlgorithmList;
    readonly cs: Direction;
    readonly sc: Direction;
  };
}

interface KeyExchange {
  readonly sessionID: Buffer;
  readonly negotiated: { serverHostKey: string };
  _hostKey: Buffer | undefined;
}

type Sign = (data: Buffer, finish: (signature: Buffer) => void) => void;

interface Protocol {
  _offer: Offer;
  readonly _kex: KeyExchange | undefined;
  readonly _authsQueue: string[];
  readonly _handlers: {
    GLOBAL_REQUEST(protocol: unknown, name: string, ...more: readonly unknown[]): void;
  };
  readonly _cipher: { encrypt(packet: Buffer): void };
  readonly _packetRW: {
    readonly write: {
      readonly allocStart: number;
      alloc(size: number): Buffer;
      finalize(packet: Buffer): Buffer;
    };
  };
  authPK(user: string, key: object, algorithm?: string | Sign, sign?: Sign): void;
}

const USERAUTH_REQUEST = 50;

/** @throws Error if ssh2 has changed */
function protocolOf(client: Client): Protocol {
  const protocol: unknown = Reflect.get(client, "_protocol");
  const known = ["_offer", "_authsQueue", "_cipher", "_handlers", "_packetRW", "authPK"];
  const isProtocol = (value: unknown): value is Protocol =>
    typeof value === "object" && value !== null && known.every((name) => name in value);
  if (isProtocol(protocol)) return protocol;
  throw new Error("certificates cannot be used with this version of ssh2");
}

/**
 * Makes a client that has just begun to connect offer these algorithms for the host's key: ssh2 itself refuses those of
 * certificates.
 */
export function offerHostKeys(client: Client, algorithms: readonly string[]): void {
  const protocol = protocolOf(client);
  const { kex, cs, sc } = protocol._offer.lists;
  const plain = (direction: Direction): Record<keyof Direction, string[]> => ({
    cipher: direction.cipher.array,
    mac: direction.mac.array,
    compress: direction.compress.array,
    lang: direction.lang.array,
  });
  const Made = protocol._offer.constructor as new (lists: unknown) => Offer;
  protocol._offer = new Made({
    kex: kex.array,
    serverHostKey: [...algorithms],
    cs: plain(cs),
    sc: plain(sc),
  });
}

/**
 * Takes no note of the other keys that a host says it has (OpenSSH's PROTOCOL, 2.5). ssh2 would ask it to prove each of them,
 * which takes a signature per key there, and its verification here.
 */
export function ignoreOtherHostKeys(client: Client): void {
  const handlers = protocolOf(client)._handlers;
  const handle = handlers.GLOBAL_REQUEST.bind(handlers);
  handlers.GLOBAL_REQUEST = (protocol, name, ...more) => {
    if (name !== "hostkeys-00@openssh.com") handle(protocol, name, ...more);
  };
}

/**
 * Prepares a key exchange in which the host presented an accepted certificate: the hash of the exchange contains the
 * certificate, and the signature was made by the certified key. ssh2 reads the host's key twice, for these two in this
 * order.
 */
export function expectCertifiedSignature(client: Client, certificate: Certificate): void {
  const kex = protocolOf(client)._kex;
  if (kex?._hostKey?.equals(certificate.blob) !== true) {
    throw new Error("certificates of hosts cannot be used with this version of ssh2");
  }
  kex.negotiated.serverHostKey = plainAlgorithm(kex.negotiated.serverHostKey);
  let reads = 0;
  let stored: Buffer | undefined = certificate.blob;
  Object.defineProperty(kex, "_hostKey", {
    configurable: true,
    get: () => (stored === undefined || ++reads === 1 ? stored : certificate.key),
    set: (value: Buffer | undefined) => {
      stored = value;
      reads = 0;
    },
  });
}

/**
 * Makes a client use the algorithm of the presented key instead of its own choice, and sign with the certified key if
 * it presents a certificate: ssh2 would name the wrong algorithm in the signature.
 */
export function signAsPresented(client: Client): void {
  const protocol = protocolOf(client);
  const plain = protocol.authPK.bind(protocol);
  protocol.authPK = (user, key, algorithm, sign) => {
    const callback = typeof algorithm === "function" ? algorithm : sign;
    const type: unknown = Reflect.get(key, "signatureType");
    const name: unknown = Reflect.get(key, "type");
    if (typeof type !== "string" || typeof name !== "string") {
      plain(user, key, algorithm, sign);
      return;
    }
    const blob = certificateBlob(key, name);
    if (callback === undefined || blob === undefined) {
      plain(user, key, name, callback);
      return;
    }
    const request = Buffer.concat([
      Buffer.from([USERAUTH_REQUEST]),
      ...[user, "ssh-connection", "publickey"].map(wireString),
      Buffer.from([1]),
      wireString(name),
      wireString(blob),
    ]);
    const session = protocol._kex?.sessionID ?? Buffer.alloc(0);
    callback(Buffer.concat([wireString(session), request]), (signature) => {
      const signed = Buffer.concat([wireString(type), wireString(asSsh(signature, type))]);
      const payload = Buffer.concat([request, wireString(signed)]);
      const { write } = protocol._packetRW;
      const packet = write.alloc(payload.length);
      packet.set(payload, write.allocStart);
      protocol._authsQueue.push("publickey");
      protocol._cipher.encrypt(write.finalize(packet));
    });
  };
}

function certificateBlob(key: object, type: string): Buffer | undefined {
  if (!isCertificateAlgorithm(type)) return undefined;
  const read: unknown = Reflect.get(key, "getPublicSSH");
  const blob: unknown = typeof read === "function" ? read.call(key) : undefined;
  return Buffer.isBuffer(blob) && parseCertificate(blob) !== undefined ? blob : undefined;
}

/** OpenSSL returns the two numbers of an ECDSA signature in DER, an agent returns them in SSH's form. */
function asSsh(signature: Buffer, type: string): Buffer {
  if (!type.startsWith("ecdsa-") || signature[0] !== 0x30) return signature;
  let at = (signature[1] ?? 0) < 0x80 ? 2 : 3;
  const numbers: Buffer[] = [];
  for (let number = 0; number < 2; number++) {
    const length = signature[at + 1] ?? 0;
    numbers.push(wireString(signature.subarray(at + 2, at + 2 + length)));
    at += 2 + length;
  }
  return Buffer.concat(numbers);
}
