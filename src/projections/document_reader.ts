/**
 * The read side over a projection store.
 *
 * @module
 */
import type { EventStore } from "../events/event_store.ts";
import type { Position, Tag } from "../events/event.ts";
import type {
  ProjectionBuildInfo,
  ProjectionBuilds,
  ProjectionLastError,
} from "./build_info.ts";
import type { ProjectionDocument } from "./definition.ts";
import { ProjectionDamagedError, ProjectionNotBuiltError } from "./errors.ts";
import { isSameDefinition } from "./fingerprint.ts";
import type { LiveUpdater } from "./live_updater.ts";
import type { PageRequest, ProjectionStore } from "./projection_store.ts";
import type {
  DeadLetter,
  DocumentPage,
  PageOptions,
  ProjectionFault,
  ProjectionGeneration,
  ProjectionInfo,
  Projections,
  WaitOptions,
} from "./projections.ts";
import type { ProjectionRegistry } from "./registry.ts";

const PAGE_LIMIT_DEFAULT = 100;
const PAGE_LIMIT_MAX = 10_000;

/** What the read side is made of. */
export interface DocumentReaderOptions {
  /** Which projections there are. */
  readonly registry: ProjectionRegistry;
  /** Where their documents are. */
  readonly store: ProjectionStore;
  /** The log that they follow. */
  readonly events: EventStore;
  /** Knows which ones stand still, and why. */
  readonly live: LiveUpdater;
}

/** Reads documents of the generations that serve. */
export class DocumentReader implements Projections {
  readonly #options: DocumentReaderOptions;
  #builds: ProjectionBuilds | undefined;

  /** @param options What it is made of. */
  constructor(options: DocumentReaderOptions) {
    this.#options = options;
  }

  /** Tells of builds as well from now on: of those that it is lent. */
  followBuilds(builds: ProjectionBuilds): void {
    this.#builds = builds;
  }

  get names(): readonly string[] {
    return this.#options.registry.names;
  }

  async get<State = unknown>(
    name: string,
    key: string,
  ): Promise<State | undefined> {
    return (await this.getMany<State>(name, [key])).get(key);
  }

  async getMany<State = unknown>(
    name: string,
    keys: readonly string[],
  ): Promise<ReadonlyMap<string, State>> {
    const { registry, store } = this.#options;
    registry.get(name);
    if (keys.length > PAGE_LIMIT_MAX) {
      throw new RangeError(
        `Cannot read more than ${PAGE_LIMIT_MAX} documents at once: ${keys.length} keys were given`,
      );
    }
    const texts = await store.withCurrent(
      name,
      (generation) => generation.getMany(keys),
    );
    return new Map([...texts].map(([key, text]) => [key, JSON.parse(text)]));
  }

  list<State = unknown>(
    name: string,
    options: PageOptions = {},
  ): Promise<DocumentPage<State>> {
    return this.#page(name, undefined, options);
  }

  queryByTag<State = unknown>(
    name: string,
    tag: Tag,
    options: PageOptions = {},
  ): Promise<DocumentPage<State>> {
    return this.#page(name, tag, options);
  }

  async *documents<State = unknown>(
    name: string,
  ): AsyncGenerator<ProjectionDocument<State>> {
    const { registry, store } = this.#options;
    registry.get(name);
    for await (const { key, text } of store.snapshot(name)) {
      yield { key, state: JSON.parse(text) };
    }
  }

  async deadLetters(name: string): Promise<readonly DeadLetter[]> {
    const { registry, store } = this.#options;
    registry.get(name);
    return await store.withCurrent(
      name,
      (generation) => generation.deadLetters(),
    );
  }

  async generations(name: string): Promise<readonly ProjectionGeneration[]> {
    const { registry, store } = this.#options;
    registry.get(name);
    return await store.generations(name);
  }

