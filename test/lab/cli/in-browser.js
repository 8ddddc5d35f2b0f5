// Runs in the browser, on a page of drawings.
/* global document, window */

/** Boxes over boxes, texts out of their boxes or over each other, cards over cards: empty where all is well. */
window.faultsOfPage = function faultsOfPage() {
  const faults = [];
  const rect = (element) => element.getBoundingClientRect();
  const isInside = (a, b) =>
    a.left >= b.left - 0.5 && a.right <= b.right + 0.5 && a.top >= b.top - 0.5 && a.bottom <= b.bottom + 0.5;
  const isApart = (a, b, by = 0) =>
    a.right <= b.left + by || b.right <= a.left + by || a.bottom <= b.top + by || b.bottom <= a.top + by;
  const pairs = (list) => list.flatMap((one, i) => list.slice(i + 1).map((other) => [one, other]));

  const sections = [...document.querySelectorAll("section")].filter((section) => !section.hidden);
  for (const [one, other] of pairs(sections)) {
    if (!isApart(rect(one), rect(other))) faults.push(`cards overlap: ${one.dataset.text}`);
  }
  for (const section of sections) {
    const card = rect(section.querySelector(".card"));
    for (const text of section.querySelectorAll("text")) {
      if (!isInside(rect(text), card)) faults.push(`out of the card: ${text.textContent}`);
    }
    const boxes = [...section.querySelectorAll(".box")];
    for (const [one, other] of pairs(boxes)) {
      if (!isApart(rect(one), rect(other))) faults.push(`boxes overlap: ${one.parentElement.textContent}`);
    }
    for (const box of boxes) {
      const texts = [...box.parentElement.querySelectorAll("text")];
      for (const text of texts) {
        if (!isInside(rect(text), rect(box))) faults.push(`out of the box: ${text.textContent}`);
      }
      // lines of text may share two pixels of leading
      for (const [one, other] of pairs(texts)) {
        if (!isApart(rect(one), rect(other), 2))
          faults.push(`texts overlap: ${one.textContent}, ${other.textContent}`);
      }
    }
  }
  return faults;
};
