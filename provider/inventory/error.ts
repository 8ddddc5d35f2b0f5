import * as pulumi from "@pulumi/pulumi";
import { forLog } from "../model/outside-text";

/** An error that the CLI prints without a stack. Names of a file are in it, which may come from elsewhere. */
export function inventoryError(text: string): pulumi.RunError {
  return new pulumi.RunError(forLog(text));
}
