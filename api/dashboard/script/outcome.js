// What the server answered, in words.

/** What came of a request. */
export function outcomeOf(
  { projectionName, projectionNames, keys, phase, log, ok },
  done,
) {
  // How far a repair is that goes on, of which keys are a number.
  if (keys && phase === undefined) {
    const count = (wanted) =>
      keys.filter(({ change }) => change === wanted).length;
    const [changed, added, removed] = ["changed", "added", "removed"].map(
      count,
    );
    const text = changed + added + removed === 0
      ? "nothing was to be mended."
      : `${changed} changed, ${added} added, ${removed} removed.`;
    return { text: `Repair of ${projectionName}: ${text}`, tone: "good" };
  }
  if (log) {
    return ok
      ? { text: "Nothing is damaged.", tone: "good" }
      : { text: "Damage was found: see under Damage.", tone: "bad" };
  }
  const isIdle = projectionNames?.length === 0;
  return {
    text: isIdle ? "Nothing needed a rebuild." : `${done}.`,
    tone: "good",
  };
}

/** What a problem (RFC 9457) says. */
export async function problemOf(response) {
  const { title, detail, requestId } = await response.json().catch(() => ({}));
  const text = title ? `${title}: ${detail}.` : `Status ${response.status}.`;
  return requestId ? `${text} Request ${requestId}.` : text;
}
