"use strict";
/* Makes the pages of the log live: new lines appear, and what is under way is looked at again. */
(() => {
  const FASTEST = 1000; /* ms between two looks while something comes */
  const SLOWEST = 8000; /* and while nothing comes */
  const WORST = 60000; /* and while nobody answers */
  const MOST = 300; /* lines that stay on the page */
  const AHEAD = { headers: { "X-Background": "1" }, redirect: "manual", cache: "no-store" };

  /* Calls `look` again and again; it tells by its answer: true (soon), false (later), null (end). */
  const repeat = (look, failed) => {
    let wait = FASTEST;
    let timer = 0;
    let running = false;
    let busy = false;
    const next = () => {
      clearTimeout(timer);
      if (running && !document.hidden) timer = setTimeout(once, wait);
    };
    const once = async () => {
      if (busy) return;
      busy = true;
      let found = false;
      try {
        found = await look();
        wait = found ? FASTEST : Math.min(wait * 1.5, SLOWEST);
      } catch {
        wait = Math.min(Math.max(wait, FASTEST) * 2, WORST);
        failed(Math.round(wait / 1000));
      }
      busy = false;
      if (found === null) running = false;
      next();
    };
    document.addEventListener("visibilitychange", () => {
      wait = FASTEST;
      if (!document.hidden && running) once();
      else clearTimeout(timer);
    });
    return {
      start: () => { running = true; wait = FASTEST; once(); },
      stop: () => { running = false; clearTimeout(timer); },
    };
  };

  /* What an answer other than 200 means to a page that asks by itself. */
  const ended = (answer) =>
    answer.type === "opaqueredirect" || answer.status === 401 ? "You are signed out. Reload the page to sign in."
      : answer.status === 403 ? "You may not look at this any more."
        : "";

  const follow = (body) => {
    const box = document.querySelector("[data-live]");
    const said = box.querySelector("[data-live-said]");
    const button = box.querySelector("[data-live-switch]");
    const address = new URL(body.dataset.follow, location.href);
    const template = document.createElement("template");

    const put = (rows) => {
      let fresh = 0;
      /* From the oldest on, so that each goes above those that came before it. */
      for (const row of [...rows].reverse()) {
        const known = document.getElementById(row.id);
        window.clientary.localize(row);
        if (known) {
          if (known.innerHTML !== row.innerHTML) known.replaceWith(row);
          continue;
        }
        row.classList.add("new");
        const below = [...body.rows].find((one) => Number(one.dataset.entry) < Number(row.dataset.entry));
        body.insertBefore(row, below ?? null);
        fresh += 1;
      }
      while (body.rows.length > MOST) body.deleteRow(-1);
      return fresh;
    };

    const live = repeat(async () => {
      address.searchParams.set("after", body.dataset.after);
      const answer = await fetch(address, AHEAD);
      const end = ended(answer);
      if (end) {
        said.textContent = end;
        button.hidden = true;
        return null;
      }
      if (!answer.ok) throw new Error(String(answer.status));
      const news = await answer.json();
      template.innerHTML = news.rows;
      const fresh = put(template.content.querySelectorAll("tr"));
      body.dataset.after = news.after;
      if (fresh) document.querySelector(".empty")?.remove();
      if (news.more) said.textContent = "More came at once than is shown here: reload the page.";
      else if (fresh) said.textContent = fresh === 1 ? "1 new entry." : `${fresh} new entries.`;
      else if (said.dataset.broken) said.textContent = "";
      delete said.dataset.broken;
      return fresh > 0;
    }, (seconds) => {
      said.textContent = `No answer; looking again in ${seconds} s.`;
      said.dataset.broken = "1";
    });

    button.addEventListener("click", () => {
      const on = button.getAttribute("aria-pressed") !== "true";
      button.setAttribute("aria-pressed", String(on));
      if (on) live.start();
      else live.stop();
      said.textContent = on ? "" : "Paused.";
    });
    box.hidden = false;
    live.start();
  };

  /* <section id data-renew> is fetched again with its page until it does not ask for it any more. */
  const renew = (part) => {
    let now = part;
    const again = repeat(async () => {
      const answer = await fetch(location.href, AHEAD);
      if (ended(answer)) return null;
      if (!answer.ok) throw new Error(String(answer.status));
      const page = new DOMParser().parseFromString(await answer.text(), "text/html");
      const next = document.importNode(page.getElementById(now.id), true);
      window.clientary.localize(next);
      now.replaceWith(next);
      now = next;
      return "renew" in next.dataset ? true : null;
    }, () => {});
    again.start();
  };

  document.querySelectorAll("[data-follow]").forEach(follow);
  document.querySelectorAll("[data-renew]").forEach(renew);
})();
