// Keeps the live parts of a page moving: one request at a time for each, none while nobody looks, and after a lost
// connection again and again until the console answers. Everything else works without this file.
"use strict";

const INTERVAL_MILLISECONDS = 1000;
const TIMEOUT_MILLISECONDS = 10000;

const connection = document.getElementById("connection");
const pause = document.getElementById("pause");

async function fetched(address) {
  const answer = await fetch(address, { signal: AbortSignal.timeout(TIMEOUT_MILLISECONDS) });
  if (!answer.ok) throw new Error(`status ${answer.status}`);
  const template = document.createElement("template");
  template.innerHTML = await answer.text(); // escaped by the server; the page's policy runs no script from it
  return template;
}

async function refreshPart(part) {
  const fresh = await fetched(part.dataset.live);
  if (fresh.innerHTML === part.innerHTML) return; // leave a selection alone
  if (!part.contains(document.activeElement)) part.replaceChildren(fresh.content); // and a link that has the focus
}

async function refreshLog(table) {
  if (pause.getAttribute("aria-pressed") === "true") return;
  const body = table.tBodies[0];
  const address = new URL(table.dataset.liveLog, location.href);
  address.searchParams.set("tail", body.dataset.tail);
  address.searchParams.set("after", body.dataset.latest);
  const fresh = (await fetched(address)).content.firstElementChild;
  showTrouble(fresh.dataset.trouble);
  if (fresh.dataset.tail !== body.dataset.tail) {
    body.replaceWith(fresh); // the console was started anew: its sequence numbers are others
    return;
  }
  body.dataset.latest = fresh.dataset.latest;
  body.prepend(...fresh.rows);
  while (body.rows.length > Number(table.dataset.limit)) body.lastElementChild.remove();
}

function showTrouble(text) {
  const notice = document.getElementById("log-trouble");
  notice.textContent = text;
  notice.hidden = !text;
}

function showConnection(isAlive) {
  connection.hidden = false;
  connection.classList.toggle("lost", !isAlive);
  const text = isAlive ? "live" : "no connection, trying again";
  if (connection.textContent !== text) connection.textContent = text;
}

function keepFresh(refresh) {
  const turn = async () => {
    if (!document.hidden) {
      try {
        await refresh();
        showConnection(true);
      } catch {
        showConnection(false);
      }
    }
    setTimeout(turn, INTERVAL_MILLISECONDS);
  };
  setTimeout(turn, INTERVAL_MILLISECONDS);
}

for (const part of document.querySelectorAll("[data-live]")) keepFresh(() => refreshPart(part));

for (const table of document.querySelectorAll("[data-live-log]")) {
  pause.hidden = false;
  pause.addEventListener("click", () => {
    const isPaused = pause.getAttribute("aria-pressed") !== "true";
    pause.setAttribute("aria-pressed", String(isPaused));
    pause.textContent = isPaused ? "Continue" : "Pause";
  });
  keepFresh(() => refreshLog(table));
}
