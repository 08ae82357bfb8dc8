"use strict";
// Comfort for a page that is whole without it: copying, filtering, taking answers along. Nothing leaves the page.
(() => {
  const root = document.documentElement;
  root.classList.add("js");
  const byId = (id) => document.getElementById(id);

  async function copy(text) {
    try {
      await navigator.clipboard.writeText(text);
    } catch {
      const field = document.createElement("textarea");
      field.value = text;
      field.setAttribute("readonly", "");
      document.body.append(field);
      field.select();
      document.execCommand("copy");
      field.remove();
    }
  }

  for (const button of document.querySelectorAll("button.copy")) {
    button.addEventListener("click", async () => {
      await copy(byId(button.dataset.copies).textContent);
      button.classList.add("copied");
      setTimeout(() => button.classList.remove("copied"), 1500);
    });
  }

  // A link into something folded unfolds it.
  function unfold() {
    const target = location.hash ? byId(decodeURIComponent(location.hash.slice(1))) : null;
    for (let at = target; at; at = at.parentElement) if (at.tagName === "DETAILS") at.open = true;
  }
  addEventListener("hashchange", unfold);
  unfold();

  addEventListener("beforeprint", () => {
    for (const fold of document.querySelectorAll("details:not(.long)")) fold.open = true;
  });

  const filter = byId("finding-filter");
  if (filter) {
    const cards = Array.from(document.querySelectorAll("article.finding"), (card) => ({
      card, severity: card.dataset.severity, mark: card.dataset.mark, class: card.dataset.class,
      status: card.dataset.status, text: null,
    }));
    const count = byId("finding-count");
    let waiting = 0;
    const holds = (row, words) => {
      if (!words.length) return true;
      row.text ??= row.card.textContent.toLowerCase();
      return words.every((word) => row.text.includes(word));
    };
    const apply = () => {
      waiting = 0;
      const wanted = new Set(Array.from(filter.querySelectorAll("[name=severity]:checked"), (box) => box.value));
      const words = filter.elements.text.value.toLowerCase().split(/\s+/).filter(Boolean);
      const kind = filter.elements.class.value, status = filter.elements.status.value;
      const mark = filter.elements.mark?.value;
      let left = 0;
      for (const row of cards) {
        const keep = wanted.has(row.severity) && (!kind || row.class === kind) &&
          (!status || row.status === status) && (!mark || row.mark === mark) && holds(row, words);
        if (row.card.hidden === keep) row.card.hidden = !keep;
        if (keep) left += 1;
      }
      count.textContent = `${left} / ${cards.length}`;
    };
    filter.addEventListener("input", () => { waiting ||= requestAnimationFrame(apply); });
    filter.addEventListener("submit", (event) => event.preventDefault());
  }

  const told = byId("export");
  if (told) {
    const fields = Array.from(document.querySelectorAll("#answers textarea"));
    const line = (text) => (/^\\*## C-\d{3,9}[ \t]*$/.test(text) ? `\\${text}` : text);
    const response = () => {
      const given = fields.filter((field) => field.value.trim());
      if (!given.length) return "";
      const parts = given.map((field) => {
        const question = field.dataset.question.split("\n").map((one) => `> ${one}`.trimEnd());
        const answer = field.value.trim().split("\n").map(line);
        return [`## ${field.name}`, ...question, "", ...answer].join("\n");
      });
      const front = `---\ntask-key: ${told.dataset.task}\nrun: ${told.dataset.run}\n---`;
      return `${[front, ...parts].join("\n\n")}\n`;
    };
    const tell = (text) => { byId("answers-told").textContent = text; };
    const take = (how) => async () => {
      const text = response();
      if (!text) return tell(told.dataset.empty);
      await how(text);
      tell(`${told.dataset.told} ${fields.filter((field) => field.value.trim()).length} / ${fields.length}`);
    };
    byId("copy-answers").addEventListener("click", take(copy));
    byId("export-answers").addEventListener("click", take((text) => {
      const link = document.createElement("a");
      link.href = URL.createObjectURL(new Blob([text], { type: "text/markdown" }));
      link.download = told.dataset.file;
      link.click();
      setTimeout(() => URL.revokeObjectURL(link.href), 10000);
    }));
    byId("answers").addEventListener("submit", (event) => event.preventDefault());
  }
})();
