// SPDX-License-Identifier: Apache-2.0
//
// The rules by which a Model predicts, each with the function of the kernel (or of core) that it
// was read in. A Model can be made without one of them, to see that its absence is noticed.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>

namespace nsgate::model {

enum class Rule : std::uint8_t {
  closed_descriptor,
  path_descriptor,
  setns_of_another_type,
  setns_of_no_namespace,
  setns_of_a_pidfd_needs_types,
  setns_of_the_reaped,
  setns_needs_ptrace_access,
  setns_of_the_dead,
  own_user_namespace,
  user_namespace_with_threads,
  user_namespace_needs_admin,
  netns_needs_admin_of_its_owner,
  netns_needs_admin_of_ones_own,
  joining_gives_capabilities,
  joining_takes_dumpable,
  owner_keeps_dumpable,
  unshare_user_with_threads,
  unshare_user_unmapped,
  unshare_net_needs_admin,
  unshare_user_gives_capabilities,
  map_needs_own_file,
  map_of_root_needs_setfcap,
  owner_is_capable,
  other_uid_needs_ptrace,
  undumpable_needs_ptrace,
  ended_undumpable_needs_ptrace,
  more_capabilities_need_ptrace,
  effective_decides_for_files,
  own_process_is_accessible,
  proc_of_the_reaped,
  proc_of_an_ended_thread,
  proc_refuses,
  proc_net_of_the_dead,
  refused_link_leads_to_its_directory,
  pidfd_of_the_reaped,
  pidfd_of_a_thread,
  no_pidfd_ioctl_yet,
  pidfd_ioctl_of_another,
  pidfd_ioctl_of_the_reaped,
  pidfd_ioctl_of_the_dead,
  pidfd_ioctl_needs_access,
  ioctl_of_no_namespace,
  owner_out_of_sight,
  parent_of_a_netns,
  socket_net_of_no_socket,
  socket_net_needs_net_admin,
  cookie_of_no_socket,
  no_cookie_yet,
  take_of_no_pidfd,
  take_of_the_reaped,
  take_needs_access,
  take_from_the_dead,
  take_of_a_closed_one,
  become_unmapped,
  become_needs_setid,
  other_uid_loses_capabilities,
  other_uid_takes_dumpable,
  reap_twice,
  reap_alive,
  core_wrong_kind,
  core_cannot_read_its_fdinfo,
  core_credentials_unmapped,
};
inline constexpr std::size_t rules = static_cast<std::size_t>(Rule::core_credentials_unmapped) + 1;

struct RuleText {
  std::string_view name;
  std::string_view source;
};
extern const std::array<RuleText, rules> rule_texts;

inline const RuleText& text_of(Rule rule) { return rule_texts[static_cast<std::size_t>(rule)]; }

}  // namespace nsgate::model
