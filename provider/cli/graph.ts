import { Command } from "commander";
export function graphCommand(): Command {
  return new Command("graph");
}
