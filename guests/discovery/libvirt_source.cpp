#include "guests/discovery/libvirt_source.hpp"

#include <libvirt/libvirt-qemu.h>
#include <libvirt/virterror.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <cstdlib>
#include <set>

#include "guests/discovery/domain_xml.hpp"
#include "guests/discovery/guest_source.hpp"
#include "guests/discovery/libvirt_write_rate.hpp"
#include "guests/discovery/qemu_monitor.hpp"
#include "guests/discovery/run_state.hpp"
#include "guests/model/listed_guest.hpp"
#include "guests/process/files.hpp"
#include "qmp/message.hpp"

namespace vnuma {
namespace {

using std::chrono::steady_clock;
using SharedDomain = std::shared_ptr<virDomain>;

constexpr const char* no_answer = "libvirt does not answer for it";

// What one domain says of itself, in the three calls that takes.
struct Description {
    bool gone = false;
    std::string trouble;  // libvirt's, with this domain only
    RunState state = RunState::unknown;
    std::string xml;
};

int job_operation(virDomainPtr domain) {
    // A job nobody can name, such as an incoming migration's: leave it alone.
    constexpr int unnamed = VIR_DOMAIN_JOB_OPERATION_MIGRATION_IN;
    virDomainJobInfo job{};
    if (virDomainGetJobInfo(domain, &job) != 0)
        return virGetLastErrorCode() == VIR_ERR_NO_SUPPORT ? VIR_DOMAIN_JOB_OPERATION_UNKNOWN
                                                           : unnamed;
    if (job.type == VIR_DOMAIN_JOB_NONE) return VIR_DOMAIN_JOB_OPERATION_UNKNOWN;
    int type = 0, count = 0, operation = VIR_DOMAIN_JOB_OPERATION_UNKNOWN;
    virTypedParameterPtr fields = nullptr;
    if (virDomainGetJobStats(domain, &type, &fields, &count, 0) != 0) return unnamed;
    virTypedParamsGetInt(fields, count, VIR_DOMAIN_JOB_OPERATION, &operation);
    virTypedParamsFree(fields, count);
    return operation;
}

Description describe_now(virDomainPtr domain) {
    Description description;
    const auto failed = [&] {
        description.gone = virGetLastErrorCode() == VIR_ERR_NO_DOMAIN;
        description.trouble = "libvirt: " + libvirt_error();
        return description;
    };
    int state = 0, reason = 0;
    if (virDomainGetState(domain, &state, &reason, 0) != 0) return failed();
    description.state = state_of_libvirt(state, reason, job_operation(domain));
    const std::unique_ptr<char, decltype(&std::free)> xml(virDomainGetXMLDesc(domain, 0),
                                                          std::free);
    if (!xml) return failed();
    description.xml = xml.get();
    return description;
}

std::vector<SharedDomain> list_now(virConnectPtr connection) {
    virDomainPtr* handles = nullptr;
    const int count =
        virConnectListAllDomains(connection, &handles, VIR_CONNECT_LIST_DOMAINS_ACTIVE);
    if (count < 0) throw SourceError("libvirt: " + libvirt_error());
    std::vector<SharedDomain> domains;
    domains.reserve(static_cast<std::size_t>(count));
    for (int i = 0; i < count; ++i)
        domains.emplace_back(handles[i], virDomainFree);
    std::free(handles);
    return domains;
}

std::optional<pid_t> read_pid(const std::string& directory, const std::string& name) {
    const auto text = read_small_file(directory + "/" + name + ".pid");
    pid_t pid = 0;
    if (!text || std::from_chars(text->data(), text->data() + text->size(), pid).ec != std::errc())
        return std::nullopt;
    return pid;
}

// The monitor behind libvirt. It marks the domain as tainted ("custom-monitor").
class PassedThrough : public Monitor {
  public:
    explicit PassedThrough(virDomainPtr domain) : domain_(domain) {}

    nlohmann::json execute(const std::string& command, const nlohmann::json& arguments) override {
        char* text = nullptr;
        nlohmann::json request{{"execute", command}};  // libvirt adds an id of its own
        if (!arguments.is_null()) request["arguments"] = arguments;
        const std::string line = request.dump();
        if (virDomainQemuMonitorCommand(domain_, line.c_str(), &text, 0) != 0)
            throw MonitorError("libvirt: " + libvirt_error());
        const std::unique_ptr<char, decltype(&std::free)> owned(text, std::free);
        qmp::Message message = qmp::parse_message(text);
        if (auto* reply = std::get_if<qmp::Reply>(&message)) return std::move(reply->value);
        const auto* refusal = std::get_if<qmp::Refusal>(&message);
        throw MonitorRefusal("its monitor refuses " + command + ": " +
                             (refusal ? refusal->description : "no answer"));
    }

