/** Contenders from PyPI: Ansible, batched and written the usual way, and pyinfra. */
import { copyFileSync, mkdirSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { type HostJob, type Phase, variablesOf } from "../job";
import { ANSIBLE_VERSION, PYINFRA_VERSION, rivalsPython } from "../rivals/python";
import { type Contender, type ContenderRun, type Entry, environmentIn } from "./contender";
import { CONVERGE } from "./openssh";

const PROGRAMS = join(__dirname, "../programs");

/** Hosts that Ansible works on at the same time. On two cores 5, its default, to 50 take the same time within a tenth. */
const FORKS = 25;

/** Python of the hosts, which Ansible's modules run in. */
const HOST_PYTHON = "/usr/bin/python3";

async function prepare(): Promise<void> {
  await rivalsPython();
}

async function openAnsible(playbook: string, run: ContenderRun): Promise<Entry> {
  const { site, hosts, folder } = run;
  const python = await rivalsPython();
  const inventory = {
    all: {
      vars: {
        ansible_user: "root",
        ansible_python_interpreter: HOST_PYTHON,
        script: CONVERGE,
      },
      hosts: Object.fromEntries(
        hosts.map(({ name, job }) => [name, { job, variables: variablesOf(job) } satisfies AnsibleHost]),
      ),
    },
  };
  writeFileSync(join(folder, "inventory.json"), JSON.stringify(inventory));
  const masters = join(folder, "masters");
  writeFileSync(
    join(folder, "ansible.cfg"),
    `[defaults]
forks = ${FORKS}
local_tmp = ${folder}/tmp
[ssh_connection]
pipelining = True
ssh_args = -F ${site.sshConfig} -o ControlMaster=auto -o ControlPersist=60s
control_path_dir = ${masters}
`,
  );
  return {
    command(phase) {
      // a run some minutes later finds no master of this one
      rmSync(masters, { recursive: true, force: true });
      mkdirSync(masters);
      const mode = phase === "destroy" ? "destroy" : "apply";
      return {
        line: [
          ...([python, "-m", "ansible", "playbook", "-i", join(folder, "inventory.json")] as const),
          ...["-e", `mode=${mode}`, ...(phase === "preview" ? ["--check"] : []), join(PROGRAMS, playbook)],
        ],
        cwd: folder,
        env: { ...environmentIn(folder), ANSIBLE_CONFIG: join(folder, "ansible.cfg") },
      };
    },
  };
}

interface AnsibleHost {
  readonly job: HostJob;
  readonly variables: Readonly<Record<string, string>>;
}

async function openPyinfra(joined: "yes" | "no", run: ContenderRun): Promise<Entry> {
  const { site, hosts, folder } = run;
  const python = await rivalsPython();
  copyFileSync(join(PROGRAMS, "deploy.py"), join(folder, "deploy.py"));
  const list = hosts.map(({ name, port, job }) => [
    name,
    {
      job,
      ssh_hostname: "127.0.0.1",
      ssh_port: port,
      ssh_user: "root",
      ssh_key: site.privateKey,
      ssh_known_hosts_file: site.knownHosts,
      ssh_strict_host_key_checking: "yes",
    },
  ]);
  writeFileSync(join(folder, "hosts.json"), JSON.stringify(list));
  writeFileSync(
    join(folder, "inventory.py"),
    'import json\n\nhosts = [(name, data) for name, data in json.load(open("hosts.json"))]\n',
  );
  const options: Readonly<Record<Phase, readonly string[]>> = {
    apply: ["--yes"],
    noop: ["--yes"],
    preview: ["--dry"],
    drift: ["--yes"],
    destroy: ["--yes", "--data", "present=no"],
  };
  return {
    command: (phase) => ({
      line: [
        python,
        "-m",
        "pyinfra",
        ...options[phase],
        "--data",
        `joined=${joined}`,
        "inventory.py",
        "deploy.py",
      ],
      cwd: folder,
      env: environmentIn(folder),
    }),
  };
}

export const PYTHON: readonly Contender[] = [
  {
    id: "ansible-batched",
    title: "Ansible, one batched task",
    note:
      `ansible-core ${ANSIBLE_VERSION}, pipelining, ${FORKS} forks, no facts gathered, key exchange curve25519: ` +
      "the script of plain OpenSSH as one task",
    lacks: {},
    prepare,
    open: (run) => openAnsible("batched.yml", run),
  },
  {
    id: "ansible",
    title: "Ansible, one task per step",
    note: `ansible-core ${ANSIBLE_VERSION}, set up the same, written the usual way: tasks that read, and one task per change`,
    lacks: {},
    prepare,
    open: (run) => openAnsible("tasks.yml", run),
  },
  {
    id: "pyinfra-joined",
    title: "pyinfra, joined commands",
    note: `pyinfra ${PYINFRA_VERSION}: a fact that reads, an operation that compares, its commands joined to one per host`,
    lacks: {},
    prepare,
    open: (run) => openPyinfra("yes", run),
  },
  {
    id: "pyinfra",
    title: "pyinfra",
    note: "the same written the usual way: the operation yields its commands one by one",
    lacks: {},
    prepare,
    open: (run) => openPyinfra("no", run),
  },
];
