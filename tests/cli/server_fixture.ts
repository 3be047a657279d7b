/**
 * A server within the test, for the command line to ask over a real socket.
 *
 * @module
 */
import type { Opossum, OpossumOptions } from "@opossum/deno";
import { serveStore } from "../support/served_store.ts";
import { TempDir } from "../support/temp_dir.ts";
import {
  type CliRun,
  type CliRunOptions,
  modulePath,
  runCommand,
} from "./cli_fixture.ts";
import { hooks } from "./counting_projections.ts";

/** The token of the servers of the tests. */
export const TOKEN = "0123456789abcdefghijklmnopqrstuvwxyzABCDEF";

/** Two counting projections. */
export const COUNTING: string = modulePath("counting_projections.ts");

/** A store and a server over it. */
export class CliServer implements AsyncDisposable {
  /** Opens a store in a folder of its own, and serves it. */
  static async start(
    options: Partial<OpossumOptions> = {},
  ): Promise<CliServer> {
    const dir = new TempDir();
    const resources = new AsyncDisposableStack();
    resources.defer(() => {
      hooks.onApply = undefined;
      hooks.factor = undefined;
      dir[Symbol.dispose]();
    });
    const { opossum, url } = resources.use(
      await serveStore(TOKEN, {
        path: dir.file("data"),
        projections: COUNTING,
        enableAutoRebuild: false,
        ...options,
      }, () => ({ limits: { triggersPerMinute: 1_000 } })),
    );
    await opossum.daemon.whenStarted();
    return new CliServer(dir, opossum, url, resources);
  }

  readonly dir: TempDir;
  readonly opossum: Opossum;
  readonly url: string;
  readonly #resources: AsyncDisposableStack;

  private constructor(
    dir: TempDir,
    opossum: Opossum,
    url: string,
    resources: AsyncDisposableStack,
  ) {
    this.dir = dir;
    this.opossum = opossum;
    this.url = url;
    this.#resources = resources;
  }

  /** Runs a command against it. */
  async run(
    args: readonly string[],
    options: CliRunOptions = {},
  ): Promise<CliRun> {
    return await runCommand([...args, "--url", this.url], {
      env: { OPOSSUM_TOKEN: TOKEN },
      ...options,
    });
  }

  /** Runs a command against it that prints JSON, and succeeds or fails as said. */
  // deno-lint-ignore no-explicit-any -- what a program would see
  async json(...args: string[]): Promise<any> {
    return JSON.parse((await this.run([...args, "--json"])).stdout);
  }

  /** Runs a command in its folder, beside it. */
  async inFolder(args: readonly string[]): Promise<CliRun> {
    const data = this.dir.file("data");
    return await runCommand([
      ...args,
      "--data",
      data,
      "--projections",
      COUNTING,
    ]);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#resources.disposeAsync();
  }
}
