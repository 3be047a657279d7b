// Whether what the page shows is up to date, in words.

const connection = document.getElementById("connection");
/** Not known until there was a connection, or could be none. */
let isStreaming;
let isReachable = true;

/** The server tells what happens. */
export function streamOpened() {
  isStreaming = true;
  say();
}

/** It does not any more. */
export function streamLost() {
  isStreaming = false;
  say();
}

/** The server answered. */
export function serverAnswered() {
  isReachable = true;
  say();
}

/** It did not, or not as it should. */
export function serverFailed() {
  isReachable = false;
  say();
}

function say() {
  if (isReachable && isStreaming === undefined) return;
  const [text, tone] = !isReachable
    ? ["Cannot reach the server: trying again", "bad"]
    : isStreaming
    ? ["Live", "good"]
    : ["Connection lost: trying again", "bad"];
  connection.textContent = text;
  connection.className = `facts ${tone}`;
}
