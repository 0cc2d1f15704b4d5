// page.js - the chat room's script: what is said comes by a WebSocket, or by server-sent events, or by polls.
//
// What the user says waits in `outbox` until it has come back among what all say, and is said again after each new
// connection until then; the server tells what has the same key once. `last` is the id of what was shown last, so that
// a new connection goes on there.
"use strict";

const room = decodeURIComponent(location.pathname.split("/")[2] || "lobby");
const base = "/rooms/" + encodeURIComponent(room);
const outbox = new Map(); // key -> {name, text, line}
const ways = { socket: openSocket, events: openEvents, polls: openPolls };
const hasWorkedBefore = new Set();
const wanted = new URLSearchParams(location.search).get("via"); // one of the ways, to try it
let last = "0-0"; // no hub's: all that is kept comes, behind a gap that is none
let way = wanted in ways ? wanted : "socket";
let isFirst = true, send = null;
let failures = 0, refusals = 0; // in a row: connections that did not stay; those that failed where the server was there
let openSince = 0, again = 0; // milliseconds; the timer until the next connection, or 0

const find = (id) => document.getElementById(id);

function setState(text) {
    find("state").textContent = text;
}

function addLine(build, kind) {
    const log = find("log"), line = document.createElement("p");
    const isAtEnd = log.scrollHeight - log.scrollTop - log.clientHeight < 40;
    build(line);
    line.className = kind;
    log.append(line);
    if (isAtEnd) {
        log.scrollTop = log.scrollHeight;
    }
    return line;
}

function addNote(text) {
    addLine((line) => { line.textContent = text; }, "note");
}

function fill(line, name, text, time) {
    const when = document.createElement("time"), who = document.createElement("b");
    when.textContent = time ? new Date(time).toLocaleTimeString([], { hour: "2-digit", minute: "2-digit" }) : "\u2026";
    who.textContent = name;
    line.replaceChildren(when, who, document.createTextNode(text));
}

// {id, text} or {id, gap: true}
function hear(message) {
    last = message.id;
    if (message.gap) {
        if (!isFirst) {
            addNote("Something may be missing here: this page was away for too long, or the room has begun anew.");
        }
        isFirst = false;
        return;
    }
    isFirst = false;
    const [key, name, time, ...rest] = message.text.split("\n");
    const waiting = outbox.get(key);
    if (waiting) {
        outbox.delete(key);
        waiting.line.remove();
    }
    addLine((line) => fill(line, name, rest.join("\n"), Number(time)), "");
}

function say(key, said) {
    send(`${key}\n${said.name}\n${said.text}`);
}

function isOpen(how, sending) {
    refusals = 0;
    openSince = performance.now();
    send = sending;
    setState("connected");
    document.body.dataset.way = how;
    hasWorkedBefore.add(how);
    for (const [key, said] of outbox) {
        say(key, said);
    }
}

// Answered at once, in the plainest way that there is.
async function ask() {
    const answer = await fetch(`${base}/poll`, { cache: "no-store", signal: AbortSignal.timeout(5000) });
    if (!answer.ok) {
        throw new Error(answer.statusText);
    }
}

// A server that is not there has to come back. One that is there, and a way that fails all the same: something in
// between does not let it through. Of a way that has worked that is believed less soon: a server that is about to end
// still answers on connections that there are.
async function lookForAnotherWay() {
    try {
        await ask();
        refusals += 1;
    } catch (error) {
        refusals = 0;
    }
    if (refusals === (hasWorkedBefore.has(way) ? 4 : 2)) {
        refusals = 0;
        way = way === "socket" ? "events" : "polls";
    }
}

function connect() {
    clearTimeout(again);
    again = 0;
    ways[way]();
}

// The first time almost at once, and not all pages in the same moment; ever later while it fails.
async function isLost(hasWorked) {
    send = null;
    setState("connecting again");
    failures = hasWorked && performance.now() - openSince > 5000 ? 1 : failures + 1;
    if (!hasWorked && !wanted) {
        await lookForAnotherWay();
    }
    const seconds = Math.min(8, 0.1 * 2 ** Math.min(failures, 7)) * (0.5 + Math.random() / 2);
    again = setTimeout(connect, 1000 * seconds);
}

// Somebody looks, or there is a network again: that is worth an attempt.
function hurry() {
    if (again && !document.hidden) {
        connect();
    }
}

function openSocket() {
    const url = location.origin.replace(/^http/, "ws") + `${base}/socket?after=${encodeURIComponent(last)}`;
    const socket = new WebSocket(url);
    let hasWorked = false;
    socket.onopen = () => {
        hasWorked = true;
        isOpen("socket", (text) => socket.send(text));
    };
    socket.onmessage = (event) => hear(JSON.parse(event.data));
    socket.onclose = () => isLost(hasWorked);
}

function post(text) {
    fetch(base, { method: "POST", body: text, headers: { "Content-Type": "text/plain" } })
        .then((answer) => { if (!answer.ok && answer.status < 500) { setState("that was refused"); } })
        .catch(() => {}); // it is said again with the next connection
}

function openEvents() {
    const source = new EventSource(`${base}/events?lastEventId=${encodeURIComponent(last)}`);
    let hasWorked = false;
    source.onopen = () => {
        hasWorked = true;
        isOpen("events", post);
    };
    source.onmessage = (event) => hear({ id: event.lastEventId, text: event.data });
    source.addEventListener("gap", (event) => hear({ id: event.lastEventId, gap: true }));
    source.onerror = () => { // it would come back by itself, with its own idea of how soon
        source.close();
        isLost(hasWorked);
    };
}

async function openPolls() {
    let hasWorked = false;
    try {
        await ask(); // what comes behind it may take its time
        hasWorked = true;
        isOpen("polls", post);
        for (;;) {
            const answer = await fetch(`${base}/poll?after=${encodeURIComponent(last)}`, { cache: "no-store" });
            if (!answer.ok) {
                throw new Error(answer.statusText);
            }
            const told = await answer.json();
            if (told.gap) {
                hear({ id: told.id, gap: true });
            }
            told.messages.forEach(hear);
            last = told.id;
        }
    } catch (error) {
        isLost(hasWorked);
    }
}

find("say").addEventListener("submit", (event) => {
    event.preventDefault();
    const name = find("name").value.trim(), text = find("text").value.trim();
    if (!name) {
        find("name").focus();
        return;
    }
    if (!text) {
        return;
    }
    localStorage.setItem("name", name);
    const key = crypto.getRandomValues(new Uint32Array(4)).join("-");
    const said = { name, text, line: addLine((line) => fill(line, name, text), "waiting") };
    outbox.set(key, said);
    find("text").value = "";
    if (send) {
        say(key, said);
    }
});

find("go").addEventListener("submit", (event) => {
    event.preventDefault();
    const other = find("other").value.trim();
    if (other) {
        location.href = "/rooms/" + encodeURIComponent(other);
    }
});

find("room").textContent = room;
document.title = room;
find("name").value = localStorage.getItem("name") || "";
(find("name").value ? find("text") : find("name")).focus();
addEventListener("online", hurry);
document.addEventListener("visibilitychange", hurry);
connect();
