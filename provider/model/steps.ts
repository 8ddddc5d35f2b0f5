import type { Address, BootFile, LinkId, LinkRecord, Route, SettingKey, Settings } from "./host";
import type { OwnerMark } from "./owner";

/** The smallest change of a host that is applied, simulated, undone and shown. */
export type Step = AnyStep & {
  /** What of it is a secret of the program: see `secret-parts.ts`. */
  readonly secret?: readonly string[];
};

type AnyStep =
  | { readonly do: "addNetns"; readonly name: string; readonly mark: OwnerMark }
  | { readonly do: "deleteNetns"; readonly name: string }
  /** Writes whose a network namespace is: what a stack made before its state was lost, or under another name. */
  | { readonly do: "recordNetns"; readonly name: string; readonly mark: OwnerMark }
  | {
      readonly do: "addLink";
      readonly link: LinkId;
      readonly kind: string;
      readonly parent: string;
      /** Settings that are given with `ip link add`, so that the link never exists without them. */
      readonly settings: Settings;
      /** Its kernel defaults. */
      readonly defaults?: Settings;
    }
  | {
      readonly do: "deleteLink";
      readonly link: LinkId;
      /** Whatever else goes with it. Without it the host is held against what was seen to sit on it. */
      readonly force?: true;
      /** The group that the link is in, if the kernel can delete the links of a group at once. */
      readonly group?: string;
    }
  | { readonly do: "moveLink"; readonly link: LinkId; readonly netns: string }
  | { readonly do: "renameLink"; readonly link: LinkId; readonly name: string }
  | {
      readonly do: "set";
      readonly link: LinkId;
      readonly kind: string;
      readonly key: SettingKey;
      readonly value: string;
      /** The macvlan's mode at that time: its flags can only be set along with it. */
      readonly mode?: string;
      /** The bridge of a port: `brctl` needs both. */
      readonly bridge?: string;
      /** A map's previous entries, or previous VLANs: removed ones must be unset by name. */
      readonly was?: string;
    }
  | { readonly do: "up"; readonly link: LinkId }
  | { readonly do: "down"; readonly link: LinkId }
  | { readonly do: "addAddress"; readonly link: LinkId; readonly address: Address }
  | { readonly do: "deleteAddress"; readonly link: LinkId; readonly address: Address }
  | {
      readonly do: "addRoute";
      readonly link: LinkId;
      readonly route: Route;
      /** Replaces the same route through another link of this plan, without interruption. */
      readonly replace: boolean;
    }
  | { readonly do: "deleteRoute"; readonly link: LinkId; readonly route: Route }
  /** Tells the neighbours where the link's addresses are now (gratuitous ARP, unsolicited NA). */
  | { readonly do: "announce"; readonly link: LinkId; readonly macAddress: string }
  | { readonly do: "record"; readonly record: Omit<LinkRecord, "ifIndex"> }
  | { readonly do: "forget"; readonly link: LinkId }
  /** Removes and writes boot files, in this order, and tells the init system. */
  | {
      readonly do: "setBootFiles";
      readonly remove: readonly BootFile[];
      readonly write: readonly BootFile[];
    }
  /** Puts back what was there before `setBootFiles`, from the copies that it has kept on the host. */
  | {
      readonly do: "restoreBootFiles";
      readonly paths: readonly string[];
      readonly files: readonly BootFile[];
    };

/** A step with its undo, in order. */
export interface PlannedStep {
  readonly step: Step;
  readonly undo: readonly Step[];
}

/** Whether a script of these steps has a secret in it. */
export function hasSecret(steps: readonly PlannedStep[]): boolean {
  return steps.some(({ step, undo }) => [step, ...undo].some(({ secret }) => secret !== undefined));
}
