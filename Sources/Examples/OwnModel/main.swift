// A model of one's own: a recurrent cell, written by hand, trained in parallel by worker processes that are this program.
//
//     swift run -c release OwnModel [WORKERS] [EPOCHS]
//
// The cell reads a wave, one value after the other, and says which of three frequencies it has. With 0, 1, 2 or 3 workers the
// last line is the same, because each mini-batch is cut into six shards.

import Lockstep

// In a worker process this call computes until the run is over, and does not return.
workerMain(RecurrentCell.self)

let arguments = CommandLine.arguments.dropFirst().map { Int($0) ?? 0 }
let (workers, epochs) = (arguments.first ?? 2, arguments.dropFirst().first ?? 5)

let waves = try makeWaves(count: 600)
let learner = try Learner(RecurrentCell(length: waves.inputSize))
let configuration = TrainingConfiguration(epochs: epochs, batch: 20, optimizer: .adamW(learningRate: 0.01), shards: 6)
let (trained, result) = try await learner.fitted(
    waves, configuration, on: workers == 0 ? .thisProcess : .workers(workers)
) { event in
    if case .epoch(let epoch) = event { print(epoch) }
    if case .notice(let text) = event { print(text) }
}

let score = try trained.evaluate(on: waves)
print("\(score) of the test waves are read right")
print("weights \(result.weightsSHA256)")
