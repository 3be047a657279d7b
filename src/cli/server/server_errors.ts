/**
 * What can go wrong with a server: the errors, with what to do about each.
 *
 * @module
 */

/** The server cannot be reached, does not answer in time, or is no server of Opossum. */
export class ServerUnreachableError extends Error {
  override readonly name = "ServerUnreachableError";

  /** Whether it was there, and the connection was lost: it may be being restarted. */
  readonly isLost: boolean;

  /**
   * @param url The server.
   * @param reason Why, to be continued after "as".
   * @param options `cause`: what the system said; `isLost`: whether the connection was lost.
   */
  constructor(
    readonly url: string,
    reason: string,
    options: ErrorOptions & { readonly isLost?: boolean } = {},
  ) {
    super(`Cannot reach the server at ${url} as ${reason}`, options);
    this.isLost = options.isLost ?? false;
  }
}

/** What a problem (RFC 9457) says. */
export interface ServerProblem {
  readonly status: number;
  /** Stable name of the kind of problem, in kebab case. */
  readonly kind: string;
  /** What happened. */
  readonly detail: string;
  /** By what the server's log finds the request. */
  readonly requestId: string | undefined;
  /** What else the problem holds. */
  readonly extensions: Readonly<Record<string, unknown>>;
}

/** The server refused a request, or failed with it. */
export class ServerProblemError extends Error {
  override readonly name = "ServerProblemError";
  /** The HTTP status. */
  readonly status: number;
  /** Stable name of the kind of problem, in kebab case. */
  readonly kind: string;
  /** By what the server's log finds the request. */
  readonly requestId: string | undefined;
  /** What else the problem holds. */
  readonly extensions: ServerProblem["extensions"];

  /** @param problem What the server said. */
  constructor(problem: ServerProblem) {
    const { status, kind, detail, requestId } = problem;
    const advice = adviceOf(problem);
    super(
      `The server answered ${status}: ${detail}${fieldsOf(problem)}` +
        (advice === undefined ? "" : `. ${advice}`) +
        (status >= 500 && requestId !== undefined
          ? ` (request ${requestId})`
          : ""),
    );
    this.status = status;
    this.kind = kind;
    this.requestId = requestId;
    this.extensions = problem.extensions;
  }
}

/** What is wrong with which part of the request. */
function fieldsOf({ detail, extensions: { errors } }: ServerProblem): string {
  const texts = (Array.isArray(errors) ? errors : []).flatMap((each) =>
    typeof each?.field === "string" && typeof each?.message === "string" &&
      !detail.includes(each.message)
      ? [`'${each.field || "body"}': ${each.message}`]
      : []
  );
  return texts.length === 0 ? "" : `: ${texts.join(", ")}`;
}

/** What to do, for those who have only this command line before them. */
function adviceOf(
  { status, kind, extensions }: ServerProblem,
): string | undefined {
  if (status === 401) {
    return "Set $OPOSSUM_TOKEN, or name a file with '--token-file'";
  }
  if (status === 403) return "Use a token with the scope 'operate'";
  if (kind === "insufficient-storage") {
    return "Or give '--ignore-disk-space': it is an estimate";
  }
  if (kind === "misdirected-request" || status === 421) {
    return "Use a host name that the server was told to answer to";
  }
  const { resumedBy, operation } = extensions;
  if (typeof resumedBy === "string") {
    return `It goes on as operation ${resumedBy}`;
  }
  if (status === 409 && typeof operation === "string") {
    const id = operation.split("/").at(-1);
    return `Follow it with 'opossum operations watch ${id}'`;
  }
  return undefined;
}
