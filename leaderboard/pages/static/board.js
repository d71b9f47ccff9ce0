// What pages do better with JavaScript. Everything works without it: links, forms and pages come from the server.
"use strict";

// A switch between light and dark; "as the system" is the first choice.
(() => {
  const nav = document.querySelector(".top nav");
  if (!nav) return;
  const names = { system: "as the system", light: "light", dark: "dark" };
  const icons = {
    system: "M12 3a9 9 0 1 0 0 18zM12 3a9 9 0 0 1 0 18z",
    light: "M12 7a5 5 0 1 0 0 10 5 5 0 0 0 0-10zM12 1v3M12 20v3M1 12h3M20 12h3M4.2 4.2l2.1 2.1M17.7 17.7l2.1 2.1M4.2 19.8l2.1-2.1M17.7 6.3l2.1-2.1",
    dark: "M20 14.5A8.5 8.5 0 0 1 9.5 4a8.5 8.5 0 1 0 10.5 10.5z",
  };
  const button = document.createElement("button");
  button.type = "button";
  button.className = "scheme";
  const svg = document.createElementNS("http://www.w3.org/2000/svg", "svg");
  for (const [name, value] of Object.entries({ viewBox: "0 0 24 24", width: 20, height: 20, "aria-hidden": "true" }))
    svg.setAttribute(name, value);
  const path = svg.appendChild(document.createElementNS(svg.namespaceURI, "path"));
  for (const [name, value] of Object.entries({ fill: "none", stroke: "currentColor", "stroke-width": 1.8, "stroke-linecap": "round" }))
    path.setAttribute(name, value);
  button.append(svg);
  const root = document.documentElement;
  const show = () => {
    const scheme = root.dataset.scheme ?? "system";
    path.setAttribute("d", icons[scheme]);
    path.setAttribute("fill", scheme === "dark" ? "currentColor" : "none");
    button.setAttribute("aria-label", `Colours: ${names[scheme]}`);
    button.title = `Colours: ${names[scheme]}`;
  };
  button.addEventListener("click", () => {
    const order = ["system", "light", "dark"];
    const next = order[(order.indexOf(root.dataset.scheme ?? "system") + 1) % order.length];
    if (next === "system") delete root.dataset.scheme;
    else root.dataset.scheme = next;
    try {
      if (next === "system") localStorage.removeItem("scheme");
      else localStorage.setItem("scheme", next);
    } catch {} // storage may be forbidden
    show();
  });
  show();
  nav.append(button);
})();

