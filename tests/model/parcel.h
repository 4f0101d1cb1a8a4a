// SPDX-License-Identifier: Apache-2.0
//
// A descriptor on its way between processes (unix(7), SCM_RIGHTS).
#pragma once

namespace nsgate::model {

/// Returns 0 or an errno.
int send_descriptor(int socket, int fd);
/// -1, with errno set, when there is none.
int receive_descriptor(int socket);

}  // namespace nsgate::model
