// node's fetch: node_fetch.js PORT
const site = `http://127.0.0.1:${process.argv[2]}`;
const text = async (path, options) => (await fetch(site + path, options)).text();

const pieces = () => new ReadableStream({
    start(controller) {
        for (const piece of ['one ', 'two ', 'three']) {
            controller.enqueue(new TextEncoder().encode(piece));
        }
        controller.close();
    },
});

// Reads what does not end until it has had a million bytes.
const leave = async () => {
    const leaving = new AbortController();
    let size = 0;
    try {
        for await (const piece of (await fetch(site + '/endless', { signal: leaving.signal })).body) {
            size += piece.length;
            if (size > 1e6) {
                leaving.abort();
            }
        }
    } catch (error) {
        return error.name;
    }
};

(async () => {
    const failed = await fetch(site + '/fail');
    const said = [
        await text('/'),
        await text('/echo', { method: 'POST', body: 'sent' }),
        await text('/mirror', { method: 'POST', body: pieces(), duplex: 'half' }),
        await text('/count', { method: 'POST', body: new Uint8Array(2 << 20) }),
        await text('/stream/2'),
        await text('/later/'), // a redirect
        failed.status,
        (await Promise.all(Array.from({ length: 100 }, () => text('/await')))).every(each => each == 'awaited'),
        await leave(),
    ];
    console.log(JSON.stringify(said));
})();
