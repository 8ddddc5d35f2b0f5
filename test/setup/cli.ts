/** `npm run setup`: everything that programs and tests of this repository need; `--print-path` prints the engine's PATH. */
import { engineEnvironment } from "./engine";
import { ensureBuilt, linkSelf } from "./package";
import { say } from "./run";

async function main(): Promise<void> {
  linkSelf();
  await ensureBuilt();
  const { PATH = "" } = await engineEnvironment();
  if (process.argv.includes("--print-path")) process.stdout.write(`${PATH}\n`);
  else say("ready: npm run demo shows the main job, npm test tests it, npm run pulumi -- … calls the engine");
}

main().catch((error: unknown) => {
  say(error instanceof Error ? error.message : String(error));
  process.exitCode = 1;
});
