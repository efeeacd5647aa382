/// Finds plateaus: so many evaluations in a row in which no more validation samples are correct than in the best evaluation
/// before them.
///
/// The "no improvement in n" rule of M. Nielsen, "Neural Networks and Deep Learning", chapter 3. What it finds follows from
/// the evaluations alone, so a resumed run that is given them again goes on with the same decisions.
package struct PlateauDetector: Hashable, Sendable {
    /// Evaluations in a row without improvement that make a plateau, at least 1.
    package let minimumLength: Int
    /// The highest ``SplitScore/merit``; nil before the first evaluation.
    package private(set) var best: Double?
    /// Evaluations since the best one, or since the end of the last plateau.
    package private(set) var length = 0
    /// Plateaus so far.
    package private(set) var count = 0

    package init(minimumLength: Int) {
        self.minimumLength = minimumLength
    }

    /// Adds an evaluation.
    ///
    /// - Parameter merit: The ``SplitScore/merit`` of the validation samples.
    package mutating func add(_ merit: Double) {
        if best.map({ merit > $0 }) ?? !merit.isNaN {
            (best, length) = (merit, 0)
            return
        }
        length += 1
        guard length >= minimumLength else { return }
        length = 0
        count += 1
    }
}
