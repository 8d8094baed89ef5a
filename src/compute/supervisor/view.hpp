// The file system as a program sees it: put together in namespaces of its own before it starts, from words that tarn
// gives. Needs no privilege, but a kernel (5.12 or later) that lets anybody make user namespaces.
//
// Of the words, in this order: "at" FOLDER (an empty one, where the view is put together), "ids" USER GROUP (what the
// program is in its own eyes), one of
//   "root-tmpfs"                  an empty root; folders and files are made as the following words need them
//   "root-bind" FOLDER            that folder, not to be written
//   "root-overlay" LOWER UPPER WORK   what is written goes to UPPER
// and any of
//   "bind" HOST PLACE             not to be written; what is mounted below it comes along
//   "bind-rw" HOST PLACE
//   "overlay" PLACE LOWERS        several folders, the uppermost first, joined by ':'; not to be written
//   "tmpfs" PLACE SIZE            empty, of at most so many bytes
//   "proc" PLACE                  of the program's own processes
//   "dev" PLACE                   null, zero, full, random, urandom
//   "folder" PLACE, "link" TARGET PLACE, "text" PLACE CONTENT
//   "start" PLACE                 where the program starts; "/" when it is not said
//   "seal"                        the root itself is not to be written from here on
// A place is a path within the view; no link leads out of it.
#pragma once

namespace tarn::compute::supervisor {

// Whether `words` begin with a view; how many they are.
int view_words(char** words, int count);

// Makes the view of these words and goes there. To be called by the first process of new user, mount and process
// namespaces. 0, or the errno of what failed; what that was is told on standard error.
int enter_view(char** words, int count, unsigned outer_user, unsigned outer_group);

// Gives up every privilege in the namespaces. 0 or an errno.
int drop_privileges();

}  // namespace tarn::compute::supervisor
