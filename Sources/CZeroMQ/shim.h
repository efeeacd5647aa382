// libzmq's header, and constants that Swift cannot import from it: macros that are made of other macros, and options
// that Debian's header declares as drafts although the library has them.
#pragma once
#include <errno.h>
#include <zmq.h>

/// Option of a socket: refuse connections of a ZAP domain while no ZAP handler answers.
static const int czmq_zap_enforce_domain = 93;

/// Option of a context: received frames refer to the buffer in which they arrived.
static const int czmq_zero_copy_receive = 10;

/// libzmq's own error number.
static const int czmq_context_terminated = ETERM;