  private:
    virDomainPtr domain_;
};

RamView ask_through(virConnectPtr connection, const std::string& uuid) {
    const DomainHandle domain(virDomainLookupByUUIDString(connection, uuid.c_str()));
    if (!domain) throw MonitorError("libvirt: " + libvirt_error());
    PassedThrough monitor(domain.get());
    return ask_ram_view(monitor);
}

}  // namespace

LibvirtSource::LibvirtSource(LibvirtSettings settings) : settings_(std::move(settings)) {
    // Its default is to print every error to stderr; ours carry the words where they belong.
    virSetErrorFunc(nullptr, [](void*, virErrorPtr) {});
}

void LibvirtSource::connect() {
    if (connection_ && connection_->alive()) return;
    if (connection_) {
        connection_.reset();
        wait_ = least_wait;  // it did work: the first attempt to come back is made at once
    } else if (steady_clock::now() < next_attempt_) {
        throw SourceError(last_failure_);
    }
    try {
        const auto opened = calls_.run(
            "", [uri = settings_.uri] { return std::make_shared<LibvirtConnection>(uri); },
            connect_limit);
        if (!opened) throw SourceError("libvirt at " + settings_.uri + " does not answer");
        connection_ = *opened;
        wait_ = least_wait;
    } catch (const SourceError& error) {
        last_failure_ = error.what();
        next_attempt_ = steady_clock::now() + wait_;
        wait_ = std::min(2 * wait_, most_wait);
        throw;
    }
}

std::vector<SharedDomain> LibvirtSource::list_domains() {
    auto listed = calls_.run(
        "", [connection = connection_] { return list_now(connection->get()); }, connect_limit);
    if (!listed) throw SourceError("libvirt at " + settings_.uri + " does not answer");
    return std::move(*listed);
}

std::vector<ListedGuest> LibvirtSource::list() {
    connect();
    std::vector<ListedGuest> guests;
    std::set<std::string> seen;
    for (const SharedDomain& domain : list_domains()) {
        ListedGuest guest = describe(domain);
        if (guest.uuid.empty()) continue;
        seen.insert(guest.uuid);
        guests.push_back(std::move(guest));
    }
    // A list that ends in the middle would look as if guests had gone.
    if (!connection_->alive()) throw SourceError("libvirt at " + settings_.uri + " has gone");
    std::erase_if(known_, [&](const auto& entry) { return !seen.contains(entry.first); });
    return guests;
}

// One that has vanished since it was listed comes back without a uuid.
ListedGuest LibvirtSource::describe(const SharedDomain& domain) {
    std::array<char, VIR_UUID_STRING_BUFLEN> uuid{};
    if (virDomainGetUUIDString(domain.get(), uuid.data()) != 0) return {};
    ListedGuest guest;
    guest.uuid = uuid.data();
    guest.name = virDomainGetName(domain.get());
    guest.pid = read_pid(settings_.pid_directory, guest.name);
    auto description = calls_.run(
        guest.uuid, [domain] { return describe_now(domain.get()); }, call_limit);
    if (description && description->gone) return {};
    if (!description || !description->trouble.empty()) {
        guest.unsteady = description ? description->trouble : no_answer;
        const auto known = known_.find(guest.uuid);
        if (known != known_.end()) guest.domain = known->second.domain;
        return guest;
    }
    guest.state = description->state;
    guest.unsteady = why_unsteady(guest.state);
    const Known& known = know(guest.uuid, std::move(description->xml));
    guest.domain = known.domain;
    if (!known.domain && guest.unsteady.empty()) guest.unsteady = known.trouble;
    return guest;
}

const LibvirtSource::Known& LibvirtSource::know(const std::string& uuid, std::string xml) {
    Known& known = known_[uuid];
    if (known.xml == xml && !xml.empty()) return known;
    std::string error;
    auto domain = parse_domain(xml, error);
    known.trouble = domain ? "" : "its XML cannot be used: " + error;
    known.domain = domain ? std::make_shared<const Domain>(std::move(*domain)) : nullptr;
    known.xml = std::move(xml);
    return known;
}

template <typename Question>
auto LibvirtSource::ask(const std::string& uuid, Question question) {
    if (!connection_) throw MonitorError("libvirt has gone");
    if (!calls_.hangs(uuid) && calls_.hung() >= max_hung_monitors)
        throw MonitorError("its monitor is not asked while those of others do not answer");
    auto answer = calls_.run(
        uuid, [connection = connection_, question] { return question(connection->get()); },
        call_limit);
    if (!answer) throw MonitorError("its monitor does not answer");
    return std::move(*answer);
}

RamView LibvirtSource::read_ram_view(const std::string& uuid) {
    return ask(uuid, [uuid](virConnectPtr connection) { return ask_through(connection, uuid); });
}

bool LibvirtSource::start_write_measurement(const std::string& uuid,
                                            std::chrono::seconds duration) {
    const auto known = known_.find(uuid);
    const bool ring =
        known != known_.end() && known->second.domain && known->second.domain->dirty_ring;
    return ask(uuid, [uuid, duration, ring](virConnectPtr connection) {
        return start_write_measurement_by(connection, uuid, duration, ring);
    });
}

WriteMeasurement LibvirtSource::read_write_measurement(const std::string& uuid) {
    return ask(uuid, [uuid](virConnectPtr connection) {
        return read_write_measurement_by(connection, uuid);
    });
}

}  // namespace vnuma
