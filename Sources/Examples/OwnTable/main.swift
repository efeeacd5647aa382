// Data of one's own: points in the plane, each in one of three rings.
//
//     swift run -c release OwnTable [TABLE]
//
// The table has a sample on each line, x, y and the ring's number, in random order. A sixth of the lines are the test and a
// sixth choose among epochs.

import Lockstep

let path = CommandLine.arguments.dropFirst().first ?? "Sources/Examples/OwnTable/rings.csv"

let rings = try Dataset(csv: path, label: .named("ring"))
var network = try Network([rings.inputSize, 16, rings.classCount])
try network.train(on: rings, epochs: 300, batch: 10, learningRate: 3.0) { epoch in
    if epoch.number % 50 == 49 { print(epoch) }
}

for point in [[0.5, 0.5], [0.5, 0.75], [0.95, 0.5]] as [[Float]] {
    let prediction = try network.predict(point)
    print("\(point) lies in ring \(prediction.label), confidence \(prediction.confidence)")
}
try network.save(to: "rings.safetensors")
print("saved rings.safetensors")
