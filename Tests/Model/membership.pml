/*
 * Membership and steps: which workers take part, which one computes what, which answers count, and with which weights.
 *
 * It models CoordinatorMachine with its Membership, Candidates, Dispatcher, Assignments, AuditRound and RunPhase, the reducer's
 * TreeArrivals, and WorkerMachine (LockstepCluster, LockstepSharding): 2 worker processes, 3 shards, STEPS steps of which
 * AUDITED is audited. The tree has the nodes 1 = [0, 3), 2 = [0, 1), 3 = [1, 3), 6 = [1, 2) and 7 = [2, 3).
 *
 * What may go wrong: a process crashes, before or after an answer or between its two parts, and another one starts; a
 * connection breaks and the process joins again over a new one, before or after the coordinator has noticed; a worker says
 * goodbye; a worker is evicted because it is late, and its answer comes later; a node is given to an idle worker too; the
 * network keeps one message and delivers it again at any time over any connection; a worker computes a wrong answer in the
 * audited step. FAULTS, EVICTIONS, LATE, REPLAYS and LIES bound how often.
 *
 * Shown: no answer counts whose weights were not those of its step, or that is wrong in an audited step (assertion in insert);
 * every step's sum has each shard once (assertion in finish); a member's ID is never used again (assertion in hello); the run
 * ends or gives up: there is no other end state, and no cycle, so every execution is finite.
 *
 * Abstractions: time. A late worker, an eviction and the end of the wait for a worker may come at any time at which the code
 * permits them. The weights are two chunks in two versions that a worker reads, one after the other, when it computes, whether
 * they are shared or were sent to it; which chunks a member has been sent is the simulation's subject. Data sets,
 * fingerprints, evaluations, standby, backing off and a coordinator that computes are left out. At most two members, so each
 * holds one node at most. A refused worker of a full run asks again once there is a place. The dismissal is a flag.
 *
 * Mistakes 7 to 11 (-DMISTAKE=n): scripts/support/check-model.py says what they are, and runs the model with each.
 */
#ifndef MISTAKE
#define MISTAKE 0
#endif
#ifndef STEPS
#define STEPS 3
#endif
#ifndef AUDITED
#define AUDITED 1
#endif
#ifndef FAULTS
#define FAULTS 1
#endif
#ifndef EVICTIONS
#define EVICTIONS 1
#endif
#ifndef LATE
#define LATE 1
#endif
#ifndef REPLAYS
#define REPLAYS 1
#endif
#ifndef LIES
#define LIES 1
#endif
#ifndef MINIMUM
#define MINIMUM 1
#endif
#define CONNECTIONS (2 + FAULTS)
#define NONE 0
#define TORN 100
#define WRONG 101

/* A record of a real run drives the coordinator: it meets each event and action in this order. */
#ifdef RECORD
chan record = [0] of { mtype, byte, byte, byte, byte };
#define OBSERVE(kind, connection, member, step, node) record!kind, connection, member, step, node
#else
#define OBSERVE(kind, connection, member, step, node) skip
#endif

mtype = { HELLO, WELCOME, REFUSE, FULL, QUARANTINED, READY, ASSIGN, PART, ANSWER, GOODBYE, LOST, BEGIN, COMPARE, COMPARED,
          RECOMPUTE, RECOMPUTED };

/* kind, member, step, node, value; a HELLO has the process's number for a member. */
chan toCoordinator[CONNECTIONS] = [3] of { mtype, byte, byte, byte, byte };
chan toWorker[CONNECTIONS] = [4] of { mtype, byte, byte, byte };
bool hasEnded[CONNECTIONS]; /* the worker's end of the connection is closed */
byte connections;           /* the next connection */
byte processes = 1;         /* the next process's number */
byte weights[4];            /* the version of the content: even and odd versions, two chunks each */
byte faults = FAULTS, replays = REPLAYS, lies = LIES;
bool isOver;                /* the run has ended or given up */

