// accept(2) and accept4(2) for the libraries of this process, libzmq above all.
//
// libzmq 4.3.4 aborts the process when it cannot accept a connection over a unix socket because the process has no
// descriptor left (EMFILE): its list of harmless errors names only the system's lack of them (ENFILE). So EMFILE becomes
// ENFILE here, after a pause: libzmq tries again at once, for as long as the connection waits. A program's own functions
// come before the C library's.
#pragma once

/// The pause after an attempt that failed for lack of a descriptor.
static const int acceptance_pause_microseconds = 2000;
