// vnumad: the planner, with its memory of what it did.
#pragma once

#include "policy/learn.hpp"
#include "policy/planner.hpp"
#include "tests/simulator/balancer.hpp"

namespace vnuma::simulator {

class Planned : public Balancer {
  public:
    // Asked first, it says where a guest should start; else it finds guests once they run.
    explicit Planned(const PlannerSettings& settings = {}, bool asked_first = false)
        : settings_(settings), asked_first_(asked_first) {}

    const char* name() const override { return asked_first_ ? "vnumad, asked first" : "vnumad"; }
    Bytes pace() const override { return settings_.pace; }
    std::vector<Order> place(const Snapshot& host,
                             const std::vector<GuestState>& newcomers) override;
    std::vector<Order> decide(const Snapshot& host) override;
    void learn(const Snapshot& host, const std::vector<Outcome>& outcomes) override;

    const Plan& last_plan() const { return plan_; }
    const History& history() const { return history_; }

  private:
    PlannerSettings settings_;
    bool asked_first_;
    Plan plan_;
    History history_;
};

}  // namespace vnuma::simulator