// The picture of a table: one stop of the tab key, arrows go from point to point, a card says what is pointed at.
const oneStop = (dots, stop) => {
  for (const dot of dots) dot.setAttribute("tabindex", dot === stop ? "0" : "-1");
};
const picture = () => {
  const figure = document.querySelector("figure.scatter");
  if (!figure) return;
  const dots = [...figure.querySelectorAll("a.dot")];
  const card = document.createElement("div");
  card.className = "card";
  card.hidden = true;
  figure.append(card);
  for (const dot of dots) {
    const title = dot.querySelector("title");
    dot.said = title.textContent.split("\n");
    dot.setAttribute("aria-label", dot.said.join(", "));
    title.remove(); // the card takes its place
    dot.place = dot.querySelector("use").getBBox();
  }
  dots.sort((a, b) => a.place.x - b.place.x || a.place.y - b.place.y);
  oneStop(dots, dots[0]);
  const rows = new Map([...document.querySelectorAll("table.board tbody tr[data-id]")].map((row) => [row.dataset.id, row]));
  const show = (dot) => {
    hide();
    dot.classList.add("lit");
    rows.get(dot.dataset.id)?.classList.add("lit");
    card.replaceChildren(...dot.said.map((line, index) => {
      const element = document.createElement(index ? "span" : "strong");
      element.textContent = line;
      return element;
    }));
    card.hidden = false;
    const [outer, inner] = [figure.getBoundingClientRect(), dot.querySelector("use").getBoundingClientRect()];
    const left = inner.left - outer.left + inner.width / 2 + 14;
    const turned = left + card.offsetWidth > outer.width;
    card.style.left = `${Math.max(0, turned ? left - card.offsetWidth - 28 : left)}px`;
    card.style.top = `${Math.max(0, inner.top - outer.top - card.offsetHeight / 2)}px`;
  };
  const hide = () => {
    card.hidden = true;
    for (const lit of document.querySelectorAll(".lit")) lit.classList.remove("lit");
  };
  for (const dot of dots) {
    dot.addEventListener("pointerenter", () => show(dot));
    dot.addEventListener("pointerleave", hide);
    dot.addEventListener("focus", () => {
      oneStop(dots, dot);
      show(dot);
    });
    dot.addEventListener("blur", hide);
    dot.addEventListener("keydown", (event) => {
      const shown = dots.filter((other) => !other.classList.contains("away"));
      const step = { ArrowRight: 1, ArrowUp: 1, ArrowLeft: -1, ArrowDown: -1 }[event.key];
      const to = event.key === "Home" ? 0 : event.key === "End" ? shown.length - 1 : step ? shown.indexOf(dot) + step : -1;
      if (event.key === "Escape") hide();
      if (!shown[to]) return;
      event.preventDefault();
      shown[to].focus();
    });
  }
  const lit = new Map(dots.map((dot) => [dot.dataset.id, dot]));
  for (const [id, row] of rows) {
    row.addEventListener("pointerenter", () => lit.get(id)?.classList.add("lit"));
    row.addEventListener("pointerleave", () => lit.get(id)?.classList.remove("lit"));
  }
};

// At the server: links and the form of a table bring the next state of it without loading the page anew.
const live = (form) => {
  const parts = ["picture", "state", "found", "table", "downloads"];
  let asked = 0;
  const go = async (url, push) => {
    const mine = ++asked;
    const table = document.getElementById("table");
    table.setAttribute("aria-busy", "true");
    try {
      const answer = await fetch(url, { headers: { Accept: "text/html" } });
      const next = new DOMParser().parseFromString(await answer.text(), "text/html");
      if (mine !== asked) return; // a later question was answered, or is being
      if (!answer.ok || !next.getElementById("table")) return location.assign(url);
      const scrolled = document.querySelector("#table .scroll")?.scrollLeft;
      const focused = document.activeElement?.closest("th[data-column]")?.dataset.column;
      for (const id of parts) document.getElementById(id).replaceChildren(...next.getElementById(id).childNodes);
      const region = document.querySelector("#table .scroll");
      if (region && scrolled) region.scrollLeft = scrolled;
      if (focused) document.querySelectorAll(`th[data-column="${focused}"] a`)[0]?.focus({ preventScroll: true });
      if (push) history[push](null, "", url);
      picture();
    } catch {
      if (mine === asked) location.assign(url);
    } finally {
      document.getElementById("table").removeAttribute("aria-busy");
    }
  };
  const address = () => {
    const fields = [...new FormData(form)].filter(([, value]) => value !== "");
    const query = new URLSearchParams(fields).toString();
    return form.getAttribute("action") + (query ? `?${query}` : "");
  };
  let waiting;
  form.addEventListener("input", (event) => {
    clearTimeout(waiting);
    const typed = event.target.type === "search"; // going back undoes choices, not letters
    waiting = setTimeout(() => go(address(), typed ? "replaceState" : "pushState"), typed ? 180 : 0);
  });
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    clearTimeout(waiting);
    go(address(), "pushState");
  });
  document.addEventListener("click", (event) => {
    const link = event.target.closest("#table thead a, #table .pager a, #table .by a, #found a");
    if (!link || event.button || event.ctrlKey || event.metaKey || event.shiftKey || event.altKey) return;
    event.preventDefault();
    go(link.getAttribute("href"), "pushState").then(() => {
      if (link.closest(".pager")) document.getElementById("rows-title").scrollIntoView();
    });
    fill(new URL(link.href).searchParams);
  });
  const fill = (query) => {
    form.elements.q.value = query.get("q") ?? "";
    for (const box of form.querySelectorAll('[name="track"]')) box.checked = query.getAll("track").includes(box.value);
  };
  addEventListener("popstate", () => {
    fill(new URLSearchParams(location.search));
    go(location.href, null);
  });
};

