// Pages work without this. It adds buttons that copy, and events as they happen.
"use strict";

for (const button of document.querySelectorAll("button[data-copy]")) {
    if (!navigator.clipboard) continue;
    button.hidden = false;
    const source = document.getElementById(button.dataset.copy);
    const name = button.textContent;
    button.addEventListener("click", async () => {
        await navigator.clipboard.writeText(source.textContent).then(
            () => { button.textContent = "Copied"; },
            () => { button.textContent = "Not allowed"; },
        );
        setTimeout(() => { button.textContent = name; }, 2000);
    });
}

const rows = document.querySelector("[data-live=rows]");
if (rows) follow(rows, document.querySelector("[data-live=status]"));

function follow(rows, status) {
    const ROWS_MAX = 50;
    const CLASSES = {
        clone: "bad", suspicious: "warn", overdue: "warn", bootstrap: "good", registration: "good",
        feature: "busy", plan: "busy", ownership: "busy", heartbeat: "idle",
    };
    const stream = new EventSource("/live");
    stream.onopen = () => { say("Live", true); };
    stream.onerror = () => { say("Connection lost, trying again", false); };
    for (const kind of Object.keys(CLASSES)) stream.addEventListener(kind, show);
    addEventListener("pagehide", () => stream.close());

    function say(text, isLive) {
        status.textContent = text;
        status.classList.toggle("is-live", isLive);
    }

    function show(message) {
        const event = JSON.parse(message.data);
        // One that repeats is counted, and moves up.
        rows.querySelector(`[data-event="${CSS.escape(String(event.ID))}"]`)?.remove();
        const row = element("tr");
        row.dataset.event = event.ID;
        const time = element("time", event.LastTime.slice(0, 19).replace("T", " "));
        time.dateTime = event.LastTime;
        const badge = element("span", event.Kind);
        badge.className = `badge ${CLASSES[event.Kind]}`;
        const kind = [badge, ...(event.Count > 1 ? [quiet(` × ${event.Count}`)] : [])];
        const thing = element("a");
        thing.href = `/things/${event.ROTPublicUID}`;
        thing.append(element("code", event.ROTPublicUID));
        const what = [event.Reason, ...(event.Address ? [quiet(` from ${event.Address}`)] : [])];
        row.append(cell("Time", time), cell("Event", ...kind), cell("Thing", thing), cell("What happened", ...what));
        row.className = "is-new";
        rows.prepend(row);
        document.querySelector("[data-live=empty]")?.remove();
        while (rows.rows.length > ROWS_MAX) rows.lastElementChild.remove();
    }

    function element(name, text) {
        const made = document.createElement(name);
        if (text !== undefined) made.textContent = text;
        return made;
    }

    function quiet(text) {
        const made = element("span", text);
        made.className = "quiet";
        return made;
    }

    function cell(label, ...content) {
        const made = element("td");
        made.dataset.label = label;
        made.append(...content);
        return made;
    }
}
