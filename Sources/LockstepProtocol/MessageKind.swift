/// The messages between coordinator and workers. Each is a header frame and, for some kinds, one payload frame.
///
/// Every message from `welcome` on has `run` and `member`. Only `hello` has neither, and a `refuse` to a peer that is
/// no member has no member. Each kind's comment names the other header fields that it uses.
///
///     worker                 coordinator
///       hello        ->                      its version, host and process
///                    <-      welcome         the run's configuration
///       dataRequest  ->                      unless the data set is in the cache
///                    <-      dataChunk
///       ready        ->                      its numeric fingerprint
///                    <-      parameters      chunk by chunk
///                    <-      assign          for each tree node
///       gradient     ->                      chunk by chunk
///       nodeResult   ->                      and on to the next step
///                    <-      evaluate
///       blockResult  ->
///                    <-      dataCheck       before a state is saved
///       dataIntact   ->                      or a goodbye
///                    <-      goodbye         or `refuse` at any time
///       logLines     ->                      before the goodbye of a worker that fails
///
/// Between processes that share memory, `assign`, `evaluate` and `nodeResult` are records in mailboxes instead of messages.
///
/// `ping` and `statusRequest` come from clients that are not workers: `lockstep doctor` and `lockstep status`.
package enum MessageKind: UInt8, CaseIterable, Sendable {
    /// Worker to coordinator: asks to join. Payload: ``Hello``.
    case hello = 1
    /// Coordinator to worker: admits it under this `run` and `member`. Payload: the run's configuration and the data set's
    /// description as JSON, opaque here.
    case welcome = 2
    /// Worker to coordinator: has the data set, and proves how it computes. `unit`: 2 if the worker shares memory with the
    /// coordinator and reads its mailbox there, 1 if it shares memory alone, 0 if payload is sent in messages. Payload: ``Ready``.
    case ready = 3
    /// Coordinator to worker: refuses it, with the reason. Payload: ``Refusal``.
    case refuse = 4
    /// Worker to coordinator: requests a part of the data set. `step`: its first byte; `offset`: its length in bytes,
    /// at most ``payloadLimit``. No payload.
    case dataRequest = 5
    /// Coordinator to worker: a part of the data set. `step`: its first byte. Payload: exactly the requested bytes, opaque
    /// here.
    case dataChunk = 6
    /// Coordinator to worker: compute this tree node. `step`; `unit`: the node, or 0 for a worker without nodes, which
    /// only answers; `segment`: the slot for the gradient in shared memory; `offset`: 1 if the step is audited, so that an
    /// aggregator compares the results of its own workers too. For a worker that shares memory it also means that this
    /// version of the weights is complete. No payload.
    case assign = 7
    /// Coordinator to worker: a chunk of the weights, or a part of one. `step`: their version; `segment`, `offset`. Payload:
    /// the floats.
    case parameters = 8
    /// Worker to coordinator: a chunk of a node's gradient sum, or a part of one. `step`; `unit`: the node; `segment`,
    /// `offset`. Payload: the floats.
    case gradient = 9
    /// Worker to coordinator: has computed a tree node and sent its whole gradient, or written it to shared memory.
    /// `step`, `unit` as assigned. Payload: ``NodeResult``.
    case nodeResult = 10
    /// Coordinator to worker: evaluate this block. `step`: the weights' version; `unit`: an ``EvaluationUnit``. No
    /// payload.
    case evaluate = 11
    /// Worker to coordinator: has evaluated a block. `step`, `unit` as assigned. Payload: ``BlockResult``.
    case blockResult = 12
    /// Worker to coordinator: leaves. Coordinator to worker: ends the run. Payload: ``Goodbye``.
    case goodbye = 13
    /// Any client to a coordinator: requests a `pong`. `step`: repeated in the pong; `offset`: the bytes of the pong's
    /// payload. Payload: any bytes, at most ``pingLimit``.
    case ping = 14
    /// Coordinator to the client of a `ping`. Payload: zeros.
    case pong = 15
    /// Any client to a coordinator: requests the run's status. `step`: repeated in the answer. No payload.
    case statusRequest = 16
    /// Coordinator to the client of a `statusRequest`. Payload: JSON, opaque here.
    case status = 17
    /// Coordinator to worker: requests its timeline. No payload.
    case timelineRequest = 18
    /// Worker to coordinator: its timeline. Payload: ``TimelineReport``.
    case timeline = 19
    /// Worker to coordinator: the last lines of its log, because it fails. Payload: ``LogLines``.
    case logLines = 20
    /// Coordinator to worker: read the data set in this process's own memory, and say whether it is intact. `step`: the
    /// number of the request, repeated in the answer. No payload.
    case dataCheck = 21
    /// Worker to coordinator: its data set is intact. `step`: the number of the request. A worker whose data set has changed
    /// says goodbye instead. No payload.
    case dataIntact = 22

    /// The most bytes of a payload frame. 1 MiB at most, and less over a slow link (``FloatPayload``), because only a
    /// complete frame counts as a sign of life for libzmq's heartbeat.
    package static let payloadLimit = 1 << 20

    /// The most bytes of a ping's payload, because a peer that is no member may send only short messages.
    package static let pingLimit = 64 << 10

    /// The possible sizes of this kind's payload frame, in bytes; 0...0 for a kind without payload.
    package var payloadSizes: ClosedRange<Int> {
        switch self {
        case .hello: Hello.encodedSizes
        case .ready: Ready.encodedSizes
        case .refuse: Refusal.encodedSizes
        case .goodbye: Goodbye.encodedSizes
        case .nodeResult: NodeResult.encodedSizes
        case .blockResult: BlockResult.encodedSizes
        case .welcome, .dataChunk, .pong, .status: 1...Self.payloadLimit
        case .ping: 1...Self.pingLimit
        case .parameters, .gradient: FloatPayload.smallestElementSize...Self.payloadLimit
        case .timeline: TimelineReport.encodedSizes
        case .logLines: LogLines.encodedSizes
        case .dataRequest, .assign, .evaluate, .statusRequest, .timelineRequest, .dataCheck, .dataIntact: 0...0
        }
    }

    /// Whether messages of this kind have a payload frame.
    package var hasPayload: Bool { payloadSizes.upperBound > 0 }

    /// Whether a message of this kind can have a payload of `count` bytes.
    ///
    /// - Parameter count: The size of the payload frame; 0 if there is none.
    /// - Returns: False if decoding a payload of this size would fail. True does not mean that decoding succeeds.
    package func acceptsPayload(count: Int) -> Bool {
        payloadSizes.contains(count) && (!carriesFloats || count.isMultiple(of: FloatPayload.smallestElementSize))
    }
}
