// Elastic IPs. The addresses come from the block that is for measurements between networks (RFC 2544) and is never
// routed: an address that tarn gives must be nobody else's.
#pragma once

#include "network/records.hpp"

namespace tarn::network {

// Maps a free address to the interface, in both records. One that is in use throws Error (caller,
// Resource.AlreadyAssociated). Returns the address.
Value associate_with_interface(Records& records, const std::string& allocation_id, const std::string& interface_id);
// Unmaps whatever address the interface has.
void release_from_interface(Records& records, const std::string& interface_id);

}  // namespace tarn::network
