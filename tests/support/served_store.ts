/**
 * A store with a server over it, within the test.
 *
 * @module
 */
import {
  openOpossum,
  type Opossum,
  type OpossumOptions,
  silentLogger,
} from "@opossum/deno";
import { type AppOptions, createApp, serveApp } from "@opossum/deno/api";

/** A store that is served. Dispose it to stop the server and close the store. */
export interface ServedStore extends AsyncDisposable {
  readonly opossum: Opossum;
  readonly url: string;
}

/**
 * Opens a store and serves it on a free port.
 *
 * @param token The token that may do everything.
 * @param options Of the store.
 * @param settings Of the application, for the store.
 */
export async function serveStore(
  token: string,
  options: OpossumOptions,
  settings: (opossum: Opossum) => Partial<AppOptions> = () => ({}),
): Promise<ServedStore> {
  await using opening = new AsyncDisposableStack();
  const opossum = opening.use(
    await openOpossum({ logger: silentLogger, ...options }),
  );
  const auth = { tokens: [token] };
  const { url } = opening.use(
    serveApp({
      app: createApp({ opossum, auth, ...settings(opossum) }),
      auth,
      port: 0,
      logger: silentLogger,
    }),
  );
  const resources = opening.move();
  return {
    opossum,
    url,
    [Symbol.asyncDispose]: () => resources.disposeAsync(),
  };
}
