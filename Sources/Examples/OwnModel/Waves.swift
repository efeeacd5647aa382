import Lockstep

/// Waves of three frequencies with random phases and some noise, sampled at 24 places.
func makeWaves(count: Int) throws -> Dataset {
    let random = RandomNumbers(seed: 7)
    var inputs: [[Float]] = []
    var labels: [Int] = []
    for index in 0..<count {
        let label = index % 3
        // A rotation by a fixed angle draws a wave without a sine of the C library.
        var (x, y) = (Float(random.uniform(element: index)), Float(1))
        let turn = [Float(0.3), 0.6, 1.2][label]
        let length = (x * x + y * y).squareRoot()
        (x, y) = (x / length, y / length)
        inputs.append(
            (0..<24).map { place in
                (x, y) = (x - turn * y, y + turn * (x - turn * y))
                return x + 0.1 * random.normal(purpose: 1, element: index, draw: place)
            })
        labels.append(label)
    }
    return try Dataset(inputs: inputs, labels: labels, validation: count / 6, test: count / 6, name: "waves")
}
