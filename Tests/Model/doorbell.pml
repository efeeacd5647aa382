/*
 * The doorbell exchange: tasks and answers as records in mailboxes in shared memory, a flag that says who sleeps, and a
 * unix socket that wakes.
 *
 * It models Mailbox, AdaptiveSpin, MemberRegion, WorkerRegions, RegionServer and the loops of the coordinator and the worker
 * (LockstepRuntime): one coordinator, WORKERS workers, STEPS steps, TASKS tasks a worker and step, rings of SLOTS records.
 * Within a step the coordinator may go on without a slow worker, or abandon the step and drain what its workers hold.
 * A worker may crash between any two accesses to memory, or say goodbye.
 *
 * Shown: a record is read only once it is whole and is read once (the assertion in receive); what a worker put before a message
 * is handled before the message (the assertion at GOODBYE); no process sleeps while there is a record for it (no invalid end
 * state, although there are no timers); no process polls for ever (no cycle at all); the run ends.
 *
 * Abstractions: stores pass through a first-in-first-out buffer for each process: total store order, which is also what release
 * stores and loads that acquire promise. The spinning before a sleep is no look or one, and other processes
 * run between any two looks. Deadlines never fire. A header and a payload are one number, which must equal the record's
 * sequence number. Peers are honest here: wrong records are the decoders' and the fuzzers' subject. Sockets of libzmq are
 * first-in-first-out channels. A crashed process's last stores become visible. The coordinator handles one message a poll.
 *
 * Mistakes 1 to 6 (-DMISTAKE=n): scripts/support/check-model.py says what they are, and runs the model with each.
 */
#ifndef MISTAKE
#define MISTAKE 0
#endif
#ifndef WORKERS
#define WORKERS 2
#endif
#ifndef STEPS
#define STEPS 3
#endif
#ifndef TASKS
#define TASKS 1
#endif
#ifndef SLOTS
#define SLOTS 1
#endif
#define C WORKERS /* the coordinator's number */

/* Shared memory: for each worker the coordinator's page, then the worker's page; at the end the page of the weights. */
#define PAGE (2 * SLOTS + 2)
#define SEQUENCE 0            /* a record's sequence number */
#define PAYLOAD SLOTS         /* its payload */
#define RECEIVED (2 * SLOTS)  /* how many records the page's owner has received from the other page */
#define ASLEEP (2 * SLOTS + 1)
#define TASKPAGE(w) (2 * (w) * PAGE)
#define ANSWERPAGE(w) (2 * (w) * PAGE + PAGE)
#define COORDINATOR_ASLEEP (2 * WORKERS * PAGE)
byte memory[2 * WORKERS * PAGE + 1];

/*
 * With every fence in place a store buffer is empty before its process loads again, so a delayed store is one that happens
 * later, and stores are immediate. Without a fence (mistakes 1 and 6) they pass through the buffers.
 */
#if MISTAKE == 1 || MISTAKE == 6 || defined(BUFFERED)
chan stores[WORKERS + 1] = [3] of { byte, byte };
#define store(p, address, value) stores[p]!(address), (value)
#define fence(p) len(stores[p]) == 0

active proctype Memory() {
    byte address, value;
end:
    do
    :: atomic { stores[0]?address, value -> memory[address] = value }
#if WORKERS > 1
    :: atomic { stores[1]?address, value -> memory[address] = value }
#endif
    :: atomic { stores[C]?address, value -> memory[address] = value }
    od
}
#else
#define store(p, address, value) memory[address] = (value)
#define fence(p) true
#endif

mtype = { WAKE, TASK, ANSWER, GOODBYE, DISMISSAL, END };
chan wakeWorker[WORKERS] = [1] of { mtype };      /* unix sockets, towards the worker */
chan wakeCoordinator[WORKERS] = [1] of { mtype }; /* and towards the coordinator */
chan toWorker[WORKERS] = [3] of { mtype };        /* sockets of libzmq */
chan toCoordinator[WORKERS] = [3] of { mtype };
bool hasEnded[WORKERS];                           /* the worker's end of its sockets is closed */

byte faults = 1;       /* crashes and goodbyes that may still come */
byte answersPut[WORKERS], answersSeen[WORKERS]; /* ghosts: what was put or sent, and what was handled */

