# Compose 2 beside the 1.29 of Debian 12; it talks to the same engine.
FROM debian:trixie-slim
RUN apt-get update \
 && apt-get install -y --no-install-recommends docker-cli docker-compose \
 && rm -rf /var/lib/apt/lists/*
ENTRYPOINT ["docker", "compose"]
