/** Reads the fields of SSH's binary form (RFC 4251, 5) one after the other. */
export class WireReader {
  private at = 0;

  constructor(private readonly bytes: Buffer) {}

  /** How many bytes were read. */
  get position(): number {
    return this.at;
  }

  get done(): boolean {
    return this.at === this.bytes.length;
  }

  /** @throws RangeError if the bytes end before the field does */
  bytesOf(length: number): Buffer {
    if (this.at + length > this.bytes.length) throw new RangeError("it ends in the middle of a field");
    const field = this.bytes.subarray(this.at, this.at + length);
    this.at += length;
    return field;
  }

  uint32(): number {
    return this.bytesOf(4).readUInt32BE();
  }

  uint64(): bigint {
    return this.bytesOf(8).readBigUInt64BE();
  }

  string(): Buffer {
    return this.bytesOf(this.uint32());
  }

  text(): string {
    return this.string().toString("utf8");
  }

  /** A non-negative number, without the leading zero byte. */
  mpint(): Buffer {
    const bytes = this.string();
    return bytes[0] === 0 ? bytes.subarray(1) : bytes;
  }
}

/** A field, preceded by its length. */
export function wireString(content: Buffer | string): Buffer {
  const bytes = Buffer.from(content);
  const length = Buffer.alloc(4);
  length.writeUInt32BE(bytes.length);
  return Buffer.concat([length, bytes]);
}
