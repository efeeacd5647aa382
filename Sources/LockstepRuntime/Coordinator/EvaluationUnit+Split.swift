import LockstepData
import LockstepProtocol

extension EvaluationUnit {
    /// The number that messages use for a split's block. The order of `Split.allCases` is part of the protocol.
    init(_ split: Split, block: Int) {
        let number = Split.allCases.firstIndex(of: split) ?? 0
        self.init(split: UInt8(number), block: block)
    }

    /// The split; nil if no split has this number.
    var dataSplit: Split? {
        Int(split) < Split.allCases.count ? Split.allCases[Int(split)] : nil
    }
}
