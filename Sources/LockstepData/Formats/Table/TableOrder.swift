import LockstepNumerics

/// The order in which a table's lines are divided among the splits.
struct TableOrder {
    /// The place of each line's sample; nil: the lines' own order.
    let places: [UInt32]?

    /// Keeps or shuffles the lines.
    ///
    /// In the shuffled order every part has each class as often as the whole table has, as nearly as whole samples allow: the
    /// samples of a class are spread evenly over it. So a class is learnt unless it has a single sample.
    ///
    /// - Parameters:
    ///   - classes: The class of each line.
    ///   - training: The number of training samples, which come first.
    ///   - shuffle: Whether and how the lines are shuffled; nil: if they are sorted by class.
    init(classes: [UInt16], training: Int, shuffle: TableShuffle?) {
        let seed: UInt64
        switch shuffle {
        case .never:
            places = nil
            return
        case .seed(let given): seed = given
        case nil:
            guard Self.isSorted(classes, training: training) else {
                places = nil
                return
            }
            seed = TableShuffle.defaultSeed
        }
        var order = Self.permutation(count: classes.count, seed: seed)
        var counts: [UInt16: Int] = [:]
        for label in classes { counts[label, default: 0] += 1 }
        // The place of a sample in its class, as a fraction: (2 rank + 1) / (2 count).
        var ranks: [UInt16: Int] = [:]
        var keys = [Double](repeating: 0, count: classes.count)
        for sample in order {
            let label = classes[Int(sample)]
            let rank = ranks[label, default: 0]
            ranks[label] = rank + 1
            keys[Int(sample)] = Double(2 * rank + 1) / Double(2 * (counts[label] ?? 1))
        }
        var position = [UInt32](repeating: 0, count: classes.count)
        for (index, sample) in order.enumerated() { position[Int(sample)] = UInt32(truncatingIfNeeded: index) }
        order.sort { (keys[Int($0)], position[Int($0)]) < (keys[Int($1)], position[Int($1)]) }
        places = Self.inverse(order)
    }

    /// The place of each element of an order.
    private static func inverse(_ order: [UInt32]) -> [UInt32] {
        var places = [UInt32](repeating: 0, count: order.count)
        for (place, sample) in order.enumerated() { places[Int(sample)] = UInt32(truncatingIfNeeded: place) }
        return places
    }

    /// A random order of so many lines.
    private static func permutation(count: Int, seed: UInt64) -> [UInt32] {
        var order = (0..<count).map { UInt32(truncatingIfNeeded: $0) }
        // No epoch has this number, so no epoch has this order.
        order.withUnsafeMutableBufferPointer { Philox(seed: seed).shuffle($0, epoch: .max) }
        return order
    }

    /// Which of two halves each number is in: 1 above the median.
    static func halves(of numbers: [Float]) -> [UInt16] {
        let median = numbers.sorted()[numbers.count / 2]
        return numbers.map { $0 >= median ? 1 : 0 }
    }

    /// Whether lines of a class follow each other more than in a random order: the class changes from line to line at most
    /// half as often as there, or a class occurs only behind the training samples.
    static func isSorted(_ classes: [UInt16], training: Int) -> Bool {
        let learnt = Set(classes.prefix(training))
        if classes.dropFirst(training).contains(where: { !learnt.contains($0) }) { return true }
        var counts: [UInt16: Int] = [:]
        for label in classes { counts[label, default: 0] += 1 }
        let changes = zip(classes, classes.dropFirst()).count { $0 != $1 }
        let count = Double(classes.count)
        let expected = count - counts.values.reduce(0.0) { $0 + Double($1) * Double($1) } / count
        return Double(changes) < expected / 2
    }
}
