#include "redis-wrapper/options.h"

#include "process/server_conf.h"

namespace redis_zk::redis_wrapper {

WrapperOptions ReadWrapperOptions(int argc, const char* const* argv) {
  WrapperOptions wrapper;
  Options options(
      "redis-wrapper",
      "Asks ZooKeeper who the master is, under a lock, launches redis-server as master or replica and "
      "stays as its supervisor.");
  AddCommonOptions(options, &wrapper.common);
  AddServerOptions(options, "6379", &wrapper.server);
  options.Add({"REDIS_CONF", "your redis.conf; what it sets is kept", "/etc/redis/redis.conf"}, ParseText,
              &wrapper.redis_conf);
  options.Add({"REDIS_SERVER_BIN", "the server to launch", "redis-server"}, ParseText,
              &wrapper.redis_server_bin);
  options.AddCheck([&] { return process::CheckReadable("REDIS_CONF", wrapper.redis_conf); });
  ReadOptionsOrExit(options, argc, argv);
  wrapper.redis_conf = process::AbsolutePath(wrapper.redis_conf);
  return wrapper;
}

}  // namespace redis_zk::redis_wrapper
