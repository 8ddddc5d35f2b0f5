/** The programs of docs/languages.md, word for word, on a host of the lab. */
import assert from "node:assert/strict";
import { mkdirSync, writeFileSync } from "node:fs";
import { delimiter, join } from "node:path";
import { type Language, generateSdk, pythonEnvironment, withLanguageHost } from "../setup/languages";
import { engineVersion } from "../setup/go-build";
import { runStep } from "../setup/run";
import { blocksOf } from "../unit/docs/pages";
import { isSample } from "../support/extent";
import { NATIVE } from "./doors";
import { type Project, useProject } from "./project";

const HOST = "node2";

/** The project around a program, apart from what `Pulumi.yaml` says of its language. */
interface Surroundings {
  readonly file: string;
  /** Prepares the folder. @returns the runtime */
  prepare(project: Project): Promise<string>;
}

const LANGUAGES: Readonly<Record<Exclude<Language, "yaml">, Surroundings>> = {
  python: {
    file: "__main__.py",
    async prepare({ folder, environment }) {
      const venv = await pythonEnvironment();
      const sdk = await generateSdk("python", join(folder, "sdk"));
      const site = join(folder, "site");
      await runStep({
        doing: "installing the SDK",
        command: join(venv, "bin/python"),
        arguments: ["-m", "pip", "install", "-q", "--no-deps", "--no-build-isolation", "--target", site, sdk],
      });
      // as in an activated environment: the host that Go modules give does not read the option virtualenv
      environment["PATH"] = [join(venv, "bin"), environment["PATH"]].join(delimiter);
      environment["PYTHONPATH"] = site;
      return "runtime: python\n";
    },
  },
  go: {
    file: "main.go",
    async prepare({ folder, environment }) {
      const sdk = await generateSdk("go", join(folder, "sdk"));
      const [module, version] = ["example.com/pulumi-macvlan/sdk/go/macvlan", `v${engineVersion}`];
      const need = `go 1.25\n\nrequire github.com/pulumi/pulumi/sdk/v3 ${version}\n`;
      writeFileSync(join(sdk, "macvlan/go.mod"), `module ${module}\n\n${need}`);
      writeFileSync(
        join(folder, "go.mod"),
        `module fleet\n\n${need}\nrequire ${module} v0.0.0\n\nreplace ${module} => ./sdk/go/macvlan\n`,
      );
      // the engine's home is the project's folder, and what go has downloaded and compiled is to be used again
      const { GOMODCACHE, GOCACHE } = JSON.parse(
        await runStep({
          doing: "go env",
          command: "go",
          arguments: ["env", "-json", "GOMODCACHE", "GOCACHE"],
        }),
      ) as Record<string, string>;
      Object.assign(environment, { GOMODCACHE, GOCACHE, GOFLAGS: "-mod=mod", CGO_ENABLED: "0" });
      return "runtime: go\n";
    },
  },
};

describe("a first program in another language", function () {
  this.timeout(900_000);
  const on = useProject("languages", undefined, (lab) => NATIVE.open(lab));

  // what they need takes many minutes on a fresh machine; YAML is in the other tests of the native provider
  for (const [language, surroundings] of isSample ? [] : Object.entries(LANGUAGES)) {
    it(`creates a link, leaves it unchanged, and removes it: ${language}`, async () => {
      const { project } = on;
      const [block, ...parts] = blocksOf("docs/languages.md").filter((b) => b.language === language);
      assert.ok(block, language);
      const write = (...texts: readonly string[]): void =>
        writeFileSync(
          join(project.folder, surroundings.file),
          texts.join("\n").replaceAll("ops@node1.example", HOST),
        );
      mkdirSync(project.folder, { recursive: true });
      write(block.text);
      const runtime = await surroundings.prepare(project);
      writeFileSync(join(project.folder, "Pulumi.yaml"), `name: fleet\n${runtime}`);
      const { PATH = "" } = project.environment;
      project.environment["PATH"] = await withLanguageHost(language as Language, PATH);
      const up = await project.cli(["up", "--yes"], 600);
      assert.equal(up.code, 0, up.output);
      const { macAddress } = await project.outputs();
      const link = await on.lab.sh(HOST, "ip -br addr show web0");
      assert.match(link, /192\.0\.2\.10\/24/);
      assert.match(await on.lab.sh(HOST, "ip -br link show web0"), new RegExp(String(macAddress)));
      await project.expectNoChanges();
      // what the page adds to the first program
      if (parts.length > 0) {
        write(block.text, ...parts.map(({ text }) => text));
        assert.deepEqual(
          Object.keys(await project.steps())
            .filter((name) => name.startsWith("lan"))
            .toSorted(),
          ["lan", "lan/addresses", "lan/two/shim0", "lan/two/vm", "lan/two/web"],
        );
      }
      await project.destroy();
      assert.doesNotMatch(await on.lab.sh(HOST, "ip -br link"), /web0/);
    });
  }
});
