// Parsers for libvirt's XML of a domain. Pure.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "guests/model/domain.hpp"

namespace pugi {
class xml_node;
}

namespace vnuma {

// The number of vCPUs of QEMU's largest machine, pc-q35 (max_cpus in hw/i386/pc_q35.c). KVM on x86
// has the same limit (CONFIG_KVM_MAX_NR_VCPUS).
inline constexpr int max_vcpus = 4096;

// Returns nothing if the text is not the XML of a domain; `error` is then a sentence that says why.
// A detail of it that cannot be understood is left out and adds a sentence to Domain::problems that
// names the element and the attribute.
std::optional<Domain> parse_domain(const std::string& xml, std::string& error);

// The part of parse_domain() for <memoryBacking>, <currentMemory> and <launchSecurity>. Needs the
// domain's cells.
void parse_memory(const pugi::xml_node& root, Domain& domain);

// The part for memory devices: their sizes, cells, pages and the owner's wishes.
void parse_memory_devices(const pugi::xml_node& root, Domain& domain);

// The part for all other devices below <devices>: what they are to placement.
void parse_devices(const pugi::xml_node& devices, Domain& domain);

// The part of parse_domain() for <cputune>, <numatune> and the attributes of <vcpu>. `vcpus` is the
// value of <vcpu>. A pin that cannot be read is left out: it is in force in the affinities and
// cpusets of the guest's threads. A memory policy that cannot be read is not NumaTune::understood.
void parse_tuning(const pugi::xml_node& root, int vcpus, Domain& domain);

// The part for Domain::iothread_cells: of disks and controllers below <devices>.
std::map<int, int> parse_iothread_cells(const pugi::xml_node& devices);

// The namespace of the element that docs/policy-metadata.rng describes. The prefix is free.
inline constexpr const char* policy_namespace = "https://vnumad.org/xmlns/policy/1.0";

// The part of parse_domain() for vnumad's policy in <metadata>, which libvirt does not validate.
// An attribute that cannot be read is left out and adds a problem. A policy with a problem is not
// what its owner meant, so its mode is at most observe.
PolicyOverrides parse_policy(const pugi::xml_node& domain, std::vector<std::string>& problems);

}  // namespace vnuma
