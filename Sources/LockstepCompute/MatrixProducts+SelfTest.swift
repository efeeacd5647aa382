extension MatrixProducts {
    /// Whether the three products of a few shapes agree with plain loops in double.
    ///
    /// Some builds of matrix libraries compute wrong products on some CPUs, and a network still learns a little from them.
    var areRight: Bool {
        [
            (rows: 10, outputs: 30, inputs: 97), (rows: 1, outputs: 10, inputs: 17),
            (rows: 37, outputs: 41, inputs: 67),
            (rows: 37, outputs: 31, inputs: 67),
        ]
        .allSatisfy { agrees(rows: $0.rows, outputs: $0.outputs, inputs: $0.inputs) }
    }

    private func agrees(rows: Int, outputs: Int, inputs: Int) -> Bool {
        let a = sample(rows * inputs, stride: 7919)
        let w = sample(outputs * inputs, stride: 104_729)
        let d = sample(rows * outputs, stride: 1299)
        var c = [Float](repeating: .nan, count: rows * outputs)
        var g = [Float](repeating: 1, count: outputs * inputs)
        var e = [Float](repeating: .nan, count: rows * inputs)
        forward(rows: rows, outputs: outputs, inputs: inputs, a: a, w: w, into: &c)
        weightGradient(rows: rows, outputs: outputs, inputs: inputs, d: d, a: a, accumulating: true, into: &g)
        backward(rows: rows, outputs: outputs, inputs: inputs, d: d, w: w, into: &e)

        // p(i, k) and q(k, j) are the factors of term k of the sum at row i, column j.
        func equal(
            _ product: [Float], rows: Int, columns: Int, depth: Int, plus: Double,
            p: (Int, Int) -> Float, q: (Int, Int) -> Float
        ) -> Bool {
            for i in 0..<rows {
                for j in 0..<columns {
                    var sum = plus
                    for k in 0..<depth { sum += Double(p(i, k)) * Double(q(k, j)) }
                    // All values lie within [-1, 1]; the bound is generous: half a unit in the last place per addition.
                    let error = abs(Double(product[i * columns + j]) - sum)
                    guard error <= Double(depth + 1) * 0x1p-22 else { return false }
                }
            }
            return true
        }
        return equal(
            c, rows: rows, columns: outputs, depth: inputs, plus: 0, p: { a[$0 * inputs + $1] },
            q: { w[$1 * inputs + $0] })
            && equal(
                g, rows: outputs, columns: inputs, depth: rows, plus: 1, p: { d[$1 * outputs + $0] },
                q: { a[$0 * inputs + $1] })
            && equal(
                e, rows: rows, columns: inputs, depth: outputs, plus: 0, p: { d[$0 * outputs + $1] },
                q: { w[$0 * inputs + $1] })
    }

    /// Values in [-1, 1] without a pattern that a wrong product could share.
    private func sample(_ count: Int, stride: Int) -> [Float] {
        (0..<count).map { Float(($0 * stride + stride) % 2003) / 1001 - 1 }
    }
}
