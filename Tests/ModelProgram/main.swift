// A program with a model of its own, for the process tests.
//
//     ModelProgram train WORKERS [FAILING SAMPLE]
//     ModelProgram coordinate ENDPOINT

import Glibc
import Lockstep

workerMain(SoftmaxRegression.self)

let arguments = Array(CommandLine.arguments.dropFirst())
guard arguments.count >= 2 else { exit(64) }
let failingSample = arguments.count > 2 ? Int(arguments[2]) : nil

func placement(_ command: String, _ argument: String) -> WorkerPlacement {
    switch (command, Int(argument)) {
    case ("train", .some(0)): .thisProcess
    case ("train", .some(let count)): .workers(count)
    default: .coordinator([argument], workers: 1...1)
    }
}

do {
    let samples = try SoftmaxRegression.samples()
    let learner = try Learner(SoftmaxRegression(failingSample: failingSample))
    let (_, result) = try await learner.fitted(
        samples, TrainingConfiguration(epochs: 3, batch: 24, optimizer: .sgd(learningRate: 0.5), shards: 3),
        on: placement(arguments[0], arguments[1])
    ) { event in
        switch event {
        case .notice(let text): print("notice: \(text)")
        case .listening(let endpoints): print("listening: \(endpoints.joined(separator: ","))")
        default: break
        }
        fflush(nil)
    }
    print("weights \(result.weightsSHA256)")
} catch {
    print("error: \(error)")
    exit(1)
}