// In a static site every row is on the page: it is sorted and filtered here, and the state stands behind the #.
const inPage = (form) => {
  const table = document.querySelector("table.board");
  const body = table.tBodies[0];
  const all = [...body.rows].filter((row) => row.dataset.id);
  const heads = [...table.tHead.rows[0].cells];
  const values = new Map(all.map((row) => [row, JSON.parse(row.dataset.values)]));
  const found = document.getElementById("found");
  const fields = form.elements;
  form.hidden = false;
  const show = () => {
    const state = new URLSearchParams(location.hash.slice(1));
    const [sort, order, words, tracks] = [state.get("sort"), state.get("order"), state.get("q") ?? "", state.getAll("track")];
    if (fields.q.value.trim() !== words) fields.q.value = words;
    for (const box of form.querySelectorAll('[name="track"]')) box.checked = tracks.includes(box.value);
    const wanted = words.normalize("NFKC").toLowerCase().replaceAll("ß", "ss").split(/\s+/).filter(Boolean);
    const rows = all.filter(
      (row) => (!tracks.length || tracks.includes(row.dataset.track)) && wanted.every((word) => row.dataset.words.includes(word)),
    );
    const column = heads.findIndex((head) => head.dataset.column === sort);
    for (const head of heads) head.removeAttribute("aria-sort");
    if (column >= 0) {
      const direction = order ?? heads[column].dataset.first;
      heads[column].setAttribute("aria-sort", direction);
      const sign = direction === "descending" ? -1 : 1;
      rows.sort((a, b) => {
        const [x, y] = [values.get(a)[column], values.get(b)[column]];
        if (x === null || y === null) return (x === null) - (y === null); // no value: last either way
        return sign * (x < y ? -1 : x > y ? 1 : 0);
      });
    }
    body.replaceChildren(...rows);
    found.textContent = `${rows.length.toLocaleString("en")} submission${rows.length === 1 ? "" : "s"}`;
    if (rows.length < all.length) found.append(` of ${all.length.toLocaleString("en")}`);
    const kept = new Set(rows.map((row) => row.dataset.id));
    const dots = [...document.querySelectorAll("a.dot")];
    for (const dot of dots) dot.classList.toggle("away", !kept.has(dot.dataset.id));
    oneStop(dots, dots.find((dot) => kept.has(dot.dataset.id)));
  };
  const change = (values) => {
    const state = new URLSearchParams(location.hash.slice(1));
    for (const [name, value] of Object.entries(values)) {
      state.delete(name);
      for (const each of [value].flat()) if (each) state.append(name, each);
    }
    history.replaceState(null, "", `#${state}`);
    show();
  };
  const read = () => {
    const tracks = [...form.querySelectorAll('[name="track"]:checked')].map((box) => box.value);
    change({ q: fields.q.value.trim(), track: tracks });
  };
  form.addEventListener("input", read);
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    form.reset();
    change({ q: "", track: [] });
  });
  for (const head of heads) {
    const button = document.createElement("button");
    button.type = "button";
    button.append(...head.childNodes);
    head.append(button);
    button.addEventListener("click", () => {
      const now = head.getAttribute("aria-sort");
      const other = now === "ascending" ? "descending" : "ascending";
      change({ sort: head.dataset.column, order: now ? other : head.dataset.first });
    });
  }
  addEventListener("hashchange", show);
  show();
};

picture();
const filter = document.getElementById("filter");
if (filter) (filter.hasAttribute("data-in-page") ? inPage : live)(filter);
