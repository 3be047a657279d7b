/**
 * The sample, served as in the compose file with a data set, and what somebody might do with it.
 *
 * @module
 */
import { assert, assertEquals } from "@std/assert";
import { openOpossum, silentLogger } from "@opossum/deno";
import { seedStore } from "../../../examples/course_management/seeder.ts";
import { damageDocuments } from "../../rebuild/repair_fixture.ts";
import { ServerProcess } from "../../support/server_process.ts";
import { TempDir } from "../../support/temp_dir.ts";
import { composeArgs } from "./compose_command.ts";

const READ = "0123456789abcdefghijklmnopqrstuvwxyzREAD";
const OPERATE = "0123456789abcdefghijklmnopqrstuvwxyzOPERATE";

/** The sample as a process of its own, and a folder that the test may write to as well. */
export class CampusSession implements AsyncDisposable {
  /**
   * Seeds and serves.
   *
   * @param events How many there are at the beginning.
   * @param rebuildEventsMax How many a rebuild may read in a second.
   */
  static async start(
    { events, rebuildEventsMax }: {
      readonly events: number;
      readonly rebuildEventsMax: number;
    },
  ): Promise<CampusSession> {
    await using resources = new AsyncDisposableStack();
    const dir = resources.use(new TempDir());
    Deno.mkdirSync(dir.file("data"));
    const data = dir.file("data/store");
    {
      await using opossum = await openOpossum({
        path: data,
        startDaemon: false,
        logger: silentLogger,
      });
      await seedStore(opossum.events, { events });
    }
    const tokens = dir.file("tokens");
    Deno.writeTextFileSync(
      tokens,
      `prometheus read ${READ}\noperator operate ${OPERATE}\n`,
      { mode: 0o600 },
    );
    const server = resources.use(
      await ServerProcess.start(
        composeArgs({ data: dir.file("data"), tokens, rebuildEventsMax }),
      ),
    );
    return new CampusSession(server.url, data, resources.move());
  }

  readonly url: string;
  /** A token that may only look, as Prometheus has. */
  readonly readToken: string = READ;
  readonly #data: string;
  readonly #resources: AsyncDisposableStack;
  #students = 0;

  private constructor(
    url: string,
    data: string,
    resources: AsyncDisposableStack,
  ) {
    this.url = url;
    this.#data = data;
    this.#resources = resources;
  }

  /** Asks the admin API, as an operator. */
  async order(path: string, body?: unknown): Promise<unknown> {
    const response = await fetch(`${this.url}${path}`, {
      method: "POST",
      headers: {
        authorization: `Bearer ${OPERATE}`,
        prefer: "respond-async",
        ...body === undefined ? {} : { "content-type": "application/json" },
      },
      ...body === undefined ? {} : { body: JSON.stringify(body) },
    });
    const text = await response.text();
    assert(response.ok, `${path}: ${text}`);
    return text === "" ? undefined : JSON.parse(text);
  }

  /**
   * Several register with one email address at once: one gets it.
   *
   * @returns How many were told so.
   */
  async register(): Promise<number> {
    const email = `student${this.#students++}@example.com`;
    const statuses = await Promise.all(
      Array.from({ length: 4 }, () => this.#registerOnce(email)),
    );
    return statuses.filter((status) => status === 201).length;
  }

  async #registerOnce(email: string): Promise<number> {
    const response = await fetch(`${this.url}/students`, {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: JSON.stringify({ firstName: "Ada", lastName: "Byron", email }),
    });
    await response.body?.cancel();
    return response.status;
  }

  /** Appends an event that the projections of courses fail on, from another process. */
  async poison(): Promise<number> {
    await using opossum = await openOpossum({
      path: this.#data,
      startDaemon: false,
      logger: silentLogger,
    });
    const { last } = await opossum.events.append([
      { type: "CourseCreated", data: null },
    ]);
    return last;
  }

  /** Damages a document behind everybody's back. */
  damage(projection: string): void {
    const folder = `${this.#data}/projections/${projection}`;
    const generation = [...Deno.readDirSync(folder)]
      .map(({ name }) => name).filter((name) => /^\d+\.sqlite$/.test(name))
      .sort().at(-1);
    damageDocuments(`${folder}/${generation}`, [{ kind: "change", at: 0 }]);
  }

  /** What Prometheus would read. */
  async metrics(): Promise<string> {
    const response = await fetch(`${this.url}/metrics`, {
      headers: { authorization: `Bearer ${READ}` },
    });
    assertEquals(response.status, 200);
    return await response.text();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#resources.disposeAsync();
  }
}
