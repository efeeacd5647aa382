// The textbook's session: 784-30-10 on MNIST.
//
//     swift run -c release FirstNetwork [EPOCHS]
//
// `scripts/fetch-data mnist` puts MNIST into the cache. Thirty epochs, the textbook's number, take a few seconds.

import Lockstep

let epochs = CommandLine.arguments.dropFirst().first.flatMap { Int($0) } ?? 30

let digits = try Dataset.mnist()
var network = try Network([784, 30, 10])
try network.train(on: digits, epochs: epochs, batch: 10, learningRate: 3.0) { print($0) }
let score = try network.evaluate(on: digits)
print("\(score.correct) / \(score.total)")