/* The coordinator: members by connection. */
byte id[CONNECTIONS], candidate[CONNECTIONS], processOf[CONNECTIONS];
byte heldStep[CONNECTIONS], heldNode[CONNECTIONS]; /* what a member has not answered */
bool isClosed[CONNECTIONS];
byte lastID, members, quarantined;
bool isWaiting, hasBegun, isUnderWay;
/* The work. */
byte step;
bool isComplete = true, isAudited;
byte pending[8];        /* copies of a node that wait for a worker */
byte known[3];          /* the nodes of which the sum is known, as bits: chunk 0, chunk 1, the machine's */
byte sums[16];          /* how often each shard is in a node's sum, two bits each: chunks 0 and 1 */
byte copyProcess[8], copyID[8], copyValue[8]; /* the first copy of an audited node */
bool isClosedNode[8];
byte toCompare, compareProcess, compareID, compareValue; /* the second copy of this node has come */
byte toRecompute[8];
byte evictions = EVICTIONS, lates = LATE;
byte i, j, n, best, peer; /* for loops, and the connection of the event */
bool may;

proctype Worker() {
    byte connection, member, process, at, node, value, other;
start:
    atomic { process = processes; processes++ };
connect:
    atomic {
        member = NONE;
        if
        :: connections < CONNECTIONS -> connection = connections; connections++
        :: else -> goto end
        fi
    };
hello:
    if
    :: toCoordinator[connection]!HELLO, process, 0, 0, 0
    :: isOver -> goto end
    fi;
serve:
    do
    :: atomic {
           toWorker[connection]?WELCOME, other, _, _ ->
           if
           :: member == NONE -> member = other
           :: else -> goto serve
           fi
       };
       if
       :: toCoordinator[connection]!READY, member, 0, 0, 0
       :: isOver -> goto end
       fi
    :: atomic {
           toWorker[connection]?REFUSE, _, _, _ ->
           if
           :: member != NONE -> member = NONE; goto hello
           :: else
           fi
       }
    :: atomic { toWorker[connection]?FULL, _, _, _ -> member = NONE };
       if
       :: members < 2 -> goto hello
       :: isOver -> goto end
       fi
    :: toWorker[connection]?QUARANTINED, _, _, _ -> hasEnded[connection] = true; goto end
    :: atomic {
           toWorker[connection]?ASSIGN, other, at, node ->
           if
           :: other == member -> value = weights[2 * (at % 2)]; other = 0
           :: else -> other = 0; at = 0; node = 0; goto serve
           fi
       };
       if
       :: d_step {
              value = (value == at && weights[2 * (at % 2) + 1] == at -> at : TORN)
          }
       :: d_step { lies > 0 && at == AUDITED -> lies--; value = WRONG }
       :: atomic { faults > 0 -> faults-- }; goto crash
       fi;
#ifdef PARTS
       if
       :: toCoordinator[connection]!PART, member, at, node, value
       :: isOver -> goto end
       fi;
       if
       :: true
       :: atomic { faults > 0 -> faults-- }; goto crash
       fi;
#endif
       if
       :: atomic { toCoordinator[connection]!ANSWER, member, at, node, value -> at = 0; node = 0; value = 0 }
       :: isOver -> goto end
       fi
    :: atomic { faults > 0 -> faults-- };
       if
       :: goto crash
       :: hasEnded[connection] = true; goto connect /* the connection breaks */
       :: toCoordinator[connection]!GOODBYE, member, 0, 0, 0; goto crash
       :: isOver -> goto end
       fi
    :: isOver -> goto end
    od;
crash: /* another process may start in its place */
    atomic { at = 0; node = 0; value = 0; other = 0; member = NONE };
    hasEnded[connection] = true;
    goto start;
end: skip
}

#if REPLAYS > 0
/* A network that repeats: it keeps one message, and delivers it again over any connection. */
active proctype Network() {
    mtype kind;
    byte member, at, node, value, connection;
    if
    :: atomic { toCoordinator[0]?<kind, member, at, node, value> }
    :: atomic { toCoordinator[1]?<kind, member, at, node, value> }
    :: isOver -> goto end
    fi;
    if
    :: connection = 0
    :: connection = 1
#if CONNECTIONS > 2
    :: connection = 2
#endif
    fi;
    if
    :: atomic { connection < connections && !hasEnded[connection] -> toCoordinator[connection]!kind, member, at, node, value }
    :: isOver
    fi;
end: skip
}
#endif

#define bit(node) (1 << (node))
#define shards(node) (node == 1 -> 21 : (node == 2 -> 1 : (node == 3 -> 20 : (node == 6 -> 4 : 16))))
#define isKnown(lane, node) ((known[lane] & (bit(node) | bit(node / 2) | bit(node / 4)) & 254) != 0)
#define holds(c, s, node) (heldNode[c] == node && heldStep[c] == s)
#define isMember(c) (id[c] != NONE)
#define isIdle(c) (isMember(c) && heldNode[c] == NONE)

