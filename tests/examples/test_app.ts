/**
 * The sample's routes over a real folder, without a server.
 *
 * @module
 */
import {
  openOpossum,
  type Opossum,
  type OpossumOptions,
  silentLogger,
} from "@opossum/deno";
import { createCourseApp } from "../../examples/course_management/app.ts";
import * as projections from "../../examples/course_management/projections.ts";
import { TempDir } from "../support/temp_dir.ts";

/** What a request was answered with. */
export interface Answer {
  readonly status: number;
  readonly headers: Headers;
  // deno-lint-ignore no-explicit-any -- whatever the JSON of the body holds
  readonly body: any;
}

/** The sample on a folder of its own. */
export class TestApp implements AsyncDisposable {
  /** Opens it, once its projections are built. */
  static async open(options: Partial<OpossumOptions> = {}): Promise<TestApp> {
    const dir = new TempDir();
    try {
      const opossum = await openOpossum({
        path: dir.file("data"),
        projections: Object.values(projections),
        logger: silentLogger,
        ...options,
      });
      await opossum.daemon.whenStarted();
      return new TestApp(dir, opossum);
    } catch (error) {
      dir[Symbol.dispose]();
      throw error;
    }
  }

  readonly #app;

  private constructor(readonly dir: TempDir, readonly opossum: Opossum) {
    this.#app = createCourseApp({ opossum });
  }

  /** Sends a request; a body makes it JSON. */
  async send(method: string, path: string, body?: unknown): Promise<Answer> {
    const response = await this.#app.request(path, {
      method,
      ...(body === undefined ? {} : {
        body: typeof body === "string" ? body : JSON.stringify(body),
        headers: { "content-type": "application/json" },
      }),
    });
    const { status, headers } = response;
    return { status, headers, body: await response.json() };
  }

  /** Closes it and deletes the folder. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.opossum[Symbol.asyncDispose]();
    this.dir[Symbol.dispose]();
  }
}
