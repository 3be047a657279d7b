/**
 * Comparing single documents of a generation with what was folded aside.
 *
 * @module
 */
import { DefinitionCode } from "../projections/definition_code.ts";
import type { ProjectionDefinition } from "../projections/definition.ts";
import type { Mending, MendingChanges } from "../projections/mending.ts";
import type {
  DocumentChange,
  Generation,
} from "../projections/projection_store.ts";
import type { DeadLetter } from "../projections/projections.ts";
import { Yielder } from "../storage/yielder.ts";
import { type TagsFound, tagsNow } from "./key_tags.ts";
import type { RebuiltKey } from "./rebuilt_keys.ts";

/** What was found. */
export interface KeyComparison {
  /** Each document, in order of key. */
  readonly keys: readonly RebuiltKey[];
  /** What to change. */
  readonly changes: Omit<MendingChanges, "isSound">;
  /** Whether anything is to be changed. */
  readonly isDifferent: boolean;
}

/** What to compare. */
export interface KeyComparisonOptions {
  readonly definition: ProjectionDefinition;
  /** The generation. The live lock is held. */
  readonly mending: Mending;
  /** What was folded, up to the same checkpoint. */
  readonly folded: Generation;
  readonly keys: ReadonlySet<string>;
  /** By which tags the documents were found before the lock was taken. */
  readonly before: TagsFound;
  /** Stops it by throwing its reason. */
  readonly signal: AbortSignal;
}

/**
 * Compares documents, their tags and their dead letters.
 *
 * @param options What to compare.
 * @returns What was found.
 */
export async function compareKeys(
  { definition, mending, folded, keys, before, signal }: KeyComparisonOptions,
): Promise<KeyComparison> {
  using look = mending.look();
  const code = new DefinitionCode(definition, {
    attempts: 1,
    watch: undefined,
  });
  // One by one: a document may be large, and there may be many.
  const textOf = async (key: string) =>
    (await folded.getMany([key])).get(key) ?? null;
  const changes = async function* (): AsyncGenerator<DocumentChange> {
    for (const each of differing) {
      yield { ...each, text: await textOf(each.key) };
    }
  };
  const letters = lettersOf(await folded.deadLetters(), keys);
  const lettersBefore = lettersOf(mending.deadLetters(), keys);
  const differing: Omit<DocumentChange, "text">[] = [];
  const compared: RebuiltKey[] = [];
  const yielder = new Yielder();
  for (const key of [...keys].sort()) {
    await yielder.yieldIfDue();
    signal.throwIfAborted();
    const text = await textOf(key);
    const tags = text === null
      ? []
      : code.tags(JSON.parse(text), key, undefined);
    const there = look.find(key);
    const tagsBefore = tagsNow({
      look,
      key,
      there,
      wanted: tags,
      before,
      code,
    });
    const tagsAdded = tags.filter((tag) => !tagsBefore.includes(tag));
    const tagsRemoved = tagsBefore.filter((tag) => !tags.includes(tag));
    const isSame = there === undefined
      ? text === null
      : there.isSound && there.text === text;
    const isTaggedAlike = tagsAdded.length + tagsRemoved.length === 0;
    const isPassedOverAlike = letters.of(key) === lettersBefore.of(key);
    if (!isSame || !isTaggedAlike) {
      differing.push({ key, tagsAdded, tagsRemoved });
    }
    const change = there === undefined && text !== null
      ? "added"
      : there !== undefined && text === null
      ? "removed"
      : isSame && isTaggedAlike && isPassedOverAlike
      ? "unchanged"
      : "changed";
    compared.push(Object.freeze({ key, change }));
  }
  return {
    keys: compared,
    changes: {
      documents: changes(),
      deadLetters: letters.all,
      keys: [...keys],
    },
    isDifferent: compared.some(({ change }) => change !== "unchanged"),
  };
}

/** Dead letters by key, and those of the whole projection. */
function lettersOf(letters: readonly DeadLetter[], keys: ReadonlySet<string>) {
  const all = letters.filter(({ key }) => key === null || keys.has(key));
  const byKey = Map.groupBy(all, ({ key }) => key);
  return {
    all,
    of: (key: string) =>
      (byKey.get(key) ?? []).map(({ position }) => position).join(),
  };
}
