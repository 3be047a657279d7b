/**
 * By which tags some documents of a generation are found.
 *
 * Nothing leads from a document to its tags: all of them have to be gone through, which takes long
 * where there are millions. So that is done before the live lock is taken, and under the lock only
 * is looked which of the tags are still there. None can be missed: live updates give a document no
 * tags but those that its text says, and take away those that it had.
 *
 * @module
 */
import type { Tag } from "../events/event.ts";
import type { DefinitionCode } from "../projections/definition_code.ts";
import {
  type FoundDocument,
  IrreparableError,
  type Look,
} from "../projections/mending.ts";

/** Tags gone through between two rests. */
const TAGS_A_PIECE = 1_000;

/** What was found before the lock was taken. */
export interface TagsFound {
  /** By key. */
  readonly tags: ReadonlyMap<string, readonly Tag[]>;
  /** The documents whose texts are not what was written, so that live updates change none of it. */
  readonly damaged: ReadonlySet<string>;
}

/** How to look. */
export interface FindTagsOptions {
  readonly look: Look;
  /** Which documents. */
  readonly keys: ReadonlySet<string>;
  /** Leaves others their share of the time; what it throws ends the work. */
  readonly rest: () => Promise<void>;
}

/**
 * Goes through all tags.
 *
 * @param options How to look.
 * @returns Those of the documents.
 * @throws {IrreparableError} If tags are not found by their index.
 */
export async function findTags(
  { look, keys, rest }: FindTagsOptions,
): Promise<TagsFound> {
  const tags = new Map<string, Tag[]>();
  let count = 0;
  for await (const { tag, key } of look.tags()) {
    if (++count % TAGS_A_PIECE === 0) await rest();
    if (!keys.has(key)) continue;
    const found = tags.get(key);
    if (found) found.push(tag);
    else tags.set(key, [tag]);
  }
  const damaged = new Set<string>();
  for (const key of keys) {
    if (look.find(key)?.isSound === false) damaged.add(key);
    if (++count % TAGS_A_PIECE === 0) await rest();
  }
  return { tags, damaged };
}

/** What is known of a document's tags. */
export interface TagsOfOptions {
  /** The generation, with the live lock held. */
  readonly look: Look;
  readonly key: string;
  /** The document as it is there. */
  readonly there: FoundDocument | undefined;
  /** The tags that it should have. */
  readonly wanted: readonly Tag[];
  readonly before: TagsFound;
  readonly code: DefinitionCode;
}

/**
 * The tags that a document is found by now.
 *
 * @param options What is known.
 * @returns The tags.
 * @throws {IrreparableError} If it was damaged since: what it said last is not known.
 */
export function tagsNow(
  { look, key, there, wanted, before, code }: TagsOfOptions,
): Tag[] {
  if (there && !there.isSound && !before.damaged.has(key)) {
    throw new IrreparableError("A document was damaged meanwhile");
  }
  const candidates = new Set([
    ...before.tags.get(key) ?? [],
    ...wanted,
    ...there?.isSound ? tagsIn(code, there) : [],
  ]);
  return [...candidates].filter((tag) => look.isTagged(tag, key));
}

/** The tags that a text says; none if the definition's code fails on it, as live updates would. */
function tagsIn(
  code: DefinitionCode,
  { key, text }: FoundDocument,
): readonly Tag[] {
  try {
    return code.tags(JSON.parse(text), key, undefined);
  } catch {
    return [];
  }
}
