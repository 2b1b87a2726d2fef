// `vnumactl top`: see src/ctl/top.
#include "src/ctl/top/top.hpp"

#include <CLI/CLI.hpp>
#include <chrono>
#include <cmath>
#include <memory>

#include "src/ctl/verbs.hpp"

namespace vnuma::ctl {
namespace {

constexpr double least_seconds = 0.2, most_seconds = 60;

}  // namespace

void add_top(CLI::App& app, Context& context) {
    CLI::App* verb = add_verb(app, asking,
                              {"top", "full-screen live view; the key ? tells what keys do",
                               "vnumactl top --interval 2"});
    const auto seconds = std::make_shared<double>(1);
    verb->add_option("--interval", *seconds, "between two looks (1)")
        ->type_name("SECONDS")
        ->check(CLI::Range(least_seconds, most_seconds));
    verb->callback([&context, seconds] {
        context.run = [&context, seconds] {
            TopOptions options;
            options.interval = std::chrono::milliseconds(std::llround(*seconds * 1000));
            return run_top(context.connection(), options);
        };
    });
}

}  // namespace vnuma::ctl
