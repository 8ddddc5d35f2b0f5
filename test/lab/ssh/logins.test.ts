/** Logins that greet, whose shell is another one or none, and whose environment is not what one is used to. */
import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { join } from "node:path";
import { observeScript, parseObservation } from "../../../provider/host/observe";
import type { Observation } from "../../../provider/model/observation";
import type { Connection } from "../../../provider/ssh/connection";
import { LOGINS, PASSWORD, failure, useSshd } from "./client";

async function observe(connection: Connection): Promise<Observation> {
  const { stdout } = await connection.run(observeScript("@login"));
  return parseObservation(stdout, "@login");
}

describe("ssh: logins", () => {
  const on = useSshd();

  it("hides the output of start-up files, and works with any login shell", async () => {
    for (const user of ["noisy", "csh", "fish", "rbash"]) {
      for (const become of ["none", "sudo"] as const) {
        const connection = await on.connect(on.at(user, { become }), on.withKey());
        const { stdout, stderr } = await connection.run("main() { echo '$x !'; id -u >&2; }\nmain\n");
        assert.equal(stdout, "$x !\n");
        assert.match(stderr, become === "sudo" ? /^0\n$/ : /^40\d\d\n$/);
      }
    }
  });

  it("reports a login shell that runs nothing", async () => {
    for (const [user, said] of [
      ["locked", /account is currently not available/],
      ["falsy", /printed nothing/],
    ] as const) {
      for (const become of ["none", "sudo"] as const) {
        const connection = await on.connect(on.at(user, { become }), on.withKey());
        const error = await failure(connection.run("echo hi\n"));
        assert.match(error.message, said);
        if (user === "locked" || become === "none") assert.equal(error.kind, "shell");
      }
    }
  });

  it("ignores banners, messages of the day and what a system-wide profile prints", async () => {
    const banner = on.file("banner", "*** Authorised use only: all is logged ***\\n".repeat(200));
    const chatty = await on.server({
      logins: LOGINS,
      config: [`Banner ${banner}`, "PrintMotd yes", "PrintLastLog yes"],
      etc: { motd: "a message of the day\n", "bash.bashrc": "echo from bash.bashrc\n" },
    });
    const known = { MACVLAN_HOST_KEY_CHECKING: "off" };
    for (const user of ["root", "noisy"]) {
      const connection = await on.connect(on.at(user, {}, chatty), on.withKey(known));
      assert.equal((await connection.run("echo only this\n")).stdout, "only this\n");
      assert.equal((await observe(connection)).facts.root, true);
    }
  });

  it("reads a host in another locale, and recognises a wrong password there", async () => {
    const locales = join(on.dir, "locales");
    execFileSync("mkdir", [locales]);
    execFileSync("localedef", ["-i", "de_DE", "-f", "UTF-8", join(locales, "de_DE.UTF-8")]);
    const german = await on.server({
      logins: LOGINS,
      config: ["SetEnv LC_ALL=de_DE.UTF-8 LANGUAGE=de"],
      binds: { "/usr/lib/locale": locales },
    });
    const off = { MACVLAN_HOST_KEY_CHECKING: "off" };
    const plain = await on.connect(on.at("ops", { become: "none" }, german), on.withKey(off));
    assert.match((await plain.run("locale\n")).stdout, /^LC_TIME="?de_DE\.UTF-8"?$/m);
    for (const user of ["root", "ops"]) {
      const connection = await on.connect(on.at(user, {}, german), on.withKey(off));
      const now = await observe(connection);
      assert.equal(now.facts.root, true);
      assert.ok(now.state.links.some((l) => l.name === "lo"));
    }
    const wrong = { ...off, MACVLAN_BECOME_PASSWORD: "no-good" };
    const asked = await on.connect(on.at("asked", {}, german), on.withKey(wrong));
    const error = await failure(asked.run("id\n"));
    assert.match(error.message, /MACVLAN_BECOME_PASSWORD\) is not the right one/);
    const right = await on.connect(
      on.at("asked", {}, german),
      on.withKey({ ...off, MACVLAN_BECOME_PASSWORD: PASSWORD }),
    );
    assert.equal((await right.run("id -u\n")).stdout, "0\n");
  });

  it("finds the programs of sbin if PATH does not include it", async () => {
    const off = { MACVLAN_HOST_KEY_CHECKING: "off" };
    for (const path of ["/usr/bin:/bin", "/bin", "/nonexistent:/usr/bin"]) {
      const bare = await on.server({ logins: LOGINS, config: [`SetEnv PATH=${path}`] });
      const { facts } = await observe(await on.connect(on.at("root", {}, bare), on.withKey(off)));
      assert.notEqual(facts.iproute2, undefined, path);
      // it is nowhere but in sbin
      assert.equal(facts.portTool, "bridge", path);
    }
  });
});
