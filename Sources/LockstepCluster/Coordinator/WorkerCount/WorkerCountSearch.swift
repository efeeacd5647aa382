/// Finds with how many workers a run's steps are fastest, from none (the coordinator computes alone) to all, and finds
/// it anew when the machine's load changes.
///
/// The cost model says where to begin and what is worth a trial: a number whose prediction is far beyond what the best
/// one takes is not tried. Only measured steps decide. A number must win by a margin; trials that change nothing become
/// rarer and never take more than a fiftieth of the time.
struct WorkerCountSearch: Sendable {
    /// watching -> trying one number after the other -> watching.
    private enum Phase: Hashable, Sendable {
        /// Steps go on with the best number.
        case watching
        /// Trials are to follow as soon as the best number's own time is known.
        case measuring
        case trying(Int)
    }

    private struct Candidate: Sendable {
        let workers: Int
        let predicted: Double
        var measured: Double?
        var isTried = false
    }

    /// Blocks that a trial takes, and those after which one that is hopeless ends.
    private static let trialBlocks = 3
    private static let hopelessBlocks = 1
    /// Beyond this multiple of the best one's time a trial is hopeless.
    private static let hopeless = 1.5
    /// Up to this multiple of the best one's time a prediction makes a trial worth while.
    private static let slack = 1.25
    /// What the winner of a trial takes at most of the time that the best one takes.
    private static let margin = 0.95
    /// How much longer or shorter steps become when the load has changed, and in how many windows in a row.
    private static let drift = 1.2
    private static let driftingWindows = 2
    private static let watchBlocks = 5
    private static let watchSeconds = 0.2
    /// Seconds of steps between trials; doubled each time that they change nothing.
    private static let firstPause = 2.0
    private static let longestPause = 64.0
    /// A trial is paid for by so many times its own time without one.
    private static let trialShare = 50.0

    private var candidates: [Candidate]
    private var phase = Phase.measuring
    private var window = StepWindow()
    private var best: Int
    /// What the best one took when it was chosen.
    private var baseline: Double?
    private var driftings = 0
    /// Seconds of all steps so far, and when to look for something better.
    private var elapsed = 0.0
    private var nextLook = 0.0
    private var pause = firstPause
    private var trialSeconds = 0.0
    /// The best one when the trials under way began.
    private var previous: Int?
    /// What was told last.
    private var announced: Int?

    /// - Parameter predictions: Seconds of a step with 0, 1, ... workers; at least one.
    init(predictions: [Double]) {
        precondition(!predictions.isEmpty)
        let candidates = Self.counts(upTo: predictions.count - 1).map {
            Candidate(workers: $0, predicted: predictions[$0])
        }
        best = candidates.indices.min { candidates[$0].predicted < candidates[$1].predicted } ?? 0
        self.candidates = candidates
    }

    /// Numbers that are considered: all up to 8, then steps of about a third.
    private static func counts(upTo most: Int) -> [Int] {
        var counts: [Int] = []
        var next = 0
        while next < most {
            counts.append(next)
            next += max(1, next / 3)
        }
        return counts + [most]
    }

    /// With how many workers the next step is taken.
    var workers: Int {
        if case .trying(let index) = phase { return candidates[index].workers }
        return candidates[best].workers
    }

    /// Takes in how long steps took.
    ///
    /// - Parameters:
    ///   - seconds: Their time together.
    ///   - steps: How many they were, one after the other.
    ///   - available: Workers that are there.
    /// - Returns: What was found out, if there is something to tell.
    mutating func add(_ seconds: Double, steps: Int = 1, available: Int) -> WorkerCountChoice? {
        elapsed += seconds
        window.add(seconds, steps: steps)
        switch phase {
        case .measuring:
            guard window.count >= Self.trialBlocks, let time = window.median else { return nil }
            candidates[best].measured = time
            return explore(available)
        case .trying(let index):
            return judge(index, available)
        case .watching:
            guard window.count >= Self.watchBlocks, window.duration >= Self.watchSeconds, let time = window.median
            else { return nil }
            return watch(time, available)
        }
    }

    /// Ends a trial whose outcome is clear.
    private mutating func judge(_ index: Int, _ available: Int) -> WorkerCountChoice? {
        guard let time = window.median, let rival = candidates[best].measured else { return nil }
        let isHopeless = window.count >= Self.hopelessBlocks && time > Self.hopeless * rival
        guard isHopeless || window.count >= Self.trialBlocks else { return nil }
        trialSeconds += window.duration
        candidates[index].measured = time
        if time < Self.margin * rival { best = index }
        return explore(available)
    }

    /// Looks at how the steps go: a change of the load that lasts calls for new trials, and so does time.
    private mutating func watch(_ time: Double, _ available: Int) -> WorkerCountChoice? {
        window.restart(isWarm: true)
        let usual = baseline ?? time
        driftings = time > Self.drift * usual || usual > Self.drift * time ? driftings + 1 : 0
        if driftings >= Self.driftingWindows {
            pause = Self.firstPause
        } else if elapsed < nextLook || driftings > 0 {
            return nil
        }
        candidates[best].measured = time
        for index in candidates.indices where index != best {
            candidates[index].measured = nil
            candidates[index].isTried = false
        }
        return explore(available)
    }

    /// Begins the next trial that is worth while, or goes on with the best.
    private mutating func explore(_ available: Int) -> WorkerCountChoice? {
        if previous == nil { previous = best }
        candidates[best].isTried = true
        if let time = candidates[best].measured, let next = nextTrial(beside: time, available) {
            candidates[next].isTried = true
            phase = .trying(next)
            window.restart(isWarm: false)
            return nil
        }
        window.restart(isWarm: false)
        phase = .watching
        baseline = candidates[best].measured
        driftings = 0
        pause = previous == best ? min(Self.longestPause, 2 * pause) : Self.firstPause
        nextLook = elapsed + max(pause, Self.trialShare * trialSeconds)
        (previous, trialSeconds) = (nil, 0)
        guard announced != best, let seconds = baseline else { return nil }
        defer { announced = best }
        return WorkerCountChoice(
            workers: candidates[best].workers, seconds: seconds, alternative: alternative, isChange: announced != nil)
    }

    private func nextTrial(beside time: Double, _ available: Int) -> Int? {
        candidates.indices
            .filter { !candidates[$0].isTried && candidates[$0].workers <= available }
            .filter { candidates[$0].predicted <= Self.slack * time }
            .min { candidates[$0].predicted < candidates[$1].predicted }
    }

    /// The best of those that are not chosen: one that was tried, else the one that is predicted to be.
    private var alternative: WorkerCountChoice.Alternative? {
        let others = candidates.indices.filter { $0 != best }
        let tried = others.filter { candidates[$0].measured != nil }
        let pool = tried.isEmpty ? others : tried
        return pool.map {
            WorkerCountChoice.Alternative(
                workers: candidates[$0].workers, seconds: candidates[$0].measured ?? candidates[$0].predicted,
                isMeasured: candidates[$0].measured != nil)
        }.min { $0.seconds < $1.seconds }
    }
}
