/**
 * Stores to measure: seeded into a temporary folder, or a copy beside a store that is there, which
 * is left as it is. Deleted when disposed, and when the bench is interrupted.
 *
 * @module
 */
import { basename, dirname, join } from "node:path";
import { runOpossum, runProgram } from "./child.ts";
import { onInterrupt } from "./interrupt.ts";
import { note } from "./report.ts";

/** The data set of all benches. */
const SEED = 7;

/** Which store to measure. */
export interface BenchStoreOptions {
  /** A data folder to copy. @default {none: one is seeded} */
  readonly store?: string | undefined;
  /** How many events to seed. */
  readonly events: number;
}

/** A folder that is deleted, with all in it, when disposed. */
export class BenchFolder implements Disposable {
  /** Its absolute path. */
  readonly path: string;
  readonly #interruption: Disposable;

  /** @param parent The folder to make it in. @default {the one for temporary files} */
  constructor(parent?: string) {
    this.path = Deno.makeTempDirSync({
      prefix: "opossum_bench_",
      ...(parent === undefined ? {} : { dir: parent }),
    });
    this.#interruption = onInterrupt(() => this.#delete());
  }

  /** Deletes it. */
  [Symbol.dispose](): void {
    this.#delete();
    this.#interruption[Symbol.dispose]();
  }

  #delete(): void {
    Deno.removeSync(this.path, { recursive: true });
  }
}

/** A store to measure. */
export interface BenchStore extends Disposable {
  /** The data folder. No projection of it is built. */
  readonly path: string;
  /** How many events it holds. */
  readonly events: number;
}

/**
 * Makes a store to measure.
 *
 * @param options Which one.
 * @returns The store.
 */
export async function makeBenchStore(
  options: BenchStoreOptions,
): Promise<BenchStore> {
  const { store } = options;
  using resources = new DisposableStack();
  // Beside the store it copies: links do not reach into other file systems.
  const { path } = resources.use(
    new BenchFolder(store === undefined ? undefined : dirname(store)),
  );
  if (store === undefined) note(`Seeding ${options.events} events: ${path}`);
  else {
    note(`Copying ${basename(store)}: ${path}`);
    copyLog(store, path);
  }
  if (store === undefined) await seed(path, options.events);
  // Opening a copy makes its index, which is then not part of what is measured.
  const { head } = await runOpossum<{ head: number }>("status", path);
  const owned = resources.move();
  return { path, events: head, [Symbol.dispose]: () => owned.dispose() };
}

async function seed(path: string, events: number): Promise<void> {
  await runProgram("examples/course_management/seed.ts", [
    ...["--data", path],
    ...["--events", String(events)],
    ...["--seed", String(SEED)],
  ]);
}

/**
 * Copies the log of a store. Sealed segments never change, so they are linked; the last one, to
 * which appends would go, is copied.
 */
function copyLog(store: string, target: string): void {
  Deno.copyFileSync(join(store, "store.json"), join(target, "store.json"));
  const names = [...Deno.readDirSync(join(store, "events"))]
    .map(({ name }) => name).sort();
  Deno.mkdirSync(join(target, "events"));
  for (const [index, name] of names.entries()) {
    const from = join(store, "events", name);
    const to = join(target, "events", name);
    if (index === names.length - 1) Deno.copyFileSync(from, to);
    else linkOrCopy(from, to);
  }
}

function linkOrCopy(from: string, to: string): void {
  try {
    Deno.linkSync(from, to);
  } catch {
    // Not every file system has links.
    Deno.copyFileSync(from, to);
  }
}
