// Writes a report as the comment on a pull request (GitHub) or the note on a merge request (GitLab), in place of the one
// that an earlier run wrote with the same account. `node comment.mjs report.md`, with the variables that the CI sets and
// a token.
import { readFileSync } from "node:fs";
import process from "node:process";

const { env } = process;
const body = readFileSync(process.argv[2] ?? "report.md", "utf8");
/** The report's first line, which no reader sees, names the stack. */
const [mark = ""] = body.split("\n");
// by any other line, or an empty one, somebody else's comment could be found
if (!mark.startsWith("<!-- pulumi-macvlan report "))
  throw new Error("this is no report of pulumi-macvlan in Markdown");

/** Where comments are, and how one is replaced. */
const place = env.GITHUB_ACTIONS
  ? {
      list: `${env.GITHUB_API_URL}/repos/${env.GITHUB_REPOSITORY}/issues/${env.PULL_REQUEST}/comments`,
      one: (id) => `${env.GITHUB_API_URL}/repos/${env.GITHUB_REPOSITORY}/issues/comments/${id}`,
      replace: "PATCH",
      headers: { Authorization: `Bearer ${env.GITHUB_TOKEN}` },
      // the token of a workflow may not read /user
      account: async () => {
        const url = env.GITHUB_GRAPHQL_URL ?? `${env.GITHUB_API_URL}/graphql`;
        const { data } = await call(url, {
          method: "POST",
          body: JSON.stringify({ query: "{ viewer { login } }" }),
        });
        return data.viewer.login;
      },
      author: ({ user }) => user?.login,
    }
  : {
      list: `${env.CI_API_V4_URL}/projects/${env.CI_PROJECT_ID}/merge_requests/${env.CI_MERGE_REQUEST_IID}/notes`,
      one: (id) => `${place.list}/${id}`,
      replace: "PUT",
      headers: { "PRIVATE-TOKEN": env.GITLAB_TOKEN },
      account: async () => (await call(`${env.CI_API_V4_URL}/user`)).username,
      author: ({ author }) => author?.username,
    };

/** Calls the API. Ends the job with the answer where it is no success. */
async function call(url, options = {}) {
  const headers = { ...place.headers, "Content-Type": "application/json" };
  const response = await globalThis.fetch(url, { ...options, headers });
  if (response.ok) return response.json();
  throw new Error(`${options.method ?? "GET"} ${url}: ${response.status} ${await response.text()}`);
}

/** The comment of an earlier run, if any. Anybody can begin a comment with the mark: only the own account's counts. */
async function findEarlier() {
  const account = withoutBot(await place.account());
  for (let page = 1; ; page++) {
    const comments = await call(`${place.list}?per_page=100&page=${page}`);
    const earlier = comments.find(
      (comment) => comment.body.startsWith(mark) && withoutBot(place.author(comment)) === account,
    );
    if (earlier !== undefined || comments.length < 100) return earlier;
  }
}

/** GitHub's interfaces disagree on whether an app's login ends with `[bot]`, which no person's can. */
function withoutBot(login) {
  return login?.replace(/\[bot\]$/, "");
}

const earlier = await findEarlier();
await (earlier === undefined
  ? call(place.list, { method: "POST", body: JSON.stringify({ body }) })
  : call(place.one(earlier.id), { method: place.replace, body: JSON.stringify({ body }) }));