inline countIdle(result) {
    result = 0;
    for (i : 0 .. CONNECTIONS - 1) {
        if :: isIdle(i) -> result++ :: else fi
    };
    i = 0
}

/* Adds a node's sum to a lane, and every sum that is possible now: TreeArrivals.insert. */
inline insert(lane, node, value) {
#if MISTAKE == 7
    if
    :: (known[lane] & bit(1)) == 0 ->
#else
    if
    :: !isKnown(lane, node) ->
#endif
       if
       :: lane < 2 ->
          assert(value == step);
#if MISTAKE == 7
          sums[8 * lane + node] = sums[8 * lane + node] + shards(node)
#else
          sums[8 * lane + node] = shards(node)
#endif
       :: else
       fi;
       known[lane] = known[lane] | bit(node);
       if
       :: (known[lane] & 192) == 192 && (known[lane] & bit(3)) == 0 -> /* both of 6 and 7 */
          known[lane] = known[lane] | bit(3);
          if :: lane < 2 -> sums[8 * lane + 3] = sums[8 * lane + 6] + sums[8 * lane + 7] :: else fi
       :: else
       fi;
       if
       :: (known[lane] & 12) == 12 && (known[lane] & bit(1)) == 0 -> /* both of 2 and 3 */
          known[lane] = known[lane] | bit(1);
          if :: lane < 2 -> sums[8 * lane + 1] = sums[8 * lane + 2] + sums[8 * lane + 3] :: else fi
       :: else
       fi;
       if
       :: lane == 0 && (known[0] & bit(1)) != 0 -> update(0)
       :: lane == 1 && (known[1] & bit(1)) != 0 -> update(1)
       :: lane == 2 && (known[2] & bit(1)) != 0 -> isComplete = true
       :: else
       fi
    :: else
    fi
}

/* The optimizer's update of a chunk, into the memory of the next weights. */
inline update(chunk) {
#if MISTAKE == 8
    weights[2 * (step % 2) + chunk] = step + 1;
    weights[2 * ((step + 1) % 2) + chunk] = step + 1
#else
    weights[2 * ((step + 1) % 2) + chunk] = step + 1
#endif
}

inline reply(c, kind, member, s, node) {
    OBSERVE(kind, c, member, s, node);
    if
    :: hasEnded[c] || isClosed[c]
    :: else -> assert(len(toWorker[c]) < 4); toWorker[c]!kind, member, s, node
    fi
}

inline assign(c, node) {
    heldStep[c] = step;
    heldNode[c] = node;
    reply(c, ASSIGN, id[c], step, node)
}

/* Whether this member may compute a copy: no other membership of its process has computed or computes one. */
inline mayAssign(c, node, result) {
    result = true;
    if
    :: isAudited ->
#if MISTAKE == 9
       if :: copyID[node] == id[c] -> result = false :: else fi;
#else
       if :: copyProcess[node] == processOf[c] -> result = false :: else fi;
#endif
       if :: isClosedNode[node] -> result = false :: else fi;
       for (j : 0 .. CONNECTIONS - 1) {
#if MISTAKE == 9
           if :: isMember(j) && j == c && holds(j, step, node) -> result = false :: else fi
#else
           if :: isMember(j) && processOf[j] == processOf[c] && holds(j, step, node) -> result = false :: else fi
#endif
       };
       j = 0
    :: else
    fi
}

