// Whether the end of a server proves that it could not load its data: functions of values. Everything else
// that ends a server (a missing module, a taken port, a signal, the OOM killer) says nothing about them.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "daemon/server_runner.h"
#include "redis/load_failure.h"

namespace redis_zk::redis_wrapper {

// Why the load failed; nothing: there is no proof that it did.
std::optional<redis::LoadCause> FindFailedLoad(const daemon::Start& start);

// The error line about it: what is in `dir`, `before` failed loads of it, and `damage` of a file that can be
// seen without loading it (empty: none).
std::string DescribeFailedLoad(const daemon::Start& start, const std::string& dir, std::int64_t before,
                               const std::string& damage);

}  // namespace redis_zk::redis_wrapper
