// SPDX-License-Identifier: Apache-2.0
//
// Which network namespace a socket belongs to, as the kernel tells through the socket.
#pragma once

#include <cstdint>
#include <expected>

#include "support/namespaces.h"

namespace nsgate::test {

/// By SIOCGSKNS, since Linux 4.10. Needs CAP_NET_ADMIN there; throws std::system_error.
NamespaceId netns_of_socket(const Fd& socket);

/// SO_NETNS_COOKIE, or the errno of getsockopt(2).
std::expected<std::uint64_t, int> cookie_of_socket(const Fd& socket);

}  // namespace nsgate::test
