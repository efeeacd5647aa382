// libzmq's header, and its constants that Swift cannot import: macros made of other macros, and an option that
// Debian's header declares as a draft although the library has it.
#pragma once
#include <errno.h>
#include <zmq.h>

/// Refuse connections of a ZAP domain while no ZAP handler answers.
static const int czmq_zap_enforce_domain = 93;

/// libzmq's own error numbers.
static const int czmq_context_terminated = ETERM;
static const int czmq_wrong_state = EFSM;
static const int czmq_incompatible_protocol = ENOCOMPATPROTO;
static const int czmq_no_thread = EMTHREAD;
