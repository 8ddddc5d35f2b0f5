/**
 * Checks as scripts of a host, and what came of them. `checks.sh` runs them, all at once; `prove.sh` has a change depend on
 * them. Which program runs a check is chosen here, from those that the host has.
 */
import { hostOfTarget } from "../kinds/checks";
import { BEFORE_SECONDS, type CheckOutcome, type CheckPrograms, type HostCheck } from "../model/checks";
import { shellScript, shellText } from "../shell/library";
import { commandLine, sections } from "../shell/quote";

/** Connects out of a given link (SO_BINDTODEVICE, socket(7)), or by the routes if none is given. */
const PERL = `use Socket qw(:DEFAULT getaddrinfo);
my ($link, $host, $port) = @ARGV;
my ($error, @all) = getaddrinfo($host, $port, {socktype => SOCK_STREAM});
die "$host: $error\\n" if $error;
for (@all) {
  socket(my $s, $_->{family}, $_->{socktype}, $_->{protocol}) or next;
  if ($link ne "") { setsockopt($s, SOL_SOCKET, 25, "$link\\0") or die "$link: $!\\n"; }
  exit 0 if connect($s, $_->{addr});
  warn "connect: $!\\n";
}
exit 1;`;

const PYTHON = `import socket, sys
link, host, port = sys.argv[1:4]
error = None
for family, kind, proto, _, address in socket.getaddrinfo(host, port, 0, socket.SOCK_STREAM):
    try:
        s = socket.socket(family, kind, proto)
        if link:
            s.setsockopt(socket.SOL_SOCKET, 25, link.encode() + b"\\0")
        s.connect(address)
        sys.exit(0)
    except OSError as reason:
        error = reason
sys.exit(str(error))`;

/** How a check is run: the shell's function, and the program with its first arguments. */
interface Way {
  readonly run: string;
  readonly program: readonly string[];
}

/** The ways to run a check, the preferred one first; a program that the host has not is left out. */
function waysOf(check: HostCheck): readonly (readonly [needs: string, way: Way])[] {
  const isSix = hostOfTarget(check.probe, check.target).includes(":");
  const way = (needs: string, run: string, ...program: string[]): readonly [string, Way] => [
    needs,
    { run, program: program.length > 0 ? program : needs.split(" ") },
  ];
  switch (check.probe) {
    case "ping":
      return pings("pm_ping", isSix);
    case "arp":
      return isSix ? pings("pm_nd", true) : [way("arping", "pm_arp"), way("busybox arping", "pm_arp")];
    case "tcp": {
      const binding = [
        way("perl", "pm_tcp", "perl", "-e", PERL),
        way("python3", "pm_tcp", "python3", "-c", PYTHON),
      ];
      const routed = [
        way("bash", "pm_tcp", "bash", "-c", 'exec 3<> "/dev/tcp/$0/$1"'),
        way("nc -z", "pm_tcp"),
        way("busybox nc", "pm_tcp"),
        way("nc", "pm_tcp"),
      ];
      if (check.link === "") return [...routed, ...binding];
      // the route to a name is not known
      return isName(check) ? binding : [...binding, ...routed];
    }
    case "http": {
      const routed = [way("wget", "pm_http"), ...(check.isSecret ? [] : [way("busybox wget", "pm_http")])];
      return [way("curl", "pm_http"), ...(check.link !== "" && isName(check) ? [] : routed)];
    }
    case "dns": {
      const asks = [way("nslookup", "pm_dns"), way("busybox nslookup", "pm_dns"), way("host", "pm_dns")];
      return check.target.includes("@")
        ? [way("dig", "pm_dns"), ...asks]
        : [way("getent", "pm_dns", "getent", "hosts"), ...asks];
    }
    case "command":
      return [["", { run: "pm_command", program: [] }]];
  }

  function pings(run: string, six: boolean): readonly (readonly [string, Way])[] {
    return six
      ? [way("ping6", run), way("ping", run, "ping", "-6"), way("busybox ping6", run)]
      : [way("ping", run), way("busybox ping", run)];
  }
}

/** Whether the host in a target is a name, which has to be looked up first. */
function isName({ probe, target }: HostCheck): boolean {
  const host = hostOfTarget(probe, target);
  return !host.includes(":") && !/^[0-9.]+$/.test(host);
}

