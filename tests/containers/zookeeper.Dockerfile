# Stands for the official zookeeper image where that cannot be pulled: one server on 2181, its data in a volume. It
# knows none of that image's variables.
FROM debian:trixie-slim
RUN apt-get update \
 && mkdir -p /usr/share/man/man1 \
 && apt-get install -y --no-install-recommends zookeeper default-jre-headless \
 && rm -rf /var/lib/apt/lists/* \
 && install -d -o zookeeper -g zookeeper /data \
 && printf 'tickTime=500\ndataDir=/data\nclientPort=2181\nadmin.enableServer=false\n4lw.commands.whitelist=*\n' >/zoo.cfg
USER zookeeper
VOLUME /data
EXPOSE 2181
ENTRYPOINT ["java", "-Xms64m", "-Xmx256m", "-cp", "/etc/zookeeper/conf:/usr/share/java/zookeeper.jar", \
            "org.apache.zookeeper.server.ZooKeeperServerMain", "/zoo.cfg"]