/* Assignments.next and Dispatcher.assignPending: the first pending node for the idle member with the lowest number. */
inline assignPending() {
    do
    :: !isComplete ->
       countIdle(n);
       /* Split the largest pending node until every idle member gets one. */
       if
       :: !isAudited && n > 1 && pending[1] == 1 && pending[2] + pending[3] + pending[6] + pending[7] == 0 ->
          pending[1] = 0; pending[2] = 1; pending[3] = 1
       :: !isAudited && n > 1 && pending[3] == 1 && pending[1] + pending[2] + pending[6] + pending[7] == 0 ->
          pending[3] = 0; pending[6] = 1; pending[7] = 1
       :: else
       fi;
       n = 0;
       best = CONNECTIONS;
       for (i : 0 .. CONNECTIONS - 1) {
           if
           :: isIdle(i) && (best == CONNECTIONS || id[i] < id[best]) ->
              for (n : 1 .. 7) {
                  if
                  :: pending[n] > 0 -> mayAssign(i, n, may); if :: may -> best = i :: else fi
                  :: else
                  fi
              }
           :: else
           fi
       };
       i = 0; n = 0;
       if
       :: best == CONNECTIONS -> best = 0; break
       :: else ->
          n = 1;
          do
          :: pending[n] > 0 -> mayAssign(best, n, may); if :: may -> break :: else -> n++ fi
          :: else -> n++
          od;
          pending[n]--;
          may = false;
          assign(best, n);
          n = 0; best = 0
       fi
    :: else -> break
    od;
    if
    :: isAudited && !isComplete -> /* second copies that no member can compute now */
       for (n : 1 .. 7) {
           if
           :: pending[n] > 0 && copyProcess[n] != NONE && !isClosedNode[n] ->
              best = CONNECTIONS;
              for (i : 0 .. CONNECTIONS - 1) {
                  if
                  :: isMember(i) && (heldNode[i] == NONE || heldStep[i] == step) ->
                     mayAssign(i, n, may); if :: may -> best = i :: else fi
                  :: else
                  fi
              };
              i = 0;
              if :: best == CONNECTIONS -> recompute(n) :: else fi;
              best = 0
           :: else
           fi
       };
       n = 0; may = false
    :: else
    fi
}

inline recompute(node) {
    isClosedNode[node] = true;
    pending[node] = 0;
    toRecompute[node] = true;
    OBSERVE(RECOMPUTE, 0, 0, step, node)
}

inline waitIfNoWorker() {
    if :: members == 0 && hasBegun -> isWaiting = true :: else fi
}

/* Makes what a former member held pending again, if it is still needed. */
inline reclaim(c) {
    if
    :: heldNode[c] != NONE && heldStep[c] == step && !isComplete ->
       n = heldNode[c];
       best = false;
       for (i : 0 .. CONNECTIONS - 1) {
           if :: i != c && isMember(i) && holds(i, step, n) -> best = true :: else fi
       };
       i = 0;
       if
#if MISTAKE == 10
       :: false
#else
       :: isAudited && !isClosedNode[n] -> pending[n]++
       :: !isAudited && !isKnown(2, n) && !best -> pending[n]++
#endif
       :: else
       fi;
       n = 0; best = 0
    :: else
    fi;
    heldNode[c] = NONE;
    heldStep[c] = 0
}

inline lose(c) {
    if
    :: isMember(c) ->
       id[c] = NONE;
       members--;
       reclaim(c);
       assignPending();
       waitIfNoWorker()
    :: else -> candidate[c] = NONE
    fi;
    if :: candidate[c] == NONE && id[c] == NONE -> processOf[c] = NONE :: else fi
}

/* The member whose copy was wrong, if it is still there, is refused from now on; so is its process. */
inline quarantine(member, process) {
    quarantined = process;
    j = CONNECTIONS;
    for (i : 0 .. CONNECTIONS - 1) {
        if :: id[i] == member -> j = i :: else fi
    };
    i = 0;
    if
    :: j < CONNECTIONS -> best = j; j = 0; peer = best; best = 0; reply(peer, QUARANTINED, 0, 0, 0); lose(peer)
    :: else -> j = 0
    fi
}

/* The comparison or the own computation that the last event called for. */
inline audit() {
    if
    :: toCompare != 0 ->
       n = toCompare;
       toCompare = 0;
       if
       :: copyValue[n] == compareValue ->
          OBSERVE(COMPARED, 1, 0, step, n);
          accept(n, copyValue[n])
       :: else ->
          OBSERVE(COMPARED, 0, 0, step, n);
          recompute(n)
       fi;
       n = 0
    :: else
    fi;
    node = 1;
    do
    :: node <= 7 && toRecompute[node] ->
       toRecompute[node] = false;
       OBSERVE(RECOMPUTED, 0, 0, step, node);
       accept(node, step);
       if
       :: copyID[node] != NONE && copyValue[node] != step -> quarantine(copyID[node], copyProcess[node])
       :: else
       fi;
       if
       :: compareID != NONE && compareValue != step -> quarantine(compareID, compareProcess)
       :: else
       fi;
       assignPending()
    :: node <= 7 && !toRecompute[node] -> node++
    :: node > 7 -> break
    od;
    node = 0;
    compareID = 0; compareProcess = 0; compareValue = 0
}

