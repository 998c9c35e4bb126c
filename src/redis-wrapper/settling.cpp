#include "redis-wrapper/settling.h"

#include <chrono>
#include <utility>

#include "daemon/master_wait.h"

namespace redis_zk::redis_wrapper {

namespace {

using Action = Decision::Action;

// How often an undecided start looks again although ZooKeeper said nothing: a Redis that comes up says
// nothing.
constexpr Duration kLookAgain = 500ms;
// A node that lost its session registers again within two thirds of it, for so long its client waits for a
// server that does not answer, and this.
constexpr Duration kRegistersAgain = 2s;

}  // namespace

Settling::Settling(const WrapperOptions& options, const redis::Network& network, daemon::WrapperLoop& loop,
                   daemon::AddressClaim& address_claim, DatasetKeeper& keeper, Lookup& lookup,
                   zookeeper::Lock& lock, store::Member& self)
    : options_(options),
      loop_(loop),
      address_claim_(address_claim),
      keeper_(keeper),
      lookup_(lookup),
      lock_(lock),
      self_(self),
      failover_request_(options.common, network, self.endpoint),
      former_owner_(options.common, options.server.master_wait_timeout, self.endpoint, network,
                    loop.registry()) {}

OrExit<Decision> Settling::Settle() {
  daemon::MasterWait wait(loop_, options_.server.master_wait_timeout);
  while (true) {
    loop_.TakeZooKeeperNews();
    if (const auto code = address_claim_.Await()) return tl::unexpected(*code);
    auto settled = TrySettle();
    if (!settled && settled.error().kind == ErrorKind::kNotFound) {
      // The first of the group makes what is missing; any node does when it was deleted.
      const auto made = loop_.registry().groups.Ensure(options_.common.master_name);
      settled = made ? TrySettle() : tl::unexpected(made.error());
    }
    if (settled && settled->has_value()) return **settled;
    if (!settled) {
      answered_since_.reset();
      wait_ = daemon::WaitAfter(settled.error(), "zookeeper-request", "cannot find the group's master");
    }
    if (const auto code = wait.Await(kLookAgain, wait_)) return tl::unexpected(*code);
  }
}

Result<std::optional<Decision>> Settling::TrySettle() {
  if (auto registered = Register(); !registered) return tl::unexpected(registered.error());
  auto listed = former_owner_.Check();
  if (!listed) return tl::unexpected(listed.error());
  if (*listed) {
    wait_ = std::move(**listed);
    return std::nullopt;
  }
  auto decision = LookAndDecide(false);
  if (!decision) return tl::unexpected(decision.error());
  if (decision->needs_lock) {
    auto locked = DecideUnderLock();
    if (!locked) return locked;
    if (!locked->has_value()) {
      wait_ = {.name = "start-lock",
               .sentence = "another node of the group holds the start lock; waiting until that node serves"};
      return std::nullopt;
    }
    decision = std::move(**locked);
  }
  if (decision->action != Action::kWait) return *decision;
  if (auto waits = Wait(*decision); !waits) return tl::unexpected(waits.error());
  return std::nullopt;
}

Status Settling::Register() {
  // Before anybody sees this node: what failed says nothing about files that have changed since.
  if (!reviewed_) {
    if (auto reviewed = keeper_.ReviewLoads(); !reviewed) return reviewed;
    reviewed_ = true;
  }
  self_.serving = false;
  self_.incomplete = false;
  return loop_.registry().members.Register(options_.common.master_name, self_);
}

Result<Decision> Settling::LookAndDecide(bool locked) {
  auto view = lookup_.Look(self_, locked);
  if (!view) return tl::unexpected(view.error());
  const auto awaited =
      awaited_ + (awaiting_since_ ? Clock::now() - *awaiting_since_ : Clock::duration::zero());
  view->patient = awaited < options_.cold_start_wait;
  view->own_append_only = keeper_.plan().loads == LoadPlan::Loads::kAppendOnly;
  if (!answered_since_) answered_since_ = Clock::now();
  view->all_registered =
      Clock::now() - *answered_since_ >= options_.common.zk_session_timeout + kRegistersAgain;
  record_ = view->record;
  Decision decision = Decide(*view);
  if (decision.action == Action::kWait) CountWait(decision);
  return decision;
}

void Settling::CountWait(const Decision& decision) {
  const TimePoint now = Clock::now();
  if (decision.awaits_datasets) {
    if (!awaiting_since_) awaiting_since_ = now;
    return;
  }
  if (awaiting_since_) awaited_ += std::chrono::duration_cast<Duration>(now - *awaiting_since_);
  awaiting_since_.reset();
  // A node that starts, fails and is missed again is waited for once. All others that are waited for may be
  // gone in a moment, and then the absent are worth a wait of their own.
  if (!decision.awaits_start) awaited_ = {};
}

Result<std::optional<Decision>> Settling::DecideUnderLock() {
  const auto held = lock_.Acquire();
  if (!held) return tl::unexpected(held.error());
  if (!*held) return std::nullopt;
  return LookAndDecide(true).map([](Decision&& decision) { return std::optional(std::move(decision)); });
}

Status Settling::Wait(const Decision& decision) {
  wait_ = {.name = decision.wait, .sentence = decision.reason, .needs_person = decision.needs_person};
  if (decision.awaits_datasets && awaiting_since_)
    wait_.until = *awaiting_since_ + options_.cold_start_wait - awaited_;
  if (decision.disputed) keeper_.ReportDisputed(Clock::now());
  if (auto released = lock_.Release(); !released) return released;
  if (decision.ask_failover)
    failover_request_.Ask(lookup_.sentinels(), /*recorded=*/true,
                          "a running replica holds the data of this empty master", Clock::now());
  return {};
}

}  // namespace redis_zk::redis_wrapper
