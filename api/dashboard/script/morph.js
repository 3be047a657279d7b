// Makes one part of the page like another one, and keeps what is alike: the focus, ticks, what is
// folded out.

/** Makes the children of an element like those of another one, which is used up. */
export function morphChildren(from, to) {
  const keyed = new Map(
    [...from.children].filter(({ dataset }) => dataset.key)
      .map((child) => [child.dataset.key, child]),
  );
  let at = from.firstChild;
  for (const wanted of [...to.childNodes]) {
    const key = wanted.dataset?.key;
    const found = key === undefined ? at : keyed.get(key);
    const isAlike = found?.nodeName === wanted.nodeName &&
      found.dataset?.key === key;
    if (!isAlike) {
      from.insertBefore(document.adoptNode(wanted), at);
      continue;
    }
    if (found === at) at = at.nextSibling;
    else from.insertBefore(found, at);
    if (found.nodeType === Node.ELEMENT_NODE) morph(found, wanted);
    else if (found.nodeValue !== wanted.nodeValue) {
      found.nodeValue = wanted.nodeValue;
    }
  }
  while (at) {
    const next = at.nextSibling;
    at.remove();
    at = next;
  }
}

function morph(from, to) {
  for (const { name } of [...from.attributes]) {
    if (name !== "open" && !to.hasAttribute(name)) from.removeAttribute(name);
  }
  for (const { name, value } of to.attributes) {
    if (from.getAttribute(name) !== value) from.setAttribute(name, value);
  }
  if (!("keep" in to.dataset)) morphChildren(from, to);
}
