/** Hairpin on one port of a bridge that is there already. All else of the bridge stays whose it is. */
import * as pulumi from "@pulumi/pulumi";
import { HairpinBridge } from "pulumi-macvlan";

const config = new pulumi.Config();

const bridge = new HairpinBridge("hairpin", {
  host: config.require("host"),
  name: config.require("bridge"),
  adopt: true,
  ports: [config.require("port")],
});

/** The port as the host has it, and what set it: `bridge`, `ip`, `brctl` or `sysfs`. */
export const ports = bridge.ports;
export const portTool = bridge.portTool;
