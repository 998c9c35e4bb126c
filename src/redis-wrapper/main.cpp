#include "base/log.h"
#include "base/signals.h"
#include "redis-wrapper/options.h"
#include "redis-wrapper/wrapper.h"

int main(int argc, char** argv) {
  const redis_zk::BlockedSignals signals;
  const auto options = redis_zk::redis_wrapper::ReadWrapperOptions(argc, argv);
  redis_zk::InitLog(options.common.log_level);
  return redis_zk::redis_wrapper::Wrapper(options, signals).Run();
}
