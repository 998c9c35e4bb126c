# The tests as the images' build stage compiles them: Debian 13, g++ 14, hiredis 1.2, cpp-httplib 0.18, Redis 8.
FROM redis-zk/build
RUN apt-get update \
 && mkdir -p /usr/share/man/man1 \
 && apt-get install -y --no-install-recommends default-jre-headless golang-go golang-gopkg-redis.v5-dev \
      libgmock-dev libgtest-dev python3-kazoo python3-pytest python3-redis redis-sentinel redis-server zookeeper \
 && rm -rf /var/lib/apt/lists/*
COPY tests tests
COPY conf conf
RUN cmake --preset release -DREDIS_ZK_TESTS=ON \
 && cmake --build --preset release