  async info(name: string): Promise<ProjectionInfo> {
    const info = await this.#standing(name);
    const {
      build = null,
      repair = null,
      lastRepair = null,
      lastBuild = null,
      lastError = null,
    } = this.#builds?.of(name) ?? {};
    const { fault } = info;
    const isNewer = fault && !(lastError && lastError.at > fault.at);
    return Object.freeze({
      ...info,
      state: build && info.state === "absent" ? "building" : info.state,
      build,
      repair,
      lastRepair,
      lastBuild,
      lastError: isNewer ? toError(fault) : lastError,
    });
  }

  /** How it stands, without its builds. */
  async #standing(
    name: string,
  ): Promise<Omit<ProjectionInfo, keyof ProjectionBuildInfo>> {
    const { registry, store, events, live } = this.#options;
    const { version, errorPolicy = "stop" } = registry.get(name);
    const head = await events.head();
    const nothing = {
      name,
      generation: null,
      previousGeneration: null,
      rolledBackAt: null,
      version,
      builtVersion: null,
      fingerprint: live.identity(name).fingerprint,
      builtFingerprint: null,
      checkpoint: 0,
      lag: head,
      documents: 0,
      bytes: 0,
      builtAt: null,
      fault: null,
      owner: store.owner(name),
      errorPolicy,
      deadLetters: 0,
    };
    try {
      const { previous, rolledBack } = await store.numbers(name);
      // Against another definition it says nothing about this one.
      const isRolledBack = rolledBack !== null &&
        isSameDefinition(rolledBack, live.identity(name));
      return await store.withCurrent(name, async (generation) => {
        const { checkpoint, documents, bytes, builtAt, deadLetters } =
          await generation.status();
        const fault = live.fault(name);
        const state = live.isCurrent(generation.identity) && checkpoint <= head
          ? fault ? "faulted" : "ready"
          : "stale";
        return {
          ...nothing,
          state,
          generation: generation.number,
          previousGeneration: previous,
          rolledBackAt: isRolledBack ? rolledBack.at : null,
          builtVersion: generation.identity.version,
          builtFingerprint: generation.identity.fingerprint,
          checkpoint,
          lag: Math.max(head - checkpoint, 0),
          documents,
          bytes,
          builtAt,
          fault,
          deadLetters,
        };
      });
    } catch (error) {
      if (error instanceof ProjectionNotBuiltError) {
        return { ...nothing, state: "absent" };
      }
      if (error instanceof ProjectionDamagedError) {
        return { ...nothing, state: "damaged" };
      }
      throw error;
    }
  }

  async waitFor(position: Position, options: WaitOptions = {}): Promise<void> {
    const { registry, live } = this.#options;
    const names = registry.resolve(options.names ?? registry.names);
    const { signal } = options;
    await Promise.all(
      names.map((name) => live.waitFor(name, position, signal)),
    );
  }

  async #page<State>(
    name: string,
    tag: Tag | undefined,
    { after, limit = PAGE_LIMIT_DEFAULT, backwards = false }: PageOptions,
  ): Promise<DocumentPage<State>> {
    const { registry, store } = this.#options;
    registry.get(name);
    if (!Number.isSafeInteger(limit) || limit < 1 || limit > PAGE_LIMIT_MAX) {
      throw new RangeError(
        `Cannot list documents as 'limit' must be an integer from 1 to ${PAGE_LIMIT_MAX}: ` +
          `current value is ${limit}`,
      );
    }
    // One more than asked for tells whether there is a next page.
    const request: PageRequest = { after, limit: limit + 1, backwards, tag };
    const page = await store.withCurrent(
      name,
      (generation) => generation.page(request),
    );
    const documents = page.documents.slice(0, limit)
      .map(({ key, text }) => ({ key, state: JSON.parse(text) as State }));
    const hasNext = page.documents.length > limit;
    return {
      documents,
      next: hasNext ? documents.at(-1)?.key ?? null : null,
      checkpoint: page.checkpoint,
    };
  }
}

function toError(
  { message, position, eventType, at }: ProjectionFault,
): ProjectionLastError {
  return Object.freeze({ message, position, eventType, at });
}
