"""An application with redis-py's asyncio client; see ../../support/application.py."""

import asyncio
import os
import sys
import urllib.request

import redis
from redis.asyncio.sentinel import Sentinel

WATCHER, GROUP, CA, PAUSE = sys.argv[1:]
REDIS_PASSWORD = os.environ.get("REDIS_PASSWORD")
SENTINEL_PASSWORD = os.environ.get("SENTINEL_PASSWORD")


def ask_watcher():
    with urllib.request.urlopen(f"{WATCHER}/sentinels", timeout=2) as answer:  # an error unless 200
        pairs = [address.rpartition(":") for address in answer.read().decode().split(",")]
    return [(host.strip("[]"), int(port)) for host, _, port in pairs]


async def connect():
    options = {"socket_timeout": 0.5, **({"ssl": True, "ssl_ca_certs": CA} if CA != "-" else {})}
    sentinel = Sentinel(await asyncio.to_thread(ask_watcher),
                        sentinel_kwargs={"password": SENTINEL_PASSWORD, **options})
    return sentinel.master_for(GROUP, password=REDIS_PASSWORD, **options)


async def main():
    client, number = None, 0
    while True:
        try:
            client = client or await connect()
            await client.set(f"count:{number}", number)
        except (redis.RedisError, OSError) as error:
            print(error, file=sys.stderr)
            if client:
                await client.connection_pool.disconnect()
            client = None
            await asyncio.sleep(0.1)
            continue
        print(number, flush=True)
        number += 1
        await asyncio.sleep(int(PAUSE) / 1000)


asyncio.run(main())
