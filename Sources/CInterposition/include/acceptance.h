// accept(2) and accept4(2) for the libraries of this process, libzmq above all. A program's own functions come before the C
// library's.
//
// libzmq 4.3.4 aborts the process when it cannot accept a connection over a unix socket because the process has no
// descriptor left (EMFILE): its list of harmless errors names only the system's lack of them (ENFILE). So EMFILE becomes
// ENFILE here, after a pause: libzmq tries again at once, for as long as the connection waits.
//
// The kernel gives a new connection the lowest free number, which is that of the connection that ended last. Messages of the
// ended connection may still be unread then, and libzmq names the connection of a message by its number only. So
// connections can get numbers in turn: an ended one's number is not used again until all others were.
#pragma once

/// The pause after an attempt that failed for lack of a descriptor.
static const int acceptance_pause_microseconds = 2000;

/// New connections get numbers below this one in turn; 0, as at the start: the lowest free number.
void acceptance_take_turns_below(int limit);