/** What to install for each kind of check, by the names of Debian's packages. */
const PACKAGES: Readonly<Record<HostCheck["probe"], string>> = {
  ping: "ping (Debian package iputils-ping)",
  arp: "arping of iputils or busybox (Debian package iputils-arping)",
  tcp: "bash, nc, perl or python3 (Debian package netcat-openbsd)",
  http: "curl or wget (Debian package curl)",
  dns: "dig, nslookup or host (Debian package bind9-dnsutils)",
  command: "",
};

/** Why the host cannot run a check; undefined if it can. Completes a sentence that begins with the property. */
export function whyNotRunnable(check: HostCheck, programs: CheckPrograms): string | undefined {
  if (wayFor(check, programs)) return undefined;
  const isBound = check.link !== "" && isName(check);
  const name = hostOfTarget(check.probe, check.target);
  switch (check.probe) {
    case "tcp":
      if (!isBound) break;
      return `needs perl or python3 on the host, which connect to the name ${name} out of a given link; install one of them, or give an address`;
    case "http":
      if (isBound || check.isSecret)
        return "needs curl on the host, which has none (Debian package curl); install it";
      break;
    case "arp":
      if (!name.includes(":")) break;
      return "needs ping on the host for neighbour discovery, which has none (Debian package iputils-ping); install it";
    default:
  }
  return `needs ${PACKAGES[check.probe]} on the host, which has none; install it`;
}

function wayFor(check: HostCheck, programs: CheckPrograms): Way | undefined {
  return waysOf(check).find(([needs]) => needs === "" || programs.includes(needs))?.[1];
}

/** The call of a check in the shell. */
function callOf(check: HostCheck, programs: CheckPrograms): string {
  const { probe, target, netns, link } = check;
  const way = wayFor(check, programs);
  // it was refused before; the host has lost its program since
  if (!way) return commandLine(["echo", whyNotRunnable(check, programs) ?? ""]) + " && false";
  const start = [way.run, netns, link];
  const host = hostOfTarget(probe, target);
  switch (probe) {
    case "ping":
    case "arp":
      return commandLine([...start, host, ...way.program]);
    case "tcp":
      return commandLine([...start, host, target.slice(target.lastIndexOf(":") + 1), ...way.program]);
    case "http":
      return commandLine([...start, isName(check) ? "" : host, target, ...way.program]);
    case "dns":
      return commandLine([...start, host, target.split("@")[0] ?? "", ...way.program]);
    case "command":
      return commandLine([...start, target]);
  }
}

/** Checks of one script, with the programs of its host. */
export interface ScriptChecks {
  readonly checks: readonly HostCheck[];
  readonly programs: CheckPrograms;
}

const numbersOf = (checks: readonly HostCheck[], has: (check: HostCheck) => boolean = () => true): string =>
  checks.flatMap((check, i) => (has(check) ? [String(i + 1)] : [])).join(" ");

/** Defines `pm_check_all` for these checks. */
function definitions({ checks, programs }: ScriptChecks): string {
  const lines = checks.map((check, i) => {
    const number = i + 1;
    const own = `pm_check ${number} ${Math.round(check.within * 100)} pm_call_${number}`;
    return isTriedBefore(check)
      ? `${number}) if [ -n "$2" ]; then pm_check ${number} "$2" pm_was_${number}; else ${own}; fi ;;`
      : `${number}) ${own} ;;`;
  });
  const calls = checks.flatMap((check, i) => [
    `pm_call_${i + 1}() { ${callOf(check, programs)}; }`,
    // the link may have been at another place
    ...(isTriedBefore(check)
      ? [`pm_was_${i + 1}() { ${callOf({ ...check, ...check.before }, programs)}; }`]
      : []),
  ]);
  return `${shellText("checks")}${calls.join("\n")}\npm_check_at() {\ncase $1 in\n${lines.join("\n")}\nesac\n}\n`;
}

/** The parts of a change's script that make it depend on its checks. */
export interface Proving {
  /** Variables that the parts need. */
  readonly variables: Readonly<Record<string, string>>;
  readonly functions: string;
  /** Before anything is touched. */
  readonly before: string;
  /** After the last step, and before the change is final. */
  readonly prove: string;
  /** At the very end. */
  readonly tell: string;
}

