// One process and two workers end with the same weights, because both cut each mini-batch into two shards.
//
//     swift run -c release SameWeights
//
// The workers are the program `lockstep`: it lies beside this one where both have been built, or `LOCKSTEP_EXECUTABLE` names
// it.

import Lockstep

let digits = try Dataset.mnist()

func weightsDigest(workers: Workers?) throws -> String {
    var network = try Network([784, 30, 10])
    let epochs = try network.train(
        on: digits, epochs: 1, batch: 100, learningRate: 3.0, shards: 2, workers: workers)
    return epochs.last?.weightsSHA256 ?? "no epoch"
}

let alone = try weightsDigest(workers: nil)
let together = try weightsDigest(workers: Workers(2))
print("one process  \(alone)")
print("two workers  \(together)")
precondition(alone == together, "the weights differ")
