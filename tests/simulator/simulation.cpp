#include "tests/simulator/simulation.hpp"

#include "policy/learn.hpp"

namespace vnuma::simulator {

Simulation::Simulation(const Trace& trace, Balancer& balancer)
    : balancer_(balancer), host_(trace, tick_length) {}

bool Simulation::step() {
    if (host_.is_over()) return false;
    const std::vector<GuestState> newcomers = host_.prepare_guests();
    if (!newcomers.empty()) {
        const std::vector<Order> places = balancer_.place(host_.snapshot(), newcomers);
        host_.start_guests();
        host_.carry_out(places, 0);
    }
    host_.run();
    seen_ = host_.snapshot();
    orders_ = balancer_.decide(seen_);
    outcomes_ = host_.carry_out(orders_, balancer_.pace() * tick_length / 1000);
    balancer_.learn(seen_, outcomes_);
    return true;
}

Figures play(const Trace& trace, Balancer& balancer) {
    Simulation simulation(trace, balancer);
    while (simulation.step()) {
    }
    return simulation.figures();
}

}  // namespace vnuma::simulator
