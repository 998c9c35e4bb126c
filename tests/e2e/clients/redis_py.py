"""An application with redis-py; see ../../support/application.py."""

import os
import sys
import time
import urllib.request

import redis
from redis.sentinel import Sentinel

WATCHER, GROUP, CA, PAUSE = sys.argv[1:]
REDIS_PASSWORD = os.environ.get("REDIS_PASSWORD")
SENTINEL_PASSWORD = os.environ.get("SENTINEL_PASSWORD")


def connect():
    with urllib.request.urlopen(f"{WATCHER}/sentinels", timeout=2) as answer:  # an error unless 200
        pairs = [address.rpartition(":") for address in answer.read().decode().split(",")]
    options = {"socket_timeout": 0.5, **({"ssl": True, "ssl_ca_certs": CA} if CA != "-" else {})}
    sentinel = Sentinel([(host.strip("[]"), int(port)) for host, _, port in pairs],
                        sentinel_kwargs={"password": SENTINEL_PASSWORD, **options})
    return sentinel.master_for(GROUP, password=REDIS_PASSWORD, **options)


def main():
    client, number = None, 0
    while True:
        try:
            client = client or connect()
            client.set(f"count:{number}", number)
        except (redis.RedisError, OSError) as error:
            print(error, file=sys.stderr)
            if client:
                client.connection_pool.disconnect()
            client = None
            time.sleep(0.1)
            continue
        print(number, flush=True)
        number += 1
        time.sleep(int(PAUSE) / 1000)


main()
