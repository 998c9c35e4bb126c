// An application with node-redis; see ../../support/application.py.
import { readFileSync } from "node:fs";
import { setTimeout as sleep } from "node:timers/promises";
import { createSentinel } from "redis";

const [watcher, group, ca, pause] = process.argv.slice(2);
const { REDIS_PASSWORD, SENTINEL_PASSWORD } = process.env;
console.log = console.error; // node-redis itself writes there

// node-redis waits for ever where no Sentinel that it knows answers.
async function within(milliseconds, promise) {
  const late = new AbortController();
  try {
    return await Promise.race([promise, sleep(milliseconds, undefined, { signal: late.signal })
      .then(() => { throw new Error("no answer"); })]);
  } finally {
    late.abort();
  }
}

async function connect() {
  const answer = await fetch(`${watcher}/sentinels`,
    { headers: { accept: "application/json" }, signal: AbortSignal.timeout(2000) });
  if (!answer.ok) throw new Error(await answer.text());
  const socket = { connectTimeout: 500, ...(ca === "-" ? {} : { tls: true, ca: readFileSync(ca) }) };
  const client = createSentinel({
    name: group, sentinelRootNodes: (await answer.json()).sentinels,
    nodeClientOptions: { password: REDIS_PASSWORD, socket },
    sentinelClientOptions: { password: SENTINEL_PASSWORD, socket },
  });
  client.on("error", (error) => console.error(error));
  try {
    return await within(2000, client.connect());
  } catch (error) {
    client.destroy();
    throw error;
  }
}

let client;
for (let number = 0; ;) {
  try {
    client ??= await connect();
    await within(1000, client.set(`count:${number}`, number));
  } catch (error) {
    console.error(error);
    client?.destroy();
    client = undefined;
    await sleep(100);
    continue;
  }
  process.stdout.write(`${number}\n`);
  number++;
  await sleep(Number(pause));
}
