# What is installed beside the daemons, and Debian packages: `cpack -G DEB`, from a build folder.
#
# `cmake --install` puts everything below its prefix, where it disturbs nobody: the configuration files are examples
# there. The package puts them into /etc/redis-zk as well, not into /etc/redis, which is the package redis-server's, and
# brings one systemd unit for each daemon, which starts nothing until it is enabled.
#
# One package holds all three daemons: they share their libraries and their configuration, and an engineer
# needs `watcher` on every machine for its commands.
include(GNUInstallDirs)

set(conf conf/redis.conf conf/sentinel.conf conf/watcher.toml)
install(TARGETS redis-wrapper sentinel-wrapper watcher COMPONENT daemons)
install(FILES ${conf} conf/haproxy.cfg conf/prometheus-alerts.yml conf/grafana-dashboard.json
  conf/zookeeper-tunnel.conf DESTINATION ${CMAKE_INSTALL_DATADIR}/redis-zk COMPONENT daemons OPTIONAL)
install(FILES README.md CHANGELOG.md DESTINATION ${CMAKE_INSTALL_DOCDIR} COMPONENT daemons OPTIONAL)
install(DIRECTORY docs/ DESTINATION ${CMAKE_INSTALL_DOCDIR}/docs COMPONENT daemons OPTIONAL)

# Of the package alone: an ordinary install leaves /etc and systemd alone.
install(FILES ${conf} packaging/common.env DESTINATION /etc/redis-zk COMPONENT system EXCLUDE_FROM_ALL OPTIONAL)
install(FILES packaging/systemd/redis-zk-redis-wrapper.service packaging/systemd/redis-zk-sentinel-wrapper.service
  packaging/systemd/redis-zk-watcher.service DESTINATION lib/systemd/system COMPONENT system EXCLUDE_FROM_ALL OPTIONAL)
install(DIRECTORY packaging/systemd/stunnel@redis-zk.service.d DESTINATION lib/systemd/system COMPONENT system
  EXCLUDE_FROM_ALL OPTIONAL)

set(CPACK_GENERATOR DEB)
set(CPACK_PACKAGE_NAME redis-zk)
set(CPACK_PACKAGE_CONTACT "redis-zk <root@localhost>")
set(CPACK_PACKAGE_DESCRIPTION_SUMMARY "highly available Redis behind ZooKeeper, wherever its servers come up")
set(CPACK_DEBIAN_PACKAGE_DESCRIPTION "redis-wrapper decides through ZooKeeper whether its Redis is the master or a replica,
sentinel-wrapper launches Sentinel on the master, and the watcher keeps the master in
ZooKeeper true and tells clients where the Sentinels are.")
set(CPACK_DEBIAN_PACKAGE_SECTION database)
set(CPACK_DEBIAN_FILE_NAME DEB-DEFAULT)
set(CPACK_DEBIAN_PACKAGE_SHLIBDEPS ON)
# A watcher needs no Redis on its machine.
set(CPACK_DEBIAN_PACKAGE_RECOMMENDS "redis-server | valkey-server, redis-sentinel | valkey-sentinel")
set(CPACK_DEBIAN_PACKAGE_CONTROL_EXTRA ${PROJECT_SOURCE_DIR}/packaging/conffiles)
set(CPACK_STRIP_FILES ON)
# /etc is outside of the prefix, and must come into the package and not into this machine's.
set(CPACK_SET_DESTDIR ON)
set(CPACK_INSTALL_PREFIX /usr)
set(CPACK_DEB_COMPONENT_INSTALL ON)
set(CPACK_COMPONENTS_GROUPING ALL_COMPONENTS_IN_ONE)
set(CPACK_COMPONENTS_ALL daemons system)
set(CPACK_VERBATIM_VARIABLES ON)
include(CPack)