inline accept(node, value) {
    pending[node] = 0;
    insert(0, node, value);
    insert(1, node, value);
    insert(2, node, value)
}

inline rejectUnknown(c) {
    if
    :: isMember(c) || candidate[c] != NONE /* an old message that was sent again */
    :: else -> reply(c, REFUSE, 0, 0, 0)
    fi
}

inline receiveHello() {
    OBSERVE(HELLO, peer, 0, 0, 0);
    if
    :: !isMember(peer) && candidate[peer] != NONE && processOf[peer] == member -> /* the same hello again */
       reply(peer, WELCOME, candidate[peer], 0, 0)
    :: else ->
       if
       :: isMember(peer) -> reply(peer, REFUSE, 0, 0, 0); lose(peer)
       :: else
       fi;
       if
       :: member == quarantined -> reply(peer, QUARANTINED, 0, 0, 0)
       :: member != quarantined && members >= 2 -> reply(peer, FULL, 0, 0, 0)
       :: else ->
          lastID++;
          candidate[peer] = lastID;
          processOf[peer] = member;
          reply(peer, WELCOME, lastID, 0, 0)
       fi
    fi
}

inline receiveReady() {
    OBSERVE(READY, peer, member, 0, 0);
    if
    :: candidate[peer] != NONE && candidate[peer] == member ->
       candidate[peer] = NONE;
       if
       :: members >= 2 -> processOf[peer] = NONE; reply(peer, FULL, 0, 0, 0)
       :: else ->
          for (i : 0 .. CONNECTIONS - 1) { assert(id[i] != member) };
          i = 0;
          id[peer] = member;
          members++;
          isWaiting = false;
          assignPending()
       fi
    :: (candidate[peer] == NONE || candidate[peer] != member) && id[peer] == member && member != NONE
    :: else -> rejectUnknown(peer)
    fi
}

#if MISTAKE == 11
#define speaksAs(c, member) isMember(c) /* whatever membership the message names */
#else
#define speaksAs(c, member) (isMember(c) && id[c] == member)
#endif

/* The first chunk of an answer. */
inline receivePart() {
    OBSERVE(PART, peer, member, at, node);
    if
    :: speaksAs(peer, member) && holds(peer, at, node) && at == step && !isComplete && !isAudited && !isKnown(2, node) ->
       insert(0, node, value)
    :: else
    fi
}

inline receiveAnswer() {
    OBSERVE(ANSWER, peer, member, at, node);
    if
    :: speaksAs(peer, member) ->
       if
#if MISTAKE == 11
       :: heldNode[peer] != NONE && at == step && !isComplete ->
#else
       :: holds(peer, at, node) ->
#endif
          heldNode[peer] = NONE;
          heldStep[peer] = 0;
          if
          :: at == step && !isComplete && !isAudited ->
             insert(0, node, value); /* its parts have come before: an answer without them is refused */
             insert(1, node, value);
             insert(2, node, value)
          :: at == step && !isComplete && isAudited && !isClosedNode[node] ->
#if MISTAKE == 9
             best = copyID[node] == id[peer];
#else
             best = copyProcess[node] == processOf[peer];
#endif
             if
             :: best
             :: !best && copyProcess[node] == NONE ->
                copyProcess[node] = processOf[peer]; copyID[node] = id[peer]; copyValue[node] = value
             :: !best && copyProcess[node] != NONE ->
                assert(copyProcess[node] != processOf[peer]); /* two processes */
                isClosedNode[node] = true;
                toCompare = node;
                compareID = id[peer]; compareProcess = processOf[peer]; compareValue = value;
                OBSERVE(COMPARE, 0, 0, step, node)
             fi;
             best = 0
          :: else
          fi;
          assignPending()
       :: else
       fi
    :: else -> rejectUnknown(peer)
    fi
}