/** Undefined without checks. */
export function provingOf(all: ScriptChecks): Proving | undefined {
  const { checks } = all;
  if (checks.length === 0) return undefined;
  const before = numbersOf(checks, isTriedBefore);
  return {
    variables: {
      PM_CHECKS: numbersOf(checks),
      PM_REQUIRED: numbersOf(checks, ({ required }) => required),
      PM_BEFORE: String(BEFORE_SECONDS * 100),
    },
    functions: definitions(all) + shellText("prove"),
    before: before === "" ? "" : `pm_before ${before}\n`,
    prove: "pm_prove\n",
    tell: 'echo "$M checks"\npm_tell\n',
  };
}

/** Whether it is tried before a change: only then it can have failed before. */
function isTriedBefore({ before, required }: HostCheck): boolean {
  return before !== undefined && !required;
}

/** The most seconds that the checks add to a script. */
export function secondsOf(checks: readonly HostCheck[]): number {
  if (checks.length === 0) return 0;
  const before = checks.some(isTriedBefore) ? BEFORE_SECONDS + 2 : 0;
  return before + Math.ceil(Math.max(...checks.map(({ within }) => within))) + 3;
}

/** The script that only runs checks. It changes nothing, and needs no lock. */
export function checksScript(all: ScriptChecks, marker: string): string {
  return shellScript(
    { M: marker },
    definitions(all),
    `echo "$M checks"\npm_check_all '' ${numbersOf(all.checks)}\n`,
  );
}

/** What the script printed of the checks; undefined if it did not get that far. */
export function parseOutcomes(
  output: string,
  marker: string,
  checks: readonly HostCheck[],
): CheckOutcome[] | undefined {
  const section = sections(output, marker).find((s) => s.name === "checks");
  return section && outcomesIn(section.text, checks);
}

/** The outcomes in lines of `pm_tell`. A check without a line has not passed: what ran it was killed. */
export function outcomesIn(text: string, checks: readonly HostCheck[]): CheckOutcome[] {
  const lines = text.split("\n").map((line) => line.trim().split(" "));
  return checks.map((check, i): CheckOutcome => {
    const own = lines.filter(([number]) => number === String(i + 1));
    const failedBefore = own.some(([, word]) => word === "before");
    const [, word, tries = "0", ms = "0", code = "", ...rest] =
      own.find(([, status]) => status === "passed" || status === "failed") ?? [];
    const answer = rest.join(" ");
    const said = answer === "" && code !== "" && code !== "0" ? `exit code ${code}` : answer;
    const passed = word === "passed";
    return {
      check,
      passed,
      tries: Number(tries),
      ...(passed ? { ms: roundTrip(check, answer) ?? Number(ms) } : {}),
      answer: said,
      failedBefore,
    };
  });
}

/** Milliseconds as the program itself measured them. */
function roundTrip({ probe }: HostCheck, answer: string): number | undefined {
  if (probe === "ping" || probe === "arp") {
    const [, ms] = /(?:time[=<]| )([0-9]+(?:\.[0-9]+)?) ?ms/.exec(answer) ?? [];
    return ms === undefined ? undefined : Number(ms);
  }
  const [, seconds] = (probe === "http" && / in ([0-9]+[.,][0-9]+) s/.exec(answer)) || [];
  return seconds === undefined ? undefined : Math.round(Number(seconds.replace(",", ".")) * 1e6) / 1000;
}

/** Finds the programs of a host. */
export function programsScript(marker: string): string {
  return shellScript({ M: marker }, 'echo "$M programs"\n', shellText("check-programs"));
}

/** @throws Error if the output is incomplete */
export function parsePrograms(output: string, marker: string): CheckPrograms {
  const all = sections(output, marker);
  if (!all.some(({ name }) => name === "end")) throw new Error("the output of the script is incomplete");
  const text = all.find(({ name }) => name === "programs")?.text ?? "";
  return text
    .split("\n")
    .map((line) => line.trim())
    .filter((line) => line !== "");
}

/** The checks of a secret, whose text is in no trace. */
export function holdsSecret(checks: readonly HostCheck[]): boolean {
  return checks.some(({ isSecret }) => isSecret);
}
