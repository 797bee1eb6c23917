// Exchanges the code of a sign-in for an access token and shows both who it is and how to use it. The code is good for
// once and a minute; neither it nor the token is kept anywhere.

const TIMEOUT_MILLISECONDS = 35000; // the gateway's 30 s and something for the way

const byId = (id) => document.getElementById(id);
const api = byId("sign-in-state").dataset.api;
const code = new URLSearchParams(location.search).get("code");
history.replaceState(null, "", location.pathname); // neither a bookmark nor a reload shall bring it again

function say(text, isTrouble) {
  const state = byId("sign-in-state");
  state.textContent = text;
  state.classList.toggle("notice", isTrouble);
}

async function exchanged() {
  const answer = await fetch(`${api}/auth/token`, {
    method: "POST",
    headers: { "Content-Type": "application/json" },
    body: JSON.stringify({ code }),
    credentials: "omit",
    signal: AbortSignal.timeout(TIMEOUT_MILLISECONDS),
  });
  const body = await answer.json().catch(() => ({}));
  if (!answer.ok) throw new Error(`${body.detail ?? "The API refused"} (${body.code ?? `status ${answer.status}`})`);
  return body;
}

function show(token) {
  byId("handle").textContent = token.user.handle;
  byId("user-id").textContent = token.user.id;
  byId("valid-until").textContent = new Date(Date.now() + token.expires_in * 1000).toISOString();
  byId("token").textContent = token.access_token;
  byId("curl").textContent = `curl ${api}/api/users/me/nbhds -H 'Authorization: Bearer ${token.access_token}'`;
  byId("signed-in").hidden = false;
  say(`Signed in as ${token.user.display_name ?? token.user.handle}.`, false);
}

async function copy(button) {
  const label = button.textContent;
  const source = byId(button.dataset.copies);
  try {
    await navigator.clipboard.writeText(source.textContent);
    button.textContent = "Copied";
    setTimeout(() => { button.textContent = label; }, 2000);
  } catch {
    getSelection().selectAllChildren(source); // the person copies it then
  }
}

for (const button of document.querySelectorAll("[data-copies]")) button.addEventListener("click", () => copy(button));

exchanged().then(show, (error) => {
  const isSilent = error instanceof TypeError || error.name === "TimeoutError";
  say(isSilent ? `The API at ${api} did not answer.` : error.message, true);
});
