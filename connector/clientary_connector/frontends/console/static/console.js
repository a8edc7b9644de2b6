"use strict";
/* Makes pages better that work without it. Behaviours hang on data- attributes. */
(() => {
  const all = (selector, root = document) => root.querySelectorAll(selector);

  /* Moments and amounts in the reader's own form and zone; the exact text stays as a title. */
  const moments = new Intl.DateTimeFormat(undefined, { dateStyle: "medium", timeStyle: "short" });
  /* A day is the same day in every zone. */
  const days = new Intl.DateTimeFormat(undefined, { dateStyle: "medium", timeZone: "UTC" });
  const localize = (root) => {
    for (const time of all("time[data-when]", root)) {
      const moment = new Date(time.dateTime);
      if (Number.isNaN(moment.getTime())) continue;
      time.title = time.textContent;
      time.textContent = moments.format(moment);
      time.removeAttribute("data-when");
    }
    for (const time of all("time[data-day]", root)) {
      const day = new Date(`${time.dateTime}T00:00Z`);
      if (Number.isNaN(day.getTime())) continue;
      time.title = time.textContent;
      time.textContent = days.format(day);
      time.removeAttribute("data-day");
    }
    for (const amount of all("data[data-amount]", root)) {
      const digits = Math.min((amount.value.split(".")[1] ?? "").length, 20);
      const form = { minimumFractionDigits: digits, maximumFractionDigits: digits };
      /* The text goes in as it is: a number would round a long amount. */
      amount.textContent = new Intl.NumberFormat(undefined, form).format(amount.value);
      amount.removeAttribute("data-amount");
    }
    for (const count of all("data[data-count]", root)) {
      count.textContent = new Intl.NumberFormat().format(Number(count.value));
      count.removeAttribute("data-count");
    }
  };

  /* <input data-filter="#list"> hides the children of #list in which its words do not stand. */
  const filter = (input) => {
    const list = document.querySelector(input.dataset.filter);
    if (!list) return;
    input.addEventListener("input", () => {
      const words = input.value.toLowerCase().split(/\s+/).filter(Boolean);
      for (const item of list.children) {
        const text = item.textContent.toLowerCase();
        item.hidden = !words.every((word) => text.includes(word));
      }
    });
  };

  /* <form data-confirm="Sure?"> asks first. */
  document.addEventListener("submit", (event) => {
    const asks = event.submitter?.dataset.confirm ?? event.target.dataset.confirm;
    if (asks && !window.confirm(asks)) event.preventDefault();
  });

  /* <select data-submit> sends its form when something is chosen. */
  document.addEventListener("change", (event) => {
    if (event.target.matches("[data-submit]")) event.target.form.requestSubmit();
  });

  /* <button data-copy="#field" hidden> puts what stands in a field into the clipboard. */
  const copying = (button) => {
    const field = document.querySelector(button.dataset.copy);
    if (!field || !navigator.clipboard) return;
    button.hidden = false;
    button.addEventListener("click", async () => {
      field.select();
      try {
        await navigator.clipboard.writeText(field.value);
      } catch {
        /* A frame may be kept from it: the text is selected, and the reader copies it. */
        return;
      }
      const told = button.parentElement.querySelector("[data-copied]");
      if (told) told.textContent = told.dataset.copied;
    });
  };

  localize(document);
  all("input[data-filter]").forEach(filter);
  all("button[data-copy]").forEach(copying);
  window.clientary = Object.freeze({ localize });
})();
