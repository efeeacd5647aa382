// libzmq's header, and its constants that Swift cannot import: macros made of other macros, and options that
// Debian's header declares as drafts although the library has them.
#pragma once
#include <errno.h>
#include <zmq.h>

/// Refuse connections of a ZAP domain while no ZAP handler answers.
static const int czmq_zap_enforce_domain = 93;

/// Whether received frames refer to the buffer that they arrived in: an option of a context.
static const int czmq_zero_copy_receive = 10;

/// libzmq's own error numbers.
static const int czmq_context_terminated = ETERM;
static const int czmq_wrong_state = EFSM;
static const int czmq_incompatible_protocol = ENOCOMPATPROTO;
static const int czmq_no_thread = EMTHREAD;
