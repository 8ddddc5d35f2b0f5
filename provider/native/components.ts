/**
 * The process that makes components, with the server that the SDK has for that. The plugin starts it when the engine asks
 * for the first one, and passes the engine's calls on. It prints its port on stdout, and ends with the plugin.
 */
import * as provider from "@pulumi/pulumi/provider";
import { construct } from "./construct";

process.stdin.on("end", () => process.exit(0)).resume();
void provider.main({ construct }, process.argv.slice(2));
