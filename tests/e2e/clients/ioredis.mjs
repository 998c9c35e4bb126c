// An application with ioredis; see ../../support/application.py.
import { readFileSync } from "node:fs";
import { setTimeout as sleep } from "node:timers/promises";
import Redis from "ioredis";

const [watcher, group, ca, pause] = process.argv.slice(2);
const { REDIS_PASSWORD, SENTINEL_PASSWORD } = process.env;

async function connect() {
  const answer = await fetch(`${watcher}/sentinels`,
    { headers: { accept: "application/json" }, signal: AbortSignal.timeout(2000) });
  if (!answer.ok) throw new Error(await answer.text());
  const tls = ca === "-" ? undefined : { ca: readFileSync(ca) };
  const client = new Redis({
    sentinels: (await answer.json()).sentinels, name: group,
    password: REDIS_PASSWORD, sentinelPassword: SENTINEL_PASSWORD,
    tls, sentinelTLS: tls, enableTLSForSentinelMode: tls !== undefined,
    connectTimeout: 500, sentinelCommandTimeout: 500, commandTimeout: 1000,
  });
  client.on("error", (error) => console.error(error.message));
  return client;
}

let client;
for (let number = 0; ;) {
  try {
    client ??= await connect();
    await client.set(`count:${number}`, number);
  } catch (error) {
    console.error(error.message);
    client?.disconnect();
    client = undefined;
    await sleep(100);
    continue;
  }
  console.log(number);
  number++;
  await sleep(Number(pause));
}
