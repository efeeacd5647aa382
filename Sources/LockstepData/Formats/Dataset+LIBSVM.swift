extension Dataset {
    /// A sample as a line of LIBSVM's format: the label or the number to learn, then `index:value` for each value
    /// that is not 0. Indices count from 1 (https://www.csie.ntu.edu.tw/~cjlin/libsvm, README).
    package func libSVMLine(of sample: Int) -> String {
        let values = [Float](unsafeUninitializedCapacity: description.inputSize) { buffer, count in
            if let base = buffer.baseAddress { gather(sample..<sample + 1, into: base) }
            count = description.inputSize
        }
        var line = target(of: sample).map { "\($0)" } ?? "\(label(of: sample))"
        for (index, value) in values.enumerated() where value != 0 { line += " \(index + 1):\(value)" }
        return line
    }
}