inline beginStep() {
    OBSERVE(BEGIN, step == AUDITED, 0, step, 0);
    hasBegun = true;
    isComplete = false;
    isAudited = step == AUDITED;
    waitIfNoWorker();
    countIdle(n);
    if
    :: n == 0 -> n = 0; pending[1] = 1 + isAudited
    :: else ->
       j = (n == 1 -> 1 : 2); /* the plan: everything, or nodes 2 and 3 */
       n = 0;
       do
       :: j <= 3 ->
          best = CONNECTIONS;
          for (i : 0 .. CONNECTIONS - 1) {
              if :: isIdle(i) && (best == CONNECTIONS || id[i] < id[best]) -> best = i :: else fi
          };
          i = 0;
          assign(best, j);
          best = 0;
          if :: isAudited -> pending[j]++ :: else fi;
          j = (j == 1 -> 4 : j + 1)
       :: else -> break
       od;
       j = 0;
       if :: isAudited -> assignPending() :: else fi
    fi
}

/* The step's sum is whole; the next weights are those after it. */
inline finish() {
    assert(sums[1] == 21 && sums[9] == 21);
    for (i : 0 .. 7) {
        pending[i] = 0; sums[i] = 0; sums[8 + i] = 0;
        copyProcess[i] = 0; copyID[i] = 0; copyValue[i] = 0; isClosedNode[i] = false
    };
    i = 0;
    known[0] = 0; known[1] = 0; known[2] = 0;
    isAudited = false;
    isUnderWay = false;
    step++
}

/* An idle member gets a late node too; an audited node for whose second copy there is none is computed here. */
inline assignLate(c) {
    n = heldNode[c];
    best = CONNECTIONS;
    for (i : 0 .. CONNECTIONS - 1) {
        if :: isIdle(i) -> mayAssign(i, n, may); if :: may -> best = i :: else fi :: else fi
    };
    i = 0; may = false;
    if
    :: best < CONNECTIONS -> assign(best, n)
    :: best == CONNECTIONS && isAudited && copyProcess[n] != NONE && !isClosedNode[n] -> recompute(n)
    :: else
    fi;
    n = 0; best = 0
}

#define isWanted(node) (isAudited -> !isClosedNode[node] : !isKnown(2, node))

/* A message, or the end of a connection after its messages, or a late member. */
#define EVENTS(c)                                                                                                      \
    :: toCoordinator[c]?kind, member, at, node, value -> peer = c                                                      \
    :: hasEnded[c] && len(toCoordinator[c]) == 0 && !isClosed[c] -> kind = LOST; peer = c                              \
    :: evictions > 0 && isMember(c) && heldNode[c] != NONE -> evictions--; kind = REFUSE; peer = c                     \
    :: lates > 0 && !isComplete && isMember(c) && heldNode[c] != NONE && heldStep[c] == step                           \
           && isWanted(heldNode[c]) -> lates--; kind = ASSIGN; peer = c

inline clear() { /* equal states look equal */
    kind = 0; member = 0; at = 0; node = 0; value = 0; peer = 0
}

active proctype Coordinator() {
    mtype kind;
    byte member, at, node, value;
    atomic { run Worker(); run Worker() };
    do
    :: atomic {
           if
           EVENTS(0)
           EVENTS(1)
#if CONNECTIONS > 2
           EVENTS(2)
#endif
#if CONNECTIONS > 3
           EVENTS(3)
#endif
           :: !isUnderWay && step < STEPS && (hasBegun || members >= MINIMUM) -> kind = BEGIN
           :: isUnderWay && isComplete -> kind = COMPARED
           :: step == STEPS -> break
           :: (isWaiting || !hasBegun) && members == 0 -> break /* gives up: no worker came in time */
           fi;
           if
           :: kind == HELLO -> receiveHello()
           :: kind == READY -> receiveReady()
           :: kind == PART -> receivePart()
           :: kind == ANSWER -> receiveAnswer()
           :: kind == BEGIN -> isUnderWay = true; beginStep()
           :: kind == COMPARED -> finish()
           :: kind == ASSIGN -> assignLate(peer)
           :: kind == GOODBYE || kind == LOST || kind == REFUSE ->
              if
              :: kind == GOODBYE -> OBSERVE(GOODBYE, peer, member, 0, 0)
              :: kind == LOST -> OBSERVE(LOST, peer, 0, 0, 0); isClosed[peer] = true
              :: kind == REFUSE -> reply(peer, REFUSE, 0, 0, 0) /* it has not answered in time */
              fi;
              if
              :: kind != GOODBYE || (member != NONE && (id[peer] == member || candidate[peer] == member)) -> lose(peer)
              :: else
              fi
           fi;
           audit();
           clear()
       }
    od;
    isOver = true
}