/* Mailbox.put: into `page`; the receiver's count and flag are at these addresses. If the ring is full, `overflow` is sent. */
inline put(p, page, count, receivedAt, flagAt, socket, channel, overflow) {
    if
#if MISTAKE == 5
    :: d_step {
           true ->
#else
    :: d_step {
           count - memory[receivedAt] < SLOTS ->
#endif
#if MISTAKE == 3
           store(p, page + SEQUENCE + count % SLOTS, count + 1)
       };
       d_step {
           store(p, page + PAYLOAD + count % SLOTS, count + 1);
#else
           store(p, page + PAYLOAD + count % SLOTS, count + 1)
       };
       d_step {
           store(p, page + SEQUENCE + count % SLOTS, count + 1);
#endif
           count++
       };
       d_step {
#if MISTAKE != 1
           fence(p) ->
#endif
           if
           :: memory[flagAt] != 0 && len(socket) == 0 -> socket!WAKE
           :: else /* awake; or it has not read the wake before, so it does not sleep */
           fi;
           skip
       }
#if MISTAKE != 5
    :: atomic { count - memory[receivedAt] >= SLOTS -> channel!overflow }
#endif
    fi
}

#define hasMail(page, received) (memory[(page) + SEQUENCE + (received) % SLOTS] == (received) + 1)

/* Mailbox.receive, of a record that is there. */
inline receive(p, page, received, countAt) {
    assert(memory[page + PAYLOAD + received % SLOTS] == received + 1);
    received++;
    store(p, countAt, received)
}

inline answerTask() {
    put(w, ANSWERPAGE(w), answers, TASKPAGE(w) + RECEIVED, COORDINATOR_ASLEEP, wakeCoordinator[w], toCoordinator[w],
        ANSWER)
}

proctype Worker(byte w) {
    byte tasksReceived, answers;
    bool sockets;
    do
    :: /* AdaptiveSpin.wait */
       if
       :: hasMail(TASKPAGE(w), tasksReceived) -> sockets = false
       :: len(wakeWorker[w]) > 0 || len(toWorker[w]) > 0 -> sockets = true
       :: !hasMail(TASKPAGE(w), tasksReceived) ->
          store(w, ANSWERPAGE(w) + ASLEEP, 1);
          d_step {
#if MISTAKE != 6
              fence(w) ->
#endif
#if MISTAKE == 2
              sockets = true
#else
              sockets = !hasMail(TASKPAGE(w), tasksReceived)
#endif
          };
          !sockets || len(wakeWorker[w]) > 0 || len(toWorker[w]) > 0; /* poll(2) */
          store(w, ANSWERPAGE(w) + ASLEEP, 0)
       :: d_step { faults > 0 -> faults-- }; goto crash
       fi;
       /* WorkerLoop.receiveMail */
work:  do
       :: d_step {
              hasMail(TASKPAGE(w), tasksReceived) ->
              receive(w, TASKPAGE(w), tasksReceived, ANSWERPAGE(w) + RECEIVED);
              answersPut[w]++
          };
          if
          :: d_step { faults > 0 -> faults--; answersPut[w]-- }; goto crash
          :: answerTask()
          fi
       :: !hasMail(TASKPAGE(w), tasksReceived) -> break
       od;
       if
       :: sockets && len(toWorker[w]) > 0 ->
          if
          :: atomic { toWorker[w]?TASK -> answersPut[w]++ };
             answerTask()
          :: toWorker[w]?DISMISSAL -> goto leave
          fi;
          goto work /* before the next message */
       :: d_step {
              sockets && len(toWorker[w]) == 0 ->
              if
              :: len(wakeWorker[w]) > 0 -> wakeWorker[w]?WAKE
              :: else
              fi;
              skip
          }
       :: !sockets
       fi
    od;
crash:
    if
    :: true
    :: toCoordinator[w]!GOODBYE
    fi;
leave:
    atomic { fence(w) -> hasEnded[w] = true }
}

byte answersReceived[WORKERS], tasks[WORKERS], outstanding[WORKERS];
bool isLost[WORKERS], isComplete = true;
byte w;            /* the coordinator's loops */
bool isSocketRead; /* what its wait returned */
bool stops, hasFound;
mtype event;       /* what it has received, from this worker */
byte peer;

#define isReadable(w) (len(wakeCoordinator[w]) > 0 || len(toCoordinator[w]) > 0 || (hasEnded[w] && !isLost[w]))
#define coordinatorHasMail(w) (!isLost[w] && hasMail(ANSWERPAGE(w), answersReceived[w]))
#if WORKERS > 1
#define anyReadable (isReadable(0) || isReadable(1))
#define anyOutstanding (outstanding[0] + outstanding[1] > 0)
#else
#define anyReadable isReadable(0)
#define anyOutstanding (outstanding[0] > 0)
#endif

inline completeIfAnswered() {
    if :: !anyOutstanding -> isComplete = true :: else fi
}

/* CoordinatorExchange.receiveMail */
inline receiveMail(stopsWhenComplete) {
    d_step { stops = stopsWhenComplete && !isComplete; w = 0 };
    do
    :: d_step {
           w < WORKERS && coordinatorHasMail(w) ->
           receive(C, ANSWERPAGE(w), answersReceived[w], TASKPAGE(w) + RECEIVED);
           outstanding[w]--;
           answersSeen[w]++;
           completeIfAnswered();
           if :: isComplete && stops -> w = WORKERS :: else fi;
           skip
       }
    :: d_step {
           w < WORKERS && !coordinatorHasMail(w) -> w++;
#if MISTAKE == 4
           if :: isComplete -> w = WORKERS :: else fi;
           skip
#endif
       }
    :: w >= WORKERS -> break
    od
}

inline lose(w) {
    isLost[w] = true;
    outstanding[w] = 0; /* others compute it */
    completeIfAnswered()
}

/* Looks into one mailbox after the other. */
inline look(found) {
    found = coordinatorHasMail(0);
#if WORKERS > 1
    if
    :: !found -> found = coordinatorHasMail(1)
    :: found
    fi
#endif
}

#define hasEvent(w) (len(toCoordinator[w]) > 0 || (hasEnded[w] && !isLost[w]))

/* CoordinatorLoop.poll: at most one message a time. */
inline poll() {
    if
    :: anyReadable -> isSocketRead = true
    :: look(hasFound);
       if
       :: !hasFound ->
          d_step { store(C, COORDINATOR_ASLEEP, 1) };
          fence(C);
          look(hasFound);
          hasFound || anyReadable; /* poll(2) */
          d_step { store(C, COORDINATOR_ASLEEP, 0); isSocketRead = !hasFound }
       :: hasFound -> isSocketRead = false
       fi
    fi;
    hasFound = false;
    receiveMail(true);
    if
    :: isSocketRead ->
       d_step {
           isSocketRead = false;
           w = 0;
           do
           :: w < WORKERS && len(wakeCoordinator[w]) > 0 -> wakeCoordinator[w]?WAKE; w++
           :: w < WORKERS && len(wakeCoordinator[w]) == 0 -> w++
           :: w >= WORKERS -> break
           od;
           w = 0
       };
       if
       :: atomic { len(toCoordinator[0]) > 0 -> toCoordinator[0]?event; peer = 0 }
       :: d_step { len(toCoordinator[0]) == 0 && hasEnded[0] && !isLost[0] -> event = END; peer = 0 }
#if WORKERS > 1
       :: atomic { len(toCoordinator[1]) > 0 -> toCoordinator[1]?event; peer = 1 }
       :: d_step { len(toCoordinator[1]) == 0 && hasEnded[1] && !isLost[1] -> event = END; peer = 1 }
       :: !hasEvent(0) && !hasEvent(1)
#else
       :: !hasEvent(0)
#endif
       fi;
       if
       :: event != 0 ->
          receiveMail(false); /* what was put before the message */
          atomic {
              if
              :: event == ANSWER ->
                 answersSeen[peer]++;
                 if
                 :: !isLost[peer] -> outstanding[peer]--; completeIfAnswered()
                 :: else
                 fi
              :: event == GOODBYE -> assert(answersPut[peer] == answersSeen[peer]); lose(peer)
              :: event == END -> lose(peer)
              fi;
              event = 0;
              peer = 0
          }
       :: event == 0
       fi
    :: !isSocketRead
    fi
}

active proctype Coordinator() {
    byte step, v;
    bool mayStraggle = true;
    atomic {
        run Worker(0);
#if WORKERS > 1
        run Worker(1)
#endif
    };
    do
    :: step < STEPS ->
       isComplete = false;
       v = 0;
       do
       :: v < WORKERS * TASKS ->
          if
          :: !isLost[v % WORKERS] && outstanding[v % WORKERS] <= v / WORKERS ->
             outstanding[v % WORKERS]++;
             put(C, TASKPAGE(v % WORKERS), tasks[v % WORKERS], ANSWERPAGE(v % WORKERS) + RECEIVED,
                 ANSWERPAGE(v % WORKERS) + ASLEEP, wakeWorker[v % WORKERS], toWorker[v % WORKERS], TASK)
          :: else
          fi;
          v++
       :: else -> break
       od;
       completeIfAnswered();
       do
       :: !isComplete -> poll()
       :: !isComplete && mayStraggle -> /* a worker's task has been done by another one; it still computes */
          mayStraggle = false;
          isComplete = true;
          break
       :: !isComplete && mayStraggle -> /* abandoned: the steps since a checkpoint are repeated */
          mayStraggle = false;
          isComplete = true;
          do
          :: anyOutstanding -> poll()
          :: else -> break
          od;
          break
       :: isComplete -> break
       od;
       step++
    :: else -> break
    od;
    toWorker[0]!DISMISSAL;
#if WORKERS > 1
    toWorker[1]!DISMISSAL
#endif
}
