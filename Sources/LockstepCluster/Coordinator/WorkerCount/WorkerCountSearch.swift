/// Searches for the processes with which a run's steps are fastest, and searches again when the host's load changes. The
/// candidates are any number of workers, with the coordinator beside them or not, and the coordinator alone.
///
/// The run computes with the best number so far, and the search watches its step times. From time to time the search
/// tries other numbers, each for a few steps, and keeps the fastest. The cost model chooses the first number, and which
/// numbers are worth a trial: a number whose predicted time is far beyond the best number's time is skipped. Only
/// measured times decide. Times are noisy, so a number must win by a margin. Trials cost time, so trials that change
/// nothing become rarer, and all trials together take at most a fiftieth of the time.
struct WorkerCountSearch: Sendable {
    /// watching -> trying one number after the other -> watching.
    private enum Phase: Hashable, Sendable {
        /// Steps use the best number.
        case watching
        /// Steps use the best number until its time is known; trials follow.
        case measuring
        /// Steps use the number of this candidate.
        case trying(Int)
    }

    private struct Candidate: Sendable {
        let processes: ComputingProcesses
        let predicted: Double
        var measured: Double?
        var isTried = false
    }

    /// Blocks of a trial.
    private static let trialBlocks = 3
    /// Blocks after which a hopeless trial ends.
    private static let hopelessBlocks = 1
    /// A trial is hopeless beyond this multiple of the best number's time.
    private static let hopeless = 1.5
    /// A number is worth a trial if its prediction is at most this multiple of the best number's time.
    private static let slack = 1.25
    /// A number wins a trial below this fraction of the best number's time.
    private static let margin = 0.95
    /// The load has changed if steps are longer or shorter by this factor in so many consecutive windows.
    private static let drift = 1.2
    private static let driftingWindows = 2
    private static let watchBlocks = 5
    private static let watchSeconds = 0.2
    /// Seconds of steps between trials. They double each time that trials change nothing.
    private static let firstPause = 2.0
    private static let longestPause = 64.0
    /// Seconds without trials for each second of trials.
    private static let trialShare = 50.0

    private var candidates: [Candidate]
    private var phase = Phase.measuring
    private var window = StepWindow()
    private var best: Int
    /// The best number's time when it was chosen.
    private var baseline: Double?
    private var driftingCount = 0
    /// Seconds of all steps so far, and when the next trials are due.
    private var elapsed = 0.0
    private var nextTrials = 0.0
    private var pause = firstPause
    private var trialSeconds = 0.0
    /// The best number when the trials under way began.
    private var previous: Int?
    /// The choice that was reported last.
    private var reported: Int?

    /// - Parameters:
    ///   - predictions: Seconds of a step with 0, 1, ... workers; at least one. With 0 the coordinator computes alone.
    ///   - withCoordinator: Seconds of a step with the coordinator beside 1, 2, ... workers.
    init(predictions: [Double], withCoordinator: [Double] = []) {
        precondition(!predictions.isEmpty)
        var candidates = Self.counts(upTo: predictions.count - 1).map { count in
            Candidate(
                processes: ComputingProcesses(workers: count, includesCoordinator: count == 0),
                predicted: predictions[count])
        }
        candidates += Self.counts(upTo: withCoordinator.count).dropFirst().map { count in
            Candidate(
                processes: ComputingProcesses(workers: count, includesCoordinator: true),
                predicted: withCoordinator[count - 1])
        }
        best = candidates.indices.min { candidates[$0].predicted < candidates[$1].predicted } ?? 0
        self.candidates = candidates
    }

    /// The numbers of workers that the search considers: all up to 6, then in steps of a third.
    private static func counts(upTo maximum: Int) -> [Int] {
        var counts: [Int] = []
        var next = 0
        while next < maximum {
            counts.append(next)
            next += max(1, next / 3)
        }
        return counts + [maximum]
    }

    /// The processes that compute the next step.
    var processes: ComputingProcesses {
        if case .trying(let index) = phase { return candidates[index].processes }
        return candidates[best].processes
    }

    /// Adds the time of steps.
    ///
    /// - Parameters:
    ///   - seconds: The time of all these steps together.
    ///   - steps: The number of consecutive steps.
    ///   - available: The number of active workers.
    /// - Returns: The choice if it has changed; otherwise nil.
    mutating func add(_ seconds: Double, steps: Int = 1, available: Int) -> WorkerCountChoice? {
        elapsed += seconds
        window.add(seconds, steps: steps)
        switch phase {
        case .measuring:
            guard window.count >= Self.trialBlocks, let time = window.median else { return nil }
            candidates[best].measured = time
            return explore(available)
        case .trying(let index):
            return evaluateTrial(index, available)
        case .watching:
            guard window.count >= Self.watchBlocks, window.duration >= Self.watchSeconds, let time = window.median
            else { return nil }
            return watch(time, available)
        }
    }

    /// Ends a trial if its result is clear.
    private mutating func evaluateTrial(_ index: Int, _ available: Int) -> WorkerCountChoice? {
        guard let time = window.median, let rival = candidates[best].measured else { return nil }
        let isHopeless = window.count >= Self.hopelessBlocks && time > Self.hopeless * rival
        guard isHopeless || window.count >= Self.trialBlocks else { return nil }
        trialSeconds += window.duration
        candidates[index].measured = time
        if time < Self.margin * rival { best = index }
        return explore(available)
    }

    /// Compares a window of steps with the baseline. Trials follow if the load has changed permanently, or after the
    /// pause.
    private mutating func watch(_ time: Double, _ available: Int) -> WorkerCountChoice? {
        window.restart(isWarm: true)
        let expected = baseline ?? time
        driftingCount = time > Self.drift * expected || expected > Self.drift * time ? driftingCount + 1 : 0
        if driftingCount >= Self.driftingWindows {
            pause = Self.firstPause
        } else if elapsed < nextTrials || driftingCount > 0 {
            return nil
        }
        candidates[best].measured = time
        for index in candidates.indices where index != best {
            candidates[index].measured = nil
            candidates[index].isTried = false
        }
        return explore(available)
    }

    /// Begins the next trial that is worth it, or returns to watching.
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
        driftingCount = 0
        pause = previous == best ? min(Self.longestPause, 2 * pause) : Self.firstPause
        nextTrials = elapsed + max(pause, Self.trialShare * trialSeconds)
        (previous, trialSeconds) = (nil, 0)
        guard reported != best, let seconds = baseline else { return nil }
        defer { reported = best }
        return WorkerCountChoice(
            processes: candidates[best].processes, seconds: seconds, alternative: alternative, isChange: reported != nil
        )
    }

    private func nextTrial(beside time: Double, _ available: Int) -> Int? {
        candidates.indices
            .filter { !candidates[$0].isTried && candidates[$0].processes.workers <= available }
            .filter { candidates[$0].predicted <= Self.slack * time }
            .min { candidates[$0].predicted < candidates[$1].predicted }
    }

    /// The best of the other numbers: by measured time if any was tried, otherwise by prediction.
    private var alternative: WorkerCountChoice.Alternative? {
        let others = candidates.indices.filter { $0 != best }
        let tried = others.filter { candidates[$0].measured != nil }
        let pool = tried.isEmpty ? others : tried
        return pool.map {
            WorkerCountChoice.Alternative(
                processes: candidates[$0].processes, seconds: candidates[$0].measured ?? candidates[$0].predicted,
                isMeasured: candidates[$0].measured != nil)
        }.min { $0.seconds < $1.seconds }
    }
}
