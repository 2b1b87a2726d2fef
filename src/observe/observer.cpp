#include "src/observe/observer.hpp"

#include <chrono>
#include <optional>

#include "guests/discovery/auto_source.hpp"
#include "guests/discovery/kvm_access.hpp"
#include "guests/discovery/libvirt_source.hpp"
#include "guests/discovery/proc_source.hpp"
#include "guests/discovery/qmp_source.hpp"
#include "guests/discovery/run_state.hpp"
#include "src/observe/page_size_limit.hpp"
#include "src/observe/rival_reader.hpp"

namespace vnuma {
namespace {

// Reading residency may take this part of one CPU's time.
constexpr int residency_divisor = 50;

SamplerSettings sampler_settings(const Config& config) {
    SamplerSettings settings;
    settings.residency = config.residency;
    settings.pagemap = config.pagemap;
    settings.residency_time =
        std::chrono::duration_cast<std::chrono::microseconds>(config.interval) / residency_divisor;
    return settings;
}

// What KVM itself knows is read where the fault counter is used, too.
KvmAccess::Load kvm_loader(const Config& config) {
    const TrackingSettings tracking = tracking_settings(config);
    if (!tracking.attribution || !tracking.may_disturb) return {};
    return load_kvm_reader;
}

std::unique_ptr<ProcSource> make_proc_source(const Config& config) {
    return std::make_unique<ProcSource>(Roots(), std::chrono::steady_clock::now,
                                        kvm_loader(config));
}

class HostObserver final : public Observer {
  public:
    HostObserver(const Config& config, std::unique_ptr<GuestSource> source, bool track)
        : call_time_(config.call_time), source_(std::move(source)) {
        if (track) {
            const TrackingSettings settings = tracking_settings(config);
            tracking_.emplace(settings, choose_trackers(settings, *source_, Roots()),
                              load_fault_counter);
        }
        sampler_.emplace(*source_, tracking_ ? &*tracking_ : nullptr, sampler_settings(config));
    }

    std::vector<ListedGuest> list() override { return sampler_->list(); }
    std::string why_incomplete() override { return source_->why_incomplete(); }
    Sample sample(const std::vector<ListedGuest>& listed, const SampleRequest& request) override {
        Sample sample = sampler_->sample(listed, request);
        mark_large_pages(sample, call_time_);
        return sample;
    }
    std::string why_unsteady(const std::string& uuid) override {
        try {
            return vnuma::why_unsteady(source_->read_state(uuid));
        } catch (const MonitorError& error) {
            return std::string("its state is not known: ") + error.what();
        }
    }
    Host follow(const Host& before) override { return follow_host(before); }
    HostReading read(const Host& host) override { return read_host_state(host); }
    RivalReading read_rivals(const std::vector<ListedGuest>& listed) override {
        return rivals_.read(listed, std::chrono::steady_clock::now());
    }
    std::size_t hung_calls() const override { return source_->hung_calls(); }
    void end() override {
        if (tracking_) tracking_->end();
    }

  private:
    std::chrono::milliseconds call_time_;
    std::unique_ptr<GuestSource> source_;
    std::optional<AccessTracking> tracking_;
    std::optional<Sampler> sampler_;
    RivalReader rivals_;
};

}  // namespace

std::unique_ptr<GuestSource> make_source(const Config& config) {
    LibvirtSettings libvirt = config.libvirt;
    // Until the XML was read after a pin by vnumad, the pin from before would look like the owner's
    // change.
    libvirt.ask_at_every_look = config.pin_by_libvirt;
    switch (source_in_use(config)) {
        case SourceChoice::libvirt:
            return std::make_unique<LibvirtSource>(libvirt);
        case SourceChoice::qmp:
            return std::make_unique<QmpSource>(
                QmpSettings{.directory = config.qmp_dir, .patterns = config.qmp_pattern});
        case SourceChoice::proc:
            return make_proc_source(config);
        case SourceChoice::automatic:
            break;
    }
    return std::make_unique<AutoSource>(
        AutoSource::Libvirt{std::make_unique<LibvirtSource>(libvirt),
                            [uri = libvirt.uri] { return may_have_libvirt(uri); },
                            libvirt.pid_directory},
        make_proc_source(config));
}

std::unique_ptr<Observer> observe_host(const Config& config, std::unique_ptr<GuestSource> source,
                                       bool track) {
    return std::make_unique<HostObserver>(config, std::move(source), track);
}

}  // namespace vnuma
