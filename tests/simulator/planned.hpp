// vnumad: the planner and its history.
#pragma once

#include "policy/learn.hpp"
#include "policy/planner.hpp"
#include "tests/simulator/balancer.hpp"

namespace vnuma::simulator {

class Planned : public Balancer {
  public:
    // With `advises` it says where a guest should start. Otherwise it sees guests once they run.
    explicit Planned(const PlannerSettings& settings = {}, bool advises = false)
        : settings_(settings), advises_(advises) {}

    const char* name() const override { return advises_ ? "vnumad, asked first" : "vnumad"; }
    Bytes pace() const override { return settings_.pace; }
    std::vector<Order> place(const Snapshot& host,
                             const std::vector<GuestState>& newcomers) override;
    std::vector<Order> decide(const Snapshot& host) override;
    void learn(const Snapshot& host, const std::vector<Outcome>& outcomes) override;

    const Plan& last_plan() const { return plan_; }
    const History& history() const { return history_; }

  private:
    PlannerSettings settings_;
    bool advises_;
    Plan plan_;
    History history_;
};

}  // namespace vnuma::simulator
