import LockstepData
import LockstepProtocol

extension EvaluationUnit {
    /// A split's block as the wire names it. The splits' order in `Split.allCases` is part of the protocol.
    init(_ split: Split, block: Int) {
        let number = Split.allCases.firstIndex(of: split) ?? 0
        self.init(split: UInt8(number), block: block)
    }

    /// The split, if there is one of this number.
    var dataSplit: Split? {
        Int(split) < Split.allCases.count ? Split.allCases[Int(split)] : nil
    }
}
