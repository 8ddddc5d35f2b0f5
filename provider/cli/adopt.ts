import { Command } from "commander";
export function adoptCommand(): Command {
  return new Command("adopt");
}
