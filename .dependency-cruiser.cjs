/**
 * The layers of provider/ (docs/architecture.md), held by `npm run lint`: a folder imports only what stands below it, and
 * no files import each other in a circle, also by types alone.
 */

/** Each layer with the layers that it may import, beside itself. */
const LAYERS = {
  model: [],
  plan: ["model"],
  iproute2: ["model", "plan", "shell"],
  shell: ["model", "plan"],
  boot: ["model", "plan", "iproute2", "shell"],
  ssh: ["model", "shell"],
  kinds: ["model", "plan", "iproute2", "shell", "boot", "ssh"],
  host: ["model", "plan", "iproute2", "shell", "boot", "ssh", "kinds"],
  leases: ["model", "kinds"],
  program: ["model", "kinds", "ssh"],
  engine: ["model", "plan", "iproute2", "shell", "boot", "ssh", "kinds", "host", "leases", "program"],
  network: ["model", "kinds", "leases", "program"],
  inventory: ["model", "ssh"],
  // what adopt and import describe is the same
  native: ["model", "kinds", "host", "ssh", "program", "engine", "network", "cli/adopt"],
};

module.exports = {
  forbidden: [
    {
      name: "no-circles",
      comment: "files that import each other in a circle cannot be read one after the other",
      severity: "error",
      from: { path: "^provider/" },
      to: { circular: true },
    },
    ...Object.entries(LAYERS).map(([layer, below]) => ({
      name: `layer-${layer}`,
      comment: `provider/${layer} may import ${below.join(", ") || "nothing of ours"} only`,
      severity: "error",
      from: { path: `^provider/${layer}/` },
      to: { path: "^provider/", pathNot: `^provider/(${[layer, ...below].join("|")})/` },
    })),
  ],
  options: {
    tsPreCompilationDeps: true,
    tsConfig: { fileName: "tsconfig.json" },
    doNotFollow: { path: "node_modules" },
  },
};
