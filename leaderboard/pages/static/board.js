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
