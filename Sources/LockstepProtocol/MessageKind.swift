/// The messages between coordinator and workers. Each is a header frame and, for some kinds, one payload frame.
///
/// `run` and `member` are filled in by the coordinator from `welcome` on and by the worker in its answers to it; only
/// `hello` has neither, and a `refuse` to somebody who is no member has no member. The other fields that a kind uses
/// stand beside it.
///
///     worker                 coordinator
///       hello        ->                      who I am
///                    <-      welcome         the run's configuration
///       dataRequest  ->                      unless the data set is in the cache
///                    <-      dataChunk
///       ready        ->                      my numeric fingerprint
///                    <-      parameters      chunk by chunk
///                    <-      assign          for each node
///       gradient     ->                      chunk by chunk
///       nodeResult   ->                      and on to the next step
///                    <-      evaluate
///       blockResult  ->
///                    <-      goodbye         or `refuse` at any time
///       logLines     ->                      before the goodbye of a worker that fails
///
/// `ping` and `statusRequest` are for people who look on, `lockstep doctor` and `lockstep status`: they join nothing.
package enum MessageKind: UInt8, CaseIterable, Sendable {
    /// Worker to coordinator: asks to join. Payload: ``Hello``.
    case hello = 1
    /// Coordinator to worker: `run` and `member` are yours from now on. Payload: the run's configuration and the data
    /// set's description as JSON, opaque here.
    case welcome = 2
    /// Worker to coordinator: has the data set and computes like this. `unit`: 1 if it shares the coordinator's memory,
    /// 0 if payload is to travel in messages. Payload: ``Ready``.
    case ready = 3
    /// Coordinator to worker: no, and why. Payload: ``Refusal``.
    case refuse = 4
    /// Worker to coordinator: asks for a part of the data set. `step`: its first byte; `offset`: its length in bytes,
    /// at most ``payloadLimit``. No payload.
    case dataRequest = 5
    /// Coordinator to worker: a part of the data set. `step`: its first byte. Payload: the bytes, as many as were asked
    /// for, opaque here.
    case dataChunk = 6
    /// Coordinator to worker: compute this node. `step`; `unit`: the node, or 0 for a worker without nodes, which only
    /// answers; `segment`: where a worker that shares memory puts the gradient. To such a worker it also says that the
    /// weights of this version are there. No payload.
    case assign = 7
    /// Coordinator to worker: a chunk of the weights. `step`: their version; `segment`, `offset`. Payload: the chunk's
    /// floats.
    case parameters = 8
    /// Worker to coordinator: a chunk of a node's gradient sum. `step`; `unit`: the node; `segment`, `offset`. Payload:
    /// the chunk's floats.
    case gradient = 9
    /// Worker to coordinator: a node is computed, all of its gradient is sent, or stands in shared memory. `step`; `unit`
    /// as assigned. Payload: ``NodeResult``.
    case nodeResult = 10
    /// Coordinator to worker: evaluate this block. `step`: the weights' version; `unit`: an ``EvaluationUnit``. No
    /// payload.
    case evaluate = 11
    /// Worker to coordinator: a block is evaluated. `step`, `unit` as asked. Payload: ``BlockResult``.
    case blockResult = 12
    /// Either way: leaves, or ends the run. Payload: ``Goodbye``.
    case goodbye = 13
    /// To a coordinator, from any peer: answer. `step`: repeated in the answer; `offset`: bytes that the answer is to
    /// have. Payload: any bytes, at most ``pingLimit``.
    case ping = 14
    /// A coordinator's answer. Payload: zeros.
    case pong = 15
    /// To a coordinator, from anybody: what is your run doing? `step`: repeated in the answer. No payload.
    case statusRequest = 16
    /// A coordinator's answer. Payload: JSON, opaque here.
    case status = 17
    /// Coordinator to worker: where did your time go? No payload.
    case timelineRequest = 18
    /// Worker to coordinator: there. Payload: ``TimelineReport``.
    case timeline = 19
    /// Worker to coordinator: what my log says last, for I fail. Payload: ``LogLines``.
    case logLines = 20

    /// The most bytes in a payload frame: 1 MiB, for libzmq counts only complete frames as signs of life.
    package static let payloadLimit = 1 << 20

    /// The most bytes in a ping: what a peer that is no member sends at once is short.
    package static let pingLimit = 64 << 10

    /// The bytes that a payload frame of this kind can have; 0...0 for kinds that have no such frame.
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
        case .dataRequest, .assign, .evaluate, .statusRequest, .timelineRequest: 0...0
        }
    }

    /// Whether messages of this kind have a payload frame.
    package var hasPayload: Bool { payloadSizes.upperBound > 0 }

    /// Whether a message of this kind can have a payload of so many bytes.
    ///
    /// - Parameter count: The size of the payload frame; 0 if there is none.
    /// - Returns: False for a size with which the payload's decoding can only fail. True is no promise that it succeeds.
    package func acceptsPayload(count: Int) -> Bool {
        payloadSizes.contains(count) && (!carriesFloats || count.isMultiple(of: FloatPayload.smallestElementSize))
    }
}
