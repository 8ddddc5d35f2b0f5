/** What this program has written on a host about links. It is read back, and so it is checked like all that a host says. Pure. */
import { z } from "zod";
import type { LinkRecord } from "../model/host";
import { parseMark } from "../model/owner";

const address = z.strictObject({
  cidr: z.string(),
  broadcast: z.string().optional(),
  dadFailed: z.boolean().optional(),
});

const route = z.strictObject({
  to: z.string(),
  via: z.string().optional(),
  source: z.string().optional(),
  metric: z.number().optional(),
  protocol: z.string().optional(),
  selector: z.string().optional(),
  foreign: z.string().optional(),
});

/** How a link was before a resource took it. Deleting the resource makes commands of it. */
const restorePoint = z.strictObject({
  name: z.string(),
  netns: z.string(),
  exists: z.literal(true),
  settings: z.array(z.strictObject({ key: z.string(), value: z.string(), property: z.string() })),
  up: z.boolean().optional(),
  addresses: z.array(address).optional(),
  routes: z.array(route).optional(),
});

const record = z.object({
  name: z.string(),
  netns: z.string(),
  resource: z.string().default(""),
  made: z.boolean().default(false),
  restore: z.array(restorePoint).default([]),
});

/** The record of the link with that index, in a list; empty if the value is none: then the link counts as another program's. */
export function parseRecord(ifIndex: number, value: unknown): LinkRecord[] {
  const { data } = record.safeParse(value);
  const mark = parseMark(value);
  if (data === undefined || mark === undefined) return [];
  // as it was written: what is compared is the text
  const { restore } = value as Partial<LinkRecord>;
  const { name, netns, resource, made } = data;
  return [{ name, netns, ifIndex, ...mark, resource, made, restore: restore ?? [] }];
}
