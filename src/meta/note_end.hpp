// The end of work that nobody waits for: a query, a crawl, a run of a job.
#pragma once

#include <functional>
#include <string_view>

namespace tarn::meta {

// Calls `note`, which writes down how work ended, until it returns: while the disk is full, say, it throws, and what
// ended would seem to run forever. Between two calls a fifth of a second goes by, or less where `given_up` says true:
// then nobody can wait for it any more (tarn stops), and the next start finds the work unfinished. The first failure is
// logged with `what`. False when it gave up. `note` must bear being called again after it threw.
bool note_end(std::string_view what, const std::function<void()>& note, const std::function<bool()>& given_up);

}  // namespace tarn::meta
