// Send a file in pieces through the API, with progress and by itself again after a broken connection, then follow what
// becomes of it. Without this script the form sends the file in one go, and the answer is a page.
"use strict";

(() => {
  const form = document.querySelector("form.sending");
  const place = document.querySelector(".transfer");
  if (!form || !place) return;
  const TRIES = 8;
  const HASHED = 4 << 20;
  const wait = (seconds) => new Promise((done) => setTimeout(done, 1000 * seconds));

  class Refused extends Error {}

  // Ask the API, again after network errors and when it is busy.
  const ask = async (token, url, options = {}) => {
    for (let tries = 1; ; tries += 1) {
      let answer;
      try {
        answer = await fetch(url, { ...options, cache: "no-store", credentials: "omit",
          headers: { ...options.headers, Authorization: `Bearer ${token}` } });
      } catch (error) {
        if (tries >= TRIES) throw new Error("The board cannot be reached. Send the file again later; it goes on where it broke off.");
        await wait(Math.min(2 ** tries / 2, 15));
        continue;
      }
      if (answer.ok) return answer.json();
      const told = await answer.json().catch(() => ({ message: `The board answered ${answer.status}.` }));
      const soon = Number(answer.headers.get("Retry-After"));
      if ([408, 429, 503].includes(answer.status) && tries < TRIES && !(soon > 60)) {
        await wait(soon || 2);
        continue;
      }
      throw Object.assign(new Refused(told.message), told);
    }
  };

  const shown = () => {
    const label = document.createElement("p");
    label.id = "transfer-label";
    const bar = document.createElement("progress");
    bar.setAttribute("aria-labelledby", label.id);
    place.replaceChildren(label, bar);
    return (text, share) => {
      if (label.textContent !== text) label.textContent = text;
      if (share === undefined) bar.removeAttribute("value");
      else bar.value = share;
    };
  };

  const digest = async (file, say) => {
    const sha = new Sha256();
    for (let start = 0; start < file.size; start += HASHED) {
      sha.add(new Uint8Array(await file.slice(start, start + HASHED).arrayBuffer()));
      say("Reading the file…", Math.min(1, (start + HASHED) / file.size));
    }
    return sha.hex();
  };

  const send = async (token, file, say) => {
    const sha256 = await digest(file, say);
    const body = JSON.stringify({ size: file.size, sha256 });
    const headers = { "Content-Type": "application/json" };
    const upload = await ask(token, form.dataset.uploads, { method: "POST", body, headers });
    const url = `${form.dataset.uploads}/${upload.id}`;
    let offset = upload.offset;
    while (offset < file.size) {
      say("Sending…", offset / file.size);
      try {
        const piece = file.slice(offset, offset + upload.most);
        const patch = { "Content-Type": "application/offset+octet-stream", "Upload-Offset": String(offset) };
        offset = (await ask(token, url, { method: "PATCH", body: piece, headers: patch })).offset;
      } catch (error) {
        if (error.offset === undefined || error.offset === offset) throw error;
        offset = error.offset; // a piece had arrived although its answer was lost
      }
    }
    say("Sent; it is checked…");
    return (await ask(token, `${url}/finish`, { method: "POST" })).submission;
  };

  const element = (name, text, classes = "") => {
    const made = document.createElement(name);
    made.textContent = text;
    if (classes) made.className = classes;
    return made;
  };

  const follow = async (token, id) => {
    const state = element("p", "", "message");
    const log = element("ol", "", "log");
    place.replaceChildren(element("h2", `Submission ${id}`), state, log);
    for (;;) {
      const told = await ask(token, `${form.dataset.submissions}/${id}`);
      const text = told.message ? `${told.status}: ${told.message}` : told.status;
      if (state.textContent !== text) state.textContent = text;
      state.classList.toggle("bad", ["rejected", "failed"].includes(told.status));
      for (const line of (told.log ?? []).slice(log.children.length)) {
        const time = element("time", line.at.slice(0, 16).replace("T", " ") + " UTC");
        time.dateTime = line.at;
        const item = element("li", "");
        item.append(time, line.text);
        log.append(item);
      }
      if (!["queued", "validating", "scoring"].includes(told.status)) {
        if (told.status === "scored") {
          const link = element("a", "Its page", "button");
          link.href = `/s/${encodeURIComponent(id)}`;
          const paragraph = element("p", "");
          paragraph.append(link);
          place.append(paragraph);
        }
        return;
      }
      await wait(1.5);
    }
  };

  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    const token = form.elements.token.value.trim();
    const file = form.elements.file.files[0];
    if (!file) return;
    const button = form.querySelector("button");
    button.disabled = true;
    document.querySelector(".message.bad[role=alert]")?.remove();
    try {
      await follow(token, await send(token, file, shown()));
    } catch (error) {
      const message = element("p", error instanceof Refused || error.message ? error.message : String(error), "message bad");
      message.setAttribute("role", "alert");
      place.replaceChildren(message);
    } finally {
      button.disabled = false;
    }
  });
})();
