/**
 * `opossum projections repair`: mends single documents of a projection.
 *
 * @module
 */
import type { RebuiltKey, RebuiltKeys } from "../../rebuild/rebuilt_keys.ts";
import type { Administration } from "../administration.ts";
import { type Command, type CommandCall, UsageError } from "../command.ts";
import { EXIT_FAILURE, EXIT_OK } from "../exit_codes.ts";
import { openAdministration } from "../open_administration.ts";
import { startProgress } from "../progress.ts";

/** Documents that are listed: the rest is counted. */
const LISTED_MAX = 20;

const KEY_BYTES_MAX = 1_024;

/** The command. */
export const projectionsRepairCommand: Command = {
  name: "projections repair",
  operands: "NAME",
  operandCount: [1, 1],
  operandKind: "projection",
  summary: "Mend the documents that are missing or damaged.",
  details:
    `Looks at every document of the projection NAME and at every event, folds the
documents anew that are missing, damaged or foreign, while the projection serves, and
changes them in one transaction: at most 10,000. A projection that was marked as
damaged serves again, if nothing else is wrong with it. What is looked at is whether
a document is as it was written: one that was written wrong, by code that has changed
since or was not pure, is not found. "projections verify" finds it, and a rebuild mends
it.

With --key, only these documents are folded anew, whether they look right or not; on
a server one after the other, each on its own.

It says how far it is: which documents were looked at, how far the log was read, and how
many documents are folded anew; "projections show" tells the same of a server. When
the command is stopped, a server goes on; in a folder, nothing was changed. Asks on a
terminal, unless --yes is given.

The exit status is 0 also when nothing was to be mended, and 4 when the projection is
being rebuilt, or must be rebuilt as a whole: never built, stale, or more of it damaged
than documents.`,
  examples: [
    "projections repair CourseDetails --url http://127.0.0.1:8000",
    "projections repair CourseDetails --key course-17 --key course-18 --data ./data",
  ],
  options: ["key", "yes"],
  place: { works: "anywhere" },
  needsProjections: true,
  async run(call) {
    const { operands: [name = ""], options: { key: keys } } = call;
    for (const key of keys ?? []) checkKey(key);
    await using administration = await openAdministration(call);
    if (!await isWanted(administration, call)) {
      return { exitCode: EXIT_FAILURE, json: null, text: "Nothing was done" };
    }
    using progress = startProgress(call.io, "documents");
    const rebuilt = await administration.repair(name, keys, progress);
    return { exitCode: EXIT_OK, json: rebuilt, text: toText(rebuilt) };
  },
};

/** Whether to change what serves: asked where somebody is there to answer. */
async function isWanted(
  administration: Administration,
  { operands: [name = ""], options: { yes, key }, io }: CommandCall,
): Promise<boolean> {
  if (yes || !io.confirm) return true;
  const { generation } = await administration.projection(name);
  // Without documents it is refused: there is nothing to ask.
  if (generation === null) return true;
  const which = key === undefined
    ? `Documents of ${name} that are missing or damaged would be made anew ` +
      "from the log, and foreign ones removed"
    : `${new Set(key).size} of the documents of ${name} would be made anew ` +
      "from the log";
  return await io.confirm(`${which}. Go on?`);
}

/** As wrong calls are to be told from what does not work. */
function checkKey(key: string): void {
  const { length } = new TextEncoder().encode(key);
  if (length > 0 && length <= KEY_BYTES_MAX && key.isWellFormed()) return;
  throw new UsageError(
    `Option '--key' must have 1 to ${KEY_BYTES_MAX} bytes: it has ${length}`,
  );
}

function toText({ projectionName, checkpoint, keys }: RebuiltKeys): string {
  const mended = keys.filter(({ change }) => change !== "unchanged");
  const count = (change: RebuiltKey["change"]) =>
    keys.filter((each) => each.change === change).length;
  return [
    ...mended.slice(0, LISTED_MAX).map(({ key, change }) =>
      `${change} ${JSON.stringify(key)}`
    ),
    ...mended.length > LISTED_MAX
      ? [`and ${mended.length - LISTED_MAX} more: --json lists all`]
      : [],
    mended.length === 0
      ? `${projectionName}: nothing was to be mended, up to position ${checkpoint}`
      : `${projectionName}: ${count("added")} documents added, ` +
        `${count("removed")} removed, ${count("changed")} changed, ` +
        `${count("unchanged")} unchanged, up to position ${checkpoint}`,
  ].join("\n");
}
